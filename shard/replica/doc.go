// Package replica drives one raft group's replica on this node, on the RawNode of
// go.etcd.io/raft, and applies what the group has agreed on to a Machine.
//
// It is a plain state machine. Messages, ticks and requests go in; Ready hands out
// what must be saved and sent, in raft's order:
//
//	rd := r.Ready()
//	send(rd.Now)          // a leader need not have saved what it sends
//	log.Save(group, rd.Save)
//	send(rd.Later)        // votes and acknowledgements promise that it is saved
//	done, err := r.Advance()
//
// and Advance applies what is committed and tells which requests are over. Nothing
// else is called between Ready and Advance. There is no goroutine, clock, socket or
// file here, and randomness is seeded: package runner ties a replica to a log, a
// ticker and a network, a simulation ties it to its own.
//
// A group begins with one replica that bootstraps it, with itself as the only
// voter. All others start empty, are added by the leader, and learn everything from
// it. A replica whose log is lost must come back under a new id: its old one has
// made promises.
//
// PreVote and CheckQuorum are on. The replica counts the ticks to an election
// itself, so that they come from its seed and not from the system's randomness.
package replica
