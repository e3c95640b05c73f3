; Programs that replace a function of another.
(defprog nowhere (:type :freplace :extends :xdp) 0) ; ERROR 10: "does not say which function"
(defprog noty (:section "freplace/f") 0) ; ERROR 25: "what type of program"
(defprog badty (:section "freplace/f" :extends :xpd) 0) ; ERROR 48: "unknown program type"
(defprog self (:section "freplace/f" :extends :freplace) 0) ; ERROR 47: "cannot be replaced"
(defprog other (:type :xdp :extends :tc) 0) ; ERROR 37: ":extends is for programs that replace"
(defprog gives (:section "freplace/f" :extends :xdp :result (ptr u32)) 0) ; ERROR 61: "gives a number"
(defprog takes (:section "freplace/f" :extends :xdp :args ((p ptr))) 0) ; ERROR 61: "must say what it points to"
(defprog gives2 (:section "freplace/f" :extends :xdp) (ctx-ptr)) ; ERROR 55: "gives a number"
(defprog helper (:section "freplace/f" :extends :xdp) (skb-change-type (ctx-ptr) 0)) ; ERROR 56: "cannot call the helper"
(defprog right (:section "freplace/f" :extends :xdp :args ((len u32) (c ctx))) (if (> len 5) (ctx rx-queue-index) 0))
