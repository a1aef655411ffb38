// Package bitmap holds the commands that take a string as an array of bits,
// the highest bit of a byte first. Bits past the end of a string, or of an absent
// key, are zero. BITOP, which has several keys, is a program of the coordinator.
package bitmap
