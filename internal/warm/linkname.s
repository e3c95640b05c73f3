// There is no assembly: its file lets the compiler take declarations without a body.
