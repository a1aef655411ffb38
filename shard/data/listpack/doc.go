// Package listpack is the compact encoding of small hashes, sorted sets, lists
// and streams: a sequence of strings and integers in one byte slice that is read
// in both directions.
//
// The bytes are Redis's own format, so they can be dumped and loaded as they are:
//
//	total bytes (32 bits LE) · count (16 bits LE) · entries · 0xFF
//
// An entry is its encoding byte and length, its data, and the length of these
// two again, written so that it can be read from its end. A string that is a
// canonical integer is stored as one, in 1 to 9 bytes. A count of 65535 means
// "count them".
//
// A Pack is a slice: methods that change it return the slice to keep, as append
// does. Elements are named by their byte offset; an offset is good until the
// next change. A Pack from outside must pass Valid first; everything else
// trusts its bytes.
package listpack
