; A function that is not given the context.
(defprog noctx (:section "freplace/f" :extends :xdp :args ((len u32))) (ctx rx-queue-index)) ; ERROR 72: "is not given it"
(defprog byaid (:section "freplace/f" :extends :xdp :args ((len u32))) (xdp-adjust-head (ctx-ptr) 4)) ; ERROR 72: "is not given it"
