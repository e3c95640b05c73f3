package main

//go:generate go tool whistler gen -q --lang go counter.lisp
