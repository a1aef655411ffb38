package robustness

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/troupedb/troupe/bench/conformance/target"
	"github.com/troupedb/troupe/bench/conformance/wire"
)

var scripts = flag.Int("scripts", 40, "random scripts of WATCH and EXEC, and of blocked clients")

const (
	scriptKeys    = 6
	scriptClients = 3
	scriptSteps   = 60
)

// TestWatchAcrossShards: EXEC is aborted exactly when a key that is watched, in
// whatever shard, was touched. Clients take turns by a random script, so each
// reply must equal redis-server's.
func TestWatchAcrossShards(t *testing.T) {
	first := random(t)
	oracle := target.StartRedis(t).Addr
	for _, shards := range []int{16, 3} {
		t.Run(fmt.Sprintf("%d shards", shards), func(t *testing.T) {
			addr := startNode(t, "--shards", fmt.Sprint(shards)).Addr
			aborted, passed := 0, 0
			for i := range uint64(*scripts) {
				a, p := compareScript(t, oracle, addr, shards, first+i)
				aborted, passed = aborted+a, passed+p
				if t.Failed() {
					return
				}
			}
			if aborted == 0 || passed == 0 {
				t.Errorf("%d blocks were aborted, %d were not: nothing is compared", aborted, passed)
			}
		})
	}
}

// compareScript plays one script against both servers and counts its blocks.
func compareScript(t *testing.T, oracle, addr string, shards int, seed uint64) (aborted, passed int) {
	t.Helper()
	s := &watchScript{rand: rand.New(rand.NewPCG(seed, 0)), keys: spreadKeys("w", scriptKeys, shards)}
	var servers [2][scriptClients]*wire.Conn
	for i, a := range []string{oracle, addr} {
		for j := range scriptClients {
			c, err := wire.Dial(a, limit)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			servers[i][j] = c
		}
		do(t, servers[i][0], "FLUSHALL")
	}
	var log []string
	for range scriptSteps {
		client := s.rand.IntN(scriptClients)
		words := s.next(client)
		want, got := do(t, servers[0][client], words...), do(t, servers[1][client], words...)
		log = append(log, fmt.Sprintf("%d: %s → %s", client, strings.Join(words, " "), want))
		if got != want {
			t.Errorf("-seed %d -scripts 1:\n%s\ninstead %s", seed, strings.Join(log, "\n"), got)
			return
		}
		if words[0] == "EXEC" {
			if want == "*-1" {
				aborted++
			} else {
				passed++
			}
		}
	}
	return aborted, passed
}

// watchScript draws commands that are at least possible in each client's state.
type watchScript struct {
	rand  *rand.Rand
	keys  []string
	multi [scriptClients]bool
}

// watchWrites touch a key always, sometimes, or never; A, B and C stand for
// keys.
var watchWrites = []string{
	"SET A v", "SET A v", "SET A v GET", "SET A v NX", "SET A v XX", "GET A", "GETDEL A", "GETEX A PERSIST", "APPEND A x", "INCR A",
	"DEL A", "UNLINK A B", "EXISTS A B", "TYPE A", "TOUCH A B", "EXPIRE A 1000", "EXPIRE A -1", "PERSIST A", "RENAME A B", "RENAMENX A B",
	"COPY A B", "COPY A B REPLACE", "MSET A 1 B 2 C 3", "MSETNX A 1 B 2", "MGET A B C", "LPUSH A x", "RPOP A", "LMOVE A B LEFT RIGHT",
	"LREM A 0 x", "LTRIM A 0 0", "LSET A 0 y", "RPUSHX A y", "SADD A x y", "SADD A z", "SREM A x", "SREM A none", "SMOVE A B x",
	"SINTERSTORE A B C", "SUNIONSTORE A B C", "SDIFFSTORE A B C", "HSET A f v", "HDEL A f", "HDEL A none", "HSETNX A f w", "HINCRBY A n 1",
	"ZADD A 1 m", "ZADD A XX 2 m", "ZADD A NX 3 m", "ZREM A m", "ZUNIONSTORE A 2 B C", "ZPOPMIN A", "SETBIT A 3 1", "SETRANGE A 2 abc",
	"SETRANGE A 0 ", "FLUSHDB", "SWAPDB 0 1", "SWAPDB 1 2", "SELECT 1", "SELECT 0", "SELECT 0", "MOVE A 1", "PING",
	"EVAL redis.call('SET',KEYS[1],'s');redis.call('SET',KEYS[2],'s') 2 A B",
	"EVAL return{redis.call('EXISTS',KEYS[1],KEYS[2])} 2 A B",
	"EVAL return{redis.call('DEL',ARGV[1],ARGV[2])} 0 A B",
}

func (s *watchScript) next(client int) []string {
	switch n := s.rand.IntN(20); {
	case n < 4 && !s.multi[client]:
		words := []string{"WATCH"}
		for range 1 + s.rand.IntN(3) {
			words = append(words, s.key())
		}
		return words
	case n == 4:
		return []string{"UNWATCH"}
	case n < 9 && !s.multi[client]:
		s.multi[client] = true
		return []string{"MULTI"}
	case n < 9 && s.multi[client]:
		s.multi[client] = false
		return []string{"EXEC"}
	case n == 9 && s.multi[client]:
		s.multi[client] = false
		return []string{"DISCARD"}
	}
	words := strings.Split(watchWrites[s.rand.IntN(len(watchWrites))], " ")
	for i, w := range words {
		if w == "A" || w == "B" || w == "C" {
			words[i] = s.key()
		}
	}
	return words
}

func (s *watchScript) key() string { return s.keys[s.rand.IntN(len(s.keys))] }
