(defmap who :type :array :key u32 :value u32 :max-entries 1)
(defmap seen :type :array :key-size 4 :value-size 8 :max-entries 1)

(defmacro when-ours (&body body)
  `(when (= (>> (get-current-pid-tgid) 32) (getmap who 0)) ,@body))

(import-kernel-struct file f-inode->i-mode)

(defprog p (:type :fentry :attach security-file-open :args (file))
  (when-ours
    (when (= (logand (file-f-inode-i-mode file) #o170000) #o100000)
      (incf (getmap seen 0))))
  0)
