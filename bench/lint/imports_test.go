package lint

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// chain is the order of rooms: a package imports only what stands to its right,
// or its own room. cmd and bench stand side by side, and cmd may start bench.
var chain = []string{"cmd", "bench", "gateway", "coordinator", "shard", "actors", "proto"}

// doors says which packages may import an outside library; a package stands for
// those below it. Tests may use what they like of the libraries for tests.
var doors = map[string][]string{
	"github.com/asynkron/protoactor-go":       {"actors", "shard", "coordinator", "gateway"}, // see actorFiles
	"github.com/tidwall/redcon":               {"shard/reply"},
	"github.com/yuin/gopher-lua":              {"coordinator/script"},
	"github.com/spf13/cobra":                  {"cmd/troupe"},
	"github.com/spf13/pflag":                  {"cmd/troupe"},
	"github.com/zeebo/xxh3":                   {"shard/keyspace", "shard/locks", "coordinator/saga"},
	"golang.org/x/sys":                        {"shard/data", "gateway/netloop", "gateway/conn", "bench/load"},
	"google.golang.org/protobuf":              {"proto", "shard/replica"}, // raft's messages are protobuf
	"google.golang.org/grpc":                  {"actors/transport"},       // for the credentials of Proto.Actor's remote
	"github.com/hashicorp/serf":               {"actors/membership"},
	"github.com/hashicorp/memberlist":         {"actors/membership"},
	"go.etcd.io/raft/v3":                      {"shard/replica"},
	"github.com/HdrHistogram/hdrhistogram-go": {"bench/load"},
	"github.com/redis/go-redis/v9":            {"bench"},
	"github.com/anishathalye/porcupine":       {"bench"},
	"pgregory.net/rapid":                      {},
}

func TestImportChain(t *testing.T) {
	for _, s := range sources(t) {
		from := slices.Index(chain, s.room())
		if from < 0 {
			t.Errorf("%s: %q is no room of the house", s.path, s.room())
			continue
		}
		for _, imp := range s.file.Imports {
			name, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			inside, ours := strings.CutPrefix(name, module)
			if !ours {
				checkDoor(t, s, name, s.at(imp.Pos()))
				continue
			}
			room, _, _ := strings.Cut(inside, "/")
			if to := slices.Index(chain, room); to < from && !s.test() {
				t.Errorf("%s: %s imports %s against the chain %v", s.at(imp.Pos()), s.room(), inside, chain)
			}
		}
	}
}

// checkDoor holds outside imports to their doors; what has none is a new
// dependency, which needs a line here and in ARCHITECTURE.md.
func checkDoor(t *testing.T, s *source, name, at string) {
	first, _, _ := strings.Cut(name, "/")
	if !strings.Contains(first, ".") || s.test() {
		return // the standard library
	}
	for library, rooms := range doors {
		if name != library && !strings.HasPrefix(name, library+"/") {
			continue
		}
		for _, room := range rooms {
			if s.dir() == room || strings.HasPrefix(s.dir(), room+"/") {
				return
			}
		}
		t.Errorf("%s: %s may be imported in %v only", at, library, rooms)
		return
	}
	t.Errorf("%s: %s has no door in the table", at, name)
}

// TestActorShells: outside of actors/, Proto.Actor is seen in thin shells only.
func TestActorShells(t *testing.T) {
	const maxShell = 150
	for _, s := range sources(t) {
		if s.test() || s.room() == "actors" {
			continue
		}
		for _, imp := range s.file.Imports {
			if !strings.Contains(imp.Path.Value, "asynkron/protoactor-go") {
				continue
			}
			if !strings.HasSuffix(s.path, "/actor.go") && s.path != "coordinator/node.go" {
				t.Errorf("%s: Proto.Actor is imported outside of an actor.go", s.at(imp.Pos()))
			}
			if n := lines(s); n > maxShell {
				t.Errorf("%s: an actor's shell of %d lines, more than %d", s.path, n, maxShell)
			}
		}
	}
}
