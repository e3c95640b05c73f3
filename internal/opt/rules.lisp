; The algebra. (rule left right): where left matches, right is as good or
; better. ?a ?b are constants, x y any values, numbers themselves. Ops are 64
; bits wide; name.N is the op at N bytes. Arguments of commuting ops stand
; with the constant on the right. A test proves each line on numbers. A rule is
; left alone where it would make a constant of two slots of smaller ones, and a
; comparison stays one of a computed number that somebody else wants, too, or that
; is an address. Lines with programs behind them were found by `make superopt`.

; nothing happens
(rule (add x 0) x)
(rule (sub x 0) x)
(rule (mul x 1) x)
(rule (udiv x 1) x)
(rule (sdiv x 1) x)
(rule (and x -1) x)
(rule (or x 0) x)
(rule (xor x 0) x)
(rule (shl x 0) x)
(rule (shr x 0) x)
(rule (sar x 0) x)
(rule (add.4 x 0) (zext.4 x))
(rule (or.4 x 0) (zext.4 x))
(rule (xor.4 x 0) (zext.4 x))
(rule (and.4 x -1) (zext.4 x))
(rule (and x x) x)
(rule (or x x) x)
(rule (neg (neg x)) x)

; the result is known
(rule (mul x 0) 0)
(rule (and x 0) 0)
(rule (or x -1) -1)
(rule (sub x x) 0)
(rule (xor x x) 0)
(rule (umod x 1) 0)
(rule (smod x 1) 0)
(rule (eq x x) 1)
(rule (ne x x) 0)
(rule (ult x x) 0)
(rule (ule x x) 1)
(rule (ugt x x) 0)
(rule (uge x x) 1)
(rule (slt x x) 0)
(rule (sle x x) 1)
(rule (sgt x x) 0)
(rule (sge x x) 1)
(rule (ult x 0) 0)
(rule (uge x 0) 1)
(rule (ugt x -1) 0)
(rule (ule x -1) 1)

; two constants become one
(rule (add (add x ?a) ?b) (add x (add ?a ?b)))
(rule (add (sub x ?a) ?b) (add x (sub ?b ?a)))
(rule (sub (add x ?a) ?b) (add x (sub ?a ?b)))
(rule (sub (sub x ?a) ?b) (sub x (add ?a ?b)))
(rule (mul (mul x ?a) ?b) (mul x (mul ?a ?b)))
(rule (and (and x ?a) ?b) (and x (and ?a ?b)))
(rule (or (or x ?a) ?b) (or x (or ?a ?b)))
(rule (xor (xor x ?a) ?b) (xor x (xor ?a ?b)))
(rule (sub ?a (sub ?b x)) (add x (sub ?a ?b)))
(rule (sub (add x y) x) y)
(rule (sub (add y x) x) y)
(rule (sub (add x ?a) (add y ?a)) (sub x y))
(rule (sub.4 (add.4 x ?a) (add.4 y ?a)) (sub.4 x y)) ; ecmp-jhash
(rule (sub 0 x) (neg x))
(rule (zext.4 (neg x)) (neg.4 x)) ; open-latency

; masks say what of a number counts
(rule (and x 4294967295) (zext.4 x)) ; syn-cookie, checksums
(rule (and (zext.4 x) ?a) (and x (zext.4 ?a)))
(rule (and (zext.2 x) ?a) (and x (zext.2 ?a)))
(rule (and (zext.1 x) ?a) (and x (zext.1 ?a)))
(rule (xor (zext.2 (xor.4 x 65535)) 65535) (and x 65535)) ; l4-balance
(rule (eq (and x 1) 1) (and x 1)) ; mss-clamp
(rule (ne (and x 1) 0) (and x 1))

; what is compared was computed by a step that the constant can take
(rule (eq (add x ?a) ?b) (eq x (sub ?b ?a))) ; sampler
(rule (ne (add x ?a) ?b) (ne x (sub ?b ?a)))
(rule (eq.4 (add.4 x ?a) ?b) (eq.4 x (sub.4 ?b ?a)))
(rule (ne.4 (add.4 x ?a) ?b) (ne.4 x (sub.4 ?b ?a)))
(rule (eq (sub x ?a) ?b) (eq x (add ?a ?b)))
(rule (ne (sub x ?a) ?b) (ne x (add ?a ?b)))
(rule (eq.4 (sub.4 x ?a) ?b) (eq.4 x (add.4 ?a ?b)))
(rule (ne.4 (sub.4 x ?a) ?b) (ne.4 x (add.4 ?a ?b)))
(rule (eq (shr x ?a) 0) (ult x (shl 1 ?a))) ; sock-filter
(rule (ne (shr x ?a) 0) (uge x (shl 1 ?a)))
(rule (eq.4 (shr.4 x ?a) 0) (ult.4 x (shl.4 1 ?a)))
(rule (ne.4 (shr.4 x ?a) 0) (uge.4 x (shl.4 1 ?a)))
(rule (eq (udiv x ?a) 0) (ule x (sub ?a 1)))
(rule (ne (udiv x ?a) 0) (ugt x (sub ?a 1))) ; token-bucket, rate-window
(rule (eq.4 (udiv.4 x ?a) 0) (ule.4 x (sub.4 ?a 1)))
(rule (ne.4 (udiv.4 x ?a) 0) (ugt.4 x (sub.4 ?a 1)))

; comparisons with the neighbours of the ends
(rule (ult x 1) (eq x 0))
(rule (uge x 1) (ne x 0))
(rule (ule x 0) (eq x 0))
(rule (ugt x 0) (ne x 0))

; a test of bits
(rule (ne (and x y) 0) (test x y))

; byte order there and back
(rule (be.8 (be.8 x)) x)
(rule (bswap.8 (bswap.8 x)) x)
(rule (be.4 (be.4 x)) (zext.4 x))
(rule (be.2 (be.2 x)) (zext.2 x))
(rule (be.2 (zext.2 x)) (be.2 x))
(rule (be.4 (zext.4 x)) (be.4 x))
(rule (bswap.2 (zext.2 x)) (bswap.2 x))
(rule (bswap.4 (zext.4 x)) (bswap.4 x))

; extensions
(rule (zext.8 x) x)
(rule (sext.8 x) x)
