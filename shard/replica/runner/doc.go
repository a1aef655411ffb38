// Package runner is the shell around one replica: one goroutine with a bounded
// inbox and a ticker, which saves to the node's log, sends through a callback, and
// tells callers how their requests ended.
package runner
