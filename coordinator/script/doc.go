// Package script runs Lua for EVAL. An Engine caches compiled scripts and
// pools interpreters; Run executes one script against a Caller, who executes
// redis.call, and appends the script's result as one RESP reply.
//
// The interpreter is gopher-lua, behind a compiler pass (rewrite*.go) that
// removes its differences from Lua 5.1 and makes what a script can grow
// countable. Libraries, patterns and number formats are our own, so that each
// has a limit. Globals and libraries are read-only proxies, so a pooled
// interpreter stays clean between scripts, and compiled code reads the usual ones
// past the proxies. KEYS and ARGV are made anew in place for each run.
//
// A run is bounded by a kill flag, a step budget and a memory limit (meter.go).
// Ending a run, also by Abort, cannot be caught by the script. The package
// has no goroutine, clock, file or global randomness.
package script
