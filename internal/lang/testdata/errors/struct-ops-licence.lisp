(defprog one (:type :struct-ops :license "MIT") 0) ; ERROR 10: "a :struct-ops program needs a GPL-compatible licence, and `one` has \"MIT\""
(defstruct-ops ops bpf-dummy-ops :test-1 one)
