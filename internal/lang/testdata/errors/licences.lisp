(defprog first (:license "MIT") 1)
(defprog second (:license "GPL") 1) ; ERROR 10: "has the licence"
