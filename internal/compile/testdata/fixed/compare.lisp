; Comparisons that types decide.
(defmap h :type :hash :key u32 :value u64 :max-entries 8)
(defmacro below (x n) `(< ,x ,n))
(defconstant +limit+ 0)
