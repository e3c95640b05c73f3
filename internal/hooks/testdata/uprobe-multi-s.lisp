;;; Counts by the place: the instruction pointers of the functions differ.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)
(defmap places :type :hash :key u64 :value u64 :max-entries 16)

(defprog see (:section "uprobe.multi.s//proc/self/exe:github.com/whistler-lang/whistler/internal/hooks.probed*")
  (incf (getmap seen 0))
  (incf (getmap places (get-func-ip (ctx-ptr))))
  0)
