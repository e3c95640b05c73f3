(defprog alone (:type :struct-ops) 0) ; ERROR 10: "no defstruct-ops names the program `alone`"
(defprog other (:type :struct-ops) 0)
(defstruct-ops ops bpf-dummy-ops :test-1 other :test-sleepable nil)
