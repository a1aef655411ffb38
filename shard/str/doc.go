// Package str holds the commands on strings. A string is the value in its key's
// record: raw bytes, or eight bytes where it is the canonical text of a 64-bit
// integer.
package str
