package robustness

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/bench/conformance/target"
	"github.com/troupedb/troupe/bench/conformance/wire"
)

// TestBlockingLikeRedis: which client is served what, by random scripts that one
// client after the other plays. After each step the same clients must be
// blocked, and those that no longer are must have heard the same.
func TestBlockingLikeRedis(t *testing.T) {
	first := random(t)
	oracle := target.StartRedis(t).Addr
	addr := startNode(t).Addr
	served := 0
	for i := range uint64(*scripts) {
		served += playBlocking(t, oracle, addr, first+i)
		if t.Failed() {
			return
		}
	}
	if served < *scripts {
		t.Errorf("only %d blocked clients were served in %d scripts", served, *scripts)
	}
}

const blockingClients = 6

// stage is a server on which a script is played.
type stage struct {
	addr    string
	control *wire.Conn
	monitor *wire.Conn // looks at the others, also while control is in MULTI
	clients [blockingClients]*wire.Conn
	ids     [blockingClients]string
}

func newStage(t *testing.T, addr string) *stage {
	t.Helper()
	s := &stage{addr: addr, control: dial(t, addr), monitor: dial(t, addr)}
	do(t, s.control, "FLUSHALL")
	for i := range s.clients {
		s.connect(t, i)
	}
	return s
}

func (s *stage) connect(t *testing.T, i int) {
	t.Helper()
	s.clients[i] = dial(t, s.addr)
	do(t, s.clients[i], "CLIENT", "SETNAME", fmt.Sprintf("c%d", i))
	s.ids[i] = strings.TrimPrefix(do(t, s.clients[i], "CLIENT", "ID"), ":")
}

func (s *stage) close() {
	_ = s.control.Close()
	_ = s.monitor.Close()
	for _, c := range s.clients {
		_ = c.Close()
	}
}

var blockedLine = regexp.MustCompile(`name=c(\d) .* flags=[a-zA-Z]*b[a-zA-Z]* `)

// blocked tells which clients the server lists as blocked.
func (s *stage) blocked(t *testing.T) map[int]bool {
	t.Helper()
	set := map[int]bool{}
	for _, m := range blockedLine.FindAllStringSubmatch(s.list(t), -1) {
		set[int(m[1][0]-'0')] = true
	}
	return set
}

// step is one move of a script: a command of the control connection, or one of a
// client that may block, or the end of a client.
type step struct {
	client  int // -1: control
	leaves  bool
	command []string
}

func (s step) String() string {
	if s.leaves {
		return fmt.Sprintf("%d leaves", s.client)
	}
	return fmt.Sprintf("%d: %s", s.client, strings.Join(s.command, " "))
}

// playBlocking plays a script on both servers and returns how many clients were
// served.
func playBlocking(t *testing.T, oracle, addr string, seed uint64) (served int) {
	t.Helper()
	const steps = 50
	r := rand.New(rand.NewPCG(seed, 1))
	keys := spreadKeys("b", 5, 16)
	want, got := newStage(t, oracle), newStage(t, addr)
	defer want.close()
	defer got.close()
	waiting := map[int]bool{}
	var log []string
	fail := func(what string, args ...any) {
		t.Errorf("-seed %d -scripts 1:\n%s\n%s", seed, strings.Join(log, "\n"), fmt.Sprintf(what, args...))
	}
	// Each command stands for itself, also those of one row: a client that is
	// served by BLMOVE is served after the reply to the push, so that only
	// what comes once it was served is in one order on both servers.
	turn := func(s step) bool {
		log = append(log, s.String())
		if a, b := want.play(t, s), got.play(t, s); a != b {
			fail("redis answers %s, troupe %s", a, b)
			return false
		}
		if s.client >= 0 && !s.leaves {
			waiting[s.client] = true
		}
		now := want.blocked(t)
		for end := time.Now().Add(limit); !maps.Equal(now, got.blocked(t)); {
			if time.Now().After(end) {
				fail("redis blocks %v, troupe %v", now, got.blocked(t))
				return false
			}
		}
		for _, c := range slices.Sorted(maps.Keys(waiting)) {
			if now[c] || s.leaves && c == s.client {
				continue
			}
			a, b := receive(t, want.clients[c]), receive(t, got.clients[c])
			if log = append(log, fmt.Sprintf("   client %d hears %s", c, a)); a != b {
				fail("from troupe %s", b)
				return false
			}
			served++
		}
		waiting = now
		return true
	}
	for range steps {
		for _, s := range blockingSteps(r, keys, waiting) {
			if !turn(s) {
				return served
			}
		}
	}
	return served
}

// play does a step; what the control connection hears is returned.
func (s *stage) play(t *testing.T, st step) string {
	t.Helper()
	if st.leaves {
		_ = s.clients[st.client].Close()
		s.awaitGone(t, st.client)
		s.connect(t, st.client)
		return ""
	}
	if st.client >= 0 {
		send(t, s.clients[st.client], st.command...)
		s.awaitCommand(t, st.client, strings.ToLower(st.command[0]))
		return ""
	}
	words := slices.Clone(st.command)
	if words[0] == "CLIENT" {
		words[2] = s.ids[words[2][0]-'0']
	}
	return do(t, s.control, words...)
}

func (s *stage) list(t *testing.T) string {
	t.Helper()
	v, err := s.monitor.Do(limit, "CLIENT", "LIST")
	if err != nil {
		t.Fatal(err)
	}
	return string(v.Text)
}

func (s *stage) awaitGone(t *testing.T, i int) {
	t.Helper()
	eventually(t, "the server sees that the client has left", func() bool {
		return !strings.Contains(s.list(t), fmt.Sprintf("name=c%d ", i))
	})
}

func (s *stage) awaitCommand(t *testing.T, i int, name string) {
	t.Helper()
	line := regexp.MustCompile(fmt.Sprintf(`name=c%d .* cmd=%s `, i, name))
	eventually(t, "the server has read the command", func() bool { return line.MatchString(s.list(t)) })
}

// Commands that may block, and rows of others; A, B and C stand for any of four
// keys, D for a fifth, where nobody waits. So nothing makes two keys ready at once
// that one client waits at, or one key at once with another that moves elements to
// it: redis-server serves one key to the end, then the next; here, where the keys
// lie in different shards, either may be first.
var (
	waits = []string{
		"BLPOP A 0", "BLPOP A B 0", "BLPOP A B C 0", "BRPOP A B 0", "BLMOVE A D LEFT RIGHT 0", "BLMOVE A D RIGHT LEFT 0",
		"BRPOPLPUSH A D 0", "BZPOPMIN A B 0", "BZPOPMAX A 0", "BLPOP A A 0",
	}
	pushes = []string{
		"LPUSH A 1", "RPUSH A 1 2 3", "RPUSH A 1 2", "ZADD A 1 x", "ZADD A 1 x 2 y", "SET A string", "DEL A B C",
		"MULTI;RPUSH A 1 2;LPUSH A 3;EXEC", "MULTI;RPUSH A 1;DEL A;EXEC", "MULTI;RPUSH A 1;DEL A;ZADD A 1 x;EXEC",
		"MULTI;LPUSH A 1;LPUSH A 2;EXEC", "MULTI;BLPOP A B 0;EXEC", "LPUSHX A 7", "RPUSH D 8", "LPOP D", "LRANGE D 0 -1", "LLEN A", "LRANGE A 0 -1", "ZRANGE A 0 -1",
		"DEL A;RPUSH A 5;RENAME A B", "DEL A;RPUSH A 5 6;COPY A B REPLACE", "DEL A;RPUSH A 4 5;LMOVE A B LEFT LEFT",
		"EVAL return{redis.call('RPUSH',KEYS[1],1,2),redis.call('LPUSH',KEYS[1],3)} 1 A",
		"EVAL return{redis.call('RPUSH',ARGV[1],1),redis.call('GET',ARGV[1]..'none')} 0 A",
		"EVAL return{redis.call('RPUSH',KEYS[1],1),redis.call('LPOP',KEYS[1])} 1 A",
		"CLIENT UNBLOCK client", "CLIENT UNBLOCK client ERROR", "TYPE A", "FLUSHALL", "SINTERSTORE A B C",
	}
)

func blockingSteps(r *rand.Rand, keys []string, waiting map[int]bool) []step {
	last := len(keys) - 1
	chosen := map[string]string{"D": keys[last]}
	for _, name := range []string{"A", "B", "C"} {
		chosen[name] = keys[r.IntN(last)]
	}
	fill := func(template string) []string {
		words := strings.Split(template, " ")
		for i, w := range words {
			switch w {
			case "A", "B", "C", "D":
				words[i] = chosen[w]
			case "client":
				words[i] = fmt.Sprint(r.IntN(blockingClients))
			}
		}
		return words
	}
	client := r.IntN(blockingClients)
	switch n := r.IntN(20); {
	case n < 9 && !waiting[client]:
		return []step{{client: client, command: fill(waits[r.IntN(len(waits))])}}
	case n < 10 && waiting[client]:
		return []step{{client: client, leaves: true}}
	}
	var row []step
	for _, template := range strings.Split(pushes[r.IntN(len(pushes))], ";") {
		row = append(row, step{client: -1, command: fill(template)})
	}
	return row
}
