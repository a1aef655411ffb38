// Package shard is one shard as an actor: a thin shell that feeds an
// engine.Engine from a lease mailbox, and the list of all commands that engines
// carry out.
package shard
