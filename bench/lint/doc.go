// Package lint holds the rules of the house as tests over the source itself: the
// import chain, one door for each outside library, sizes of files and functions,
// a doc.go in every package, and what must not appear. `go test ./bench/lint`
// names each place that breaks one.
package lint
