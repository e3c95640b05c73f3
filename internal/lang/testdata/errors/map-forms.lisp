(defstruct pair (a u64) (b u64))
(defstruct other (a u32) (b u32))
(defmap arr :type :array :key u32 :value u64 :max-entries 4)
(defmap h :type :hash :key pair :value u64 :max-entries 4)
(defmap h12 :type :hash :key (array u8 12) :value u16 :max-entries 4)
(defmap q :type :queue :value u32 :max-entries 4)
(defmap qp :type :queue :value pair :max-entries 4)
(defmap bloom :type :bloom-filter :value u32 :max-entries 4)
(defmap in :type :hash :key u32 :value u64 :max-entries 4)
(defmap outer :type :array-of-maps :max-entries 4 :inner-map in)
(defmap rb :type :ringbuf :max-entries 4096 :event pair)
(defmap devs :type :devmap :max-entries 4)
(defmap cpus :type :cpumap :max-entries 4)
(defmap trie :type :lpm-trie :key-size 8 :value u32 :max-entries 4)
(defmap sm :type :sockmap :max-entries 4)
(defmap sh :type :sockhash :key u32 :max-entries 4)
(defmap percpu :type :percpu-array :value u64 :max-entries 4)
(defprog index-1 () (getmap arr 4)) ; ERROR 33: "the index 4 is outside of `arr`"
(defprog index-2 () (setf (getmap arr -1) 4)) ; ERROR 39: "the index -1 is outside of `arr`"
(defprog index-3 () (incf (getmap arr 99))) ; ERROR 39: "the index 99 is outside of `arr`"
(defprog index-4 () (if (map-lookup arr 4) 1 0)) ; ERROR 41: "the index 4 is outside of `arr`"
(defprog int-key () (getmap h 5)) ; ERROR 31: "the key of `h` has 16 bytes .pair., and this is a number"
(defprog int-key-2 () (getmap h12 5)) ; ERROR 35: "the key of `h12` has 12 bytes ..array u8 12.., and this is a number"
(defprog long-key () (let ((a (array u8 16))) (getmap h12 a))) ; ERROR 59: "this has 16 bytes, but the key of `h12` has 12"
(defprog no-key () (getmap q 1)) ; ERROR 28: "a queue map has no lookup"
(defprog push-number () (map-push qp 1)) ; ERROR 38: "the value of `qp` has 16 bytes .pair., and this is a number"
(defprog push-array () (map-push arr 1)) ; ERROR 34: "an array map has no push"
(defprog push-wide () (map-push q #x100000000)) ; ERROR 35: "4294967296 does not fit into the 4-byte value of `q`"
(defprog pop-hash () (map-pop in)) ; ERROR 31: "a hash map has no pop"
(defprog pop-bloom () (map-pop bloom)) ; ERROR 32: "a bloom-filter map has no pop"
(defprog peek-bloom () (map-peek bloom #x100000000)) ; ERROR 40: "4294967296 does not fit into the 4-byte value of `bloom`"
(defprog put-map () (setf (getmap outer 1) 5)) ; ERROR 21: "the values of `outer` are maps, which programs only look up"
(defprog put-map-2 () (map-update outer 1 5 BPF_ANY)) ; ERROR 43: "the values of `outer` are maps, which programs only look up"
(defprog del-map () (remmap outer 1)) ; ERROR 29: "an array-of-maps map has no delete"
(defprog incf-map-of-maps () (incf (getmap outer 1))) ; ERROR 44: "the values of `outer` are maps, not numbers"
(defprog wrong-event () (let ((o (make-other))) (emit rb o))) ; ERROR 58: "`rb` does not carry `other`"
(defprog wrong-reserve () (with-ringbuf (e rb (sizeof other)) 1)) ; ERROR 55: "`rb` does not carry `other`"
(defprog redirect-wrong () (map-redirect arr 1)) ; ERROR 42: "an array map has no devices or CPUs to redirect to"
(defprog redirect-tc (:type :tc) (map-redirect devs 1)) ; ERROR 34: "a tc program cannot call the helper `redirect-map`"
(defprog update-dev () (map-update devs 1 2 0)) ; ERROR 36: "a devmap map has no update"
(defprog percpu-wrong () (if (map-lookup-percpu arr 1 0) 1 0)) ; ERROR 49: "an array map has no values of other CPUs"
(defprog walk-trie () (for-each-map-elem (k v trie) 1)) ; ERROR 47: "the entries of an lpm-trie map cannot be walked"
(defprog sockets (:type :sk-skb) (sk-redirect-map (ctx-ptr) sh 1 0)) ; ERROR 61: "`sk-redirect-map` wants a sockmap, and `sh` is a sockhash"
(defprog stackid (:type :kprobe) (get-stackid (ctx-ptr) arr 0)) ; ERROR 57: "an array map has no stacks"
(defprog drain () (user-ringbuf-drain (r rb) 1)) ; ERROR 42: "a ringbuf map has no records from user space"
(defprog drain-2 () (user-ringbuf-drain r 1)) ; ERROR 41: "malformed loop r"
(defprog info (:type :kprobe) (let ((p (make-pair))) (fill-process-info p :pid-feld pair-a))) ; ERROR 75: "unknown keyword argument :pid-feld in a call of `fill-process-info`"
(defprog info-2 (:type :kprobe) (let ((p (make-pair))) (fill-process-info p :pid-field pair-x))) ; ERROR 88: "unknown place `pair-x`"
(defprog inner-key () (when-let ((m (getmap outer 1))) (getmap m #x100000000))) ; ERROR 66: "4294967296 does not fit into the 4-byte key of `m`"
(defprog inner-op () (when-let ((m (getmap outer 1))) (map-pop m))) ; ERROR 64: "a hash map has no pop"
(defprog unknown () (getmap outr 1)) ; ERROR 29: "unknown map `outr`"
