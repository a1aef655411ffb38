// Package resptest is a RESP server for tests, in the way of net/http/httptest.
//
// A test gives the answer to each command as a function, so it can be a server
// that no real one would be: one that errs, lies, dawdles or hangs up. Commands
// are counted by name, and their words can be kept, so that a test can say what
// a driver really sent.
package resptest
