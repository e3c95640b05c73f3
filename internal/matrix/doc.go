// Package matrix runs the programs of package hooks on other kernels: it
// takes distribution kernels, boots each under qemu with a small init, and
// reads from the console how far each program came. The objects are compiled
// once, on the machine that runs the matrix.
package matrix
