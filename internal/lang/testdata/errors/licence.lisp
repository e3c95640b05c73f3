(defprog licence (:type :kprobe :section "kprobe/x" :license "MIT")
  (probe-read-kernel 0 0 0)) ; ERROR 4: "needs a GPL-compatible licence"
