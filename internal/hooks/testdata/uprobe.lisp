(defmap seen :type :array :key u32 :value u64 :max-entries 4)
(defmap text :type :array :key u32 :value (array u8 8) :max-entries 1)

(defprog see (:section "uprobe//proc/self/exe:github.com/whistler-lang/whistler/internal/hooks.probed")
  (incf (getmap seen 0))
  (setf (getmap seen 1) (pt-regs-parm2))
  (when-let ((p (map-lookup text 0)))
    (probe-read-user p 8 (pt-regs-parm1)))
  0)
