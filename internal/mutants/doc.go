// Package mutants breaks the compiler on purpose, one place at a time, and
// demands that the tests notice: testdata/mutants.txt lists the damage. The
// source stays as it is; the tests are built with an overlay.
package mutants
