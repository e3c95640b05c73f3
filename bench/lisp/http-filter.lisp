;;; Counts HTTP requests by method and drops those for what is not public.

(defenum method other get post put delete)

(defconstant +longest-method+ 7)    ; "DELETE "
(defconstant +longest-path+ 8)

(defmap requests :type :percpu-array :key u32 :value u64 :max-entries 5)

(defprog http-filter (:type :xdp :license "GPL")
  (with-tcp (data data-end tcp)
    (case (tcp-dst-port tcp)
      ((80 8080)
       (let ((p (+ tcp (* 4 (>> (tcp-data-off tcp) 4))))
             (method other))
         (when (> (+ p +longest-method+ +longest-path+) data-end)
           (return XDP_PASS))
         (cond ((starts-with p "GET ") (setf method get) (incf p 4))
               ((starts-with p "POST ") (setf method post) (incf p 5))
               ((starts-with p "PUT ") (setf method put) (incf p 4))
               ((starts-with p "DELETE ") (setf method delete) (incf p 7)))
         (incf (getmap requests method))
         (when (and (/= method other)
                    (or (starts-with p "/admin") (starts-with p "/metrics")))
           (return XDP_DROP))))))
  XDP_PASS)
