;;; Runs at entry and return of one function; of the other, at entry only.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "uprobe.session//proc/self/exe:github.com/whistler-lang/whistler/internal/hooks.probed*")
  (incf (getmap seen 0))
  (if (= (pt-regs-parm2) 1) 1 0))
