// Package commandtest holds what a real redis-server 7.0.15 answers to COMMAND
// INFO and COMMAND DOCS, and compares command tables with it. Sentences
// (summaries, complexities, notes, histories) are ours in Troupe's rows, so the
// recordings hold "…" for each; everything else must be equal, or stand in the
// caller's list of differences with a reason.
//
// It is imported by tests only. The recordings are made anew by
//
//	go test ./shard/command/commandtest -rewrite
//
// where a redis-server is installed.
package commandtest
