// Package intset is the compact encoding of a set whose members are all
// integers: one sorted array in one byte slice, searched by halving.
//
// The bytes are Redis's own layout, so they can be dumped and loaded as they
// are: the width of an element (2, 4 or 8), the number of elements, both 32 bits,
// then the elements, everything little-endian. All elements have the same width,
// that of the widest ever added; adding a wider one rewrites the array.
//
// A Set is a slice: methods that change it return the slice to keep, as append
// does. The zero value is not a set; start with New.
package intset
