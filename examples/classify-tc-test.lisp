(defun class-of (packet)
  (is-verdict TC_ACT_OK (run classify :packet packet))
  (ctx-out :mark))

(deftest classes-by-port
  (is (= +class-web+ (class-of (tcp-packet :dport 443))))
  (is (= +class-ssh+ (class-of (tcp-packet :dport 22))))
  (is (= +class-dns+ (class-of (udp-packet :dport 53))))
  (is (= +class-dns+ (class-of (tcp-packet :dport 53))))
  (is (= +class-other+ (class-of (tcp-packet :dport 23))))
  (is (= +class-other+ (class-of (udp-packet :dport 80))))
  (is (= +class-other+ (class-of (arp-packet)))))

(deftest counts-bytes
  (let ((p (tcp-packet :dport 80 :payload "GET / HTTP/1.1")))
    (run classify :packet p :repeat 3)
    (is (= (* 3 (length p)) (getmap class-bytes +class-web+)))
    (is (= 0 (getmap class-bytes +class-ssh+)))))
