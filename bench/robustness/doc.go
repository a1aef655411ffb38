// Package robustness drives real processes of cmd/troupe from outside and checks
// what no test of a part can: that many clients on many shards see one Redis.
//
//   - Histories of concurrent clients are linearizable under one model of the
//     whole keyspace (linear_test.go, model_test.go).
//   - Blocking pops serve each element once, and the client that waited longest
//     (blocking_test.go), as redis-server does (blocking_script_test.go).
//   - EXEC fails exactly when a watched key has changed (watch_test.go).
//   - Clients and tools that people use work unchanged (goredis_test.go,
//     tools_test.go, npm_test.go).
//   - A node starts, refuses and stops as the command line promises
//     (process_test.go).
//   - Several nodes are one Redis, too (cluster_*_test.go): while nodes join, are
//     drained and leave and shards move, no client sees an error (moves); when a node
//     is killed, stands still or is forgotten, its keys are refused at once and all
//     others go on, linearizable over all clients (crash); transactions end all or
//     nothing by themselves (saga); the cluster survives restarts (restart), does not
//     merge with others (apart), refuses on the smaller side of a network that is cut
//     (network, in namespaces of the test's own, or through a proxy where Linux does
//     not allow them), and serves clients that know of clusters (client).
//
// A plain `go test` runs some seconds of it. Every random test prints its seed
// and takes it back; a long search is
//
//	go test ./bench/robustness -run Linearizable -histories 500 -seed 1 -timeout 1h
//	go test ./bench/robustness -run 'WatchAcrossShards|BlockingLikeRedis' -scripts 5000 -seed 1 -timeout 1h
//	go test ./bench/robustness -run Cluster -churn 1m -crashes 50 -count 10 -timeout 2h
//
// Tests of clusters give each node ports of its own and each cluster a name of its
// own, so that runs at the same time do not meet.
//
// A history is decided by its order in real time, so a seed repeats what the
// clients send and not what the scheduler does: a failing history is printed, and
// -visualize FILE keeps it as a page that a browser shows.
//
// The tests of npm's clients need node, npm and the registry; they run where
// TROUPE_NPM=1 is set.
package robustness
