// Package wire is the client end of RESP2 and RESP3 for differential tests.
//
// Ordinary clients turn replies into Go values and so lose what a byte-exact comparison needs: whether a nil was "$-1",
// "*-1" or "_", whether a number came as ":", "," or a bulk string, whether a hash came as a map or as a flat array.
// A Value keeps the type byte of every node, and Format writes it as indented text that people can read in a golden file
// and that differs whenever the bytes on the wire differ in meaning.
package wire
