// Package sim runs a whole cluster under one seed: gateways with their clients, saga
// coordinators, shard engines, streams between nodes, moves of shards, and an arbiter
// that stands for the catalog. The scheduler, the network, the clocks and the faults
// all follow from the seed, and nothing else is there, no goroutine and no socket. A
// seed that fails fails again.
//
// The engines are the product's own: shard/engine, coordinator/saga, shard/wire for
// all that crosses the network. Around them stand small shells that follow the rules of
// the product's, each named in its file: router.go those of coordinator.Coordinators,
// forward.go of gateway/session and gateway/peer, shard.go and place of
// coordinator.Node, gather.go of coordinator.Gatherer, blocked.go of session's blocked
// clients, arbiter.go of the catalog's leases. Only the data of a move goes in one piece,
// and the arbiter itself never fails.
//
// # What goes wrong
//
// Messages are dropped, doubled, late and out of order. Coordinators crash at any
// message that they take or send, and are recovered. Shards stall. Processes pause,
// with all that has come for them waiting, until others hold them for down; they come
// back with their data, and without a lease they do not serve. Processes crash and
// start again, at once or late or never, with empty shards. Links are cut in one
// direction or in both, between nodes and to the arbiter. Clocks are off, in some
// worlds by a minute. Directories reach each node late. Shards move all the while. The
// kinds of worlds are in sim_test.go, and each checks that it has met what it is for.
//
// Data is not replicated, and so one node at a time is in trouble: see limit.go for what
// may happen if two are, how that is told, and what becomes of such a world.
//
// # What is checked
//
// Clients run random commands, transactions with and without WATCH, scripts that
// compute their keys or declare them, and blocking moves. Each call that takes effect
// does so at one known moment: a single command when it runs, a saga when all its locks are there
// together. So the check is exact: all calls are replayed in the order of these moments
// on a node without faults, one after the other, and every reply and the final state
// must be the same. That is strict serializability, as a call's moment is between its
// beginning and its reply. A shard that was lost with its process is emptied in the
// replay at the moment when it is open again. A call whose client was told UNKNOWN is
// replayed if it took effect, all of it; one whose client was told that nothing was done
// must not have taken effect. An acknowledged write stays unless its shard is lost. Calls
// that were gathered take effect at the moment of their group, one after the other, or,
// where that was undone, each at one of its own, and never at both.
//
// A key whose time has come ends at one moment too, which its shard tells: expiry.go.
// Only commands that have one round of steps touch such keys, no RENAME and no script,
// and it is not judged whether the shard's clock was right.
//
// At the end all faults are over. Then every client has one reply to each call, and in
// good time no lock, journal, participant or decision is left.
//
// # Running it
//
// go test ./bench/sim runs a hundred seeds of each kind. For thousands:
//
//	go test ./bench/sim -run TestSeeds -timeout 1h -seeds 10000 -seed 1
//	go test ./bench/sim -run 'TestSeeds/all$' -seeds 10000 -seed 20000
//	go test ./bench/sim -run TestEveryArrow -timeout 1h -worlds 20
//
// -seed is the first of them. A single one that fails tells what happens in it with
// -seeds 1 -tell. A seed that has found a defect is kept in testdata/seeds.txt and is
// always run, also with Options.Plain, by which those of before there were groups go on
// as they did.
package sim
