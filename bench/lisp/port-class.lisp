;;; Sorts packets into classes of service by protocol and port.

(defenum class other web shell names mail database voice files control)

(defmap class-bytes :type :percpu-array :key u32 :value u64 :max-entries 9)

(defmacro tcp-class (port)
  `(case ,port
     ((80 443 8000 8080 8443) web)
     ((22 23 513) shell)
     ((53 853) names)
     ((25 110 143 465 587 993 995) mail)
     ((1433 1521 3306 5432 6379 9042 27017) database)
     ((20 21 139 445 873 2049) files)
     (179 control)
     (t other)))

(defmacro udp-class (port)
  `(case ,port
     ((53 5353) names)
     (443 web)
     ((3478 5004 5005 5060 5061) voice)
     ((67 68 123 161 520) control)
     (t other)))

(defprog port-class (:type :tc :license "GPL")
  (with-ipv4 (data data-end ip)
    (let ((l4 (+ ip +ipv4-hdr-len+)))
      (when (and (<= (+ l4 +udp-hdr-len+) data-end)
                 (= (ipv4-ver-ihl ip) #x45))
        (let ((class (case (ipv4-protocol ip)
                       (IPPROTO_TCP (tcp-class (tcp-dst-port l4)))
                       (IPPROTO_UDP (udp-class (udp-dst-port l4)))
                       ((IPPROTO_ICMP IPPROTO_IGMP) control)
                       (t other))))
          (setf (ctx priority) class)
          (incf (getmap class-bytes class) (ctx len))))))
  TC_ACT_OK)
