;;; Queues, stacks and bloom filters, whose values have no keys; values of
;;; other CPUs; maps that packets are redirected through.

(defmacro map-push (map value &optional (flags 0))
  "Puts value into a queue, a stack or a bloom filter: 0, or a negative error number. With flags BPF_EXIST a full queue or stack drops its oldest value."
  (let ((v (gensym "VALUE")))
    `(%with-value (,v ,map ,value) (map-push-elem ,map ,v ,flags))))

(defmacro map-pop (map &optional (default 0))
  "Takes the next value out of a queue (the oldest) or a stack (the newest): a number, or a pointer to a copy of a struct on the stack, which the next turn of a loop overwrites. Default, 0 if not given, where it is empty."
  `(%take map-pop-elem ,map ,default))

(defmacro map-peek (map &optional (value 0))
  "(map-peek map [default]) is the next value of a queue or a stack, as map-pop gives it, and leaves it there. (map-peek bloom-filter value) is 1 where value may have been pushed and 0 where it was not."
  (if (eq (map-kind map) :bloom-filter)
      (let ((v (gensym "VALUE")))
        `(%with-value (,v ,map ,value) (= (map-peek-elem ,map ,v) 0)))
      `(%take map-peek-elem ,map ,value)))

(defmacro %take (helper map default)
  (let ((p (gensym "P")))
    `(%with-room (,p ,map)
       (if (= (,helper ,map ,p) 0) (%value ,map ,p) ,default))))

(defmacro map-lookup-percpu (map key cpu)
  "A pointer to the value that a CPU has for key in a per-CPU map, or 0 where there is no entry or no such CPU."
  (let ((k (gensym "KEY")))
    `(%with-key (,k ,map ,key) (map-lookup-percpu-elem ,map ,k ,cpu))))

(defmacro map-redirect (map key &optional (flags 0))
  "Sends the packet to what a devmap, devmap-hash, cpumap or xskmap holds for key: XDP_REDIRECT to return, or the XDP verdict in the low bits of flags where there is nothing."
  `(redirect-map ,map ,key ,flags))
