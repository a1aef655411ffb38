// Package sim runs shard engines, saga coordinators and clients under one seed:
// the scheduler, the network, the clock and the faults all follow from it, and
// nothing else is there, no goroutine and no socket. A seed that fails fails again.
//
// The network between coordinators and shards delays, reorders, doubles and drops
// messages; shards pause; coordinators crash at any message that they take or send,
// and are recovered. Clients run random commands, transactions with and without
// WATCH, scripts that compute their keys, and blocking moves.
//
// Each call that takes effect does so at one known moment: the decision, for a
// single command its run, for a read its reply. So the check is exact: all calls
// are replayed in the order of these moments on a node without faults, one after
// the other, and every reply and the final state must be the same. That is strict
// serializability, as a call's moment is between its beginning and its reply. At
// the end every client has one reply to each call, and no lock, journal,
// participant or decision is left.
//
// go test ./bench/sim -seeds 100000 -seed 1 runs the seeds from 1 on. A seed that
// has found a defect is kept in testdata/seeds.txt and is always run.
package sim
