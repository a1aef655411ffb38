package coordinator

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
)

// A script of testdata/agree.txt is a line of command words a line, quoted as in
// Go where need be. MULTI and EXEC enclose a transaction; WATCH is for the next.
// Lines are run on two nodes, and every reply and the state after every line
// must agree.

// TestWaysAgree runs every line inline on one node and by messages on another.
func TestWaysAgree(t *testing.T) {
	a, b := newRig(t, 5), newRig(t, 5)
	agree(t, a, b, func(c *saga.Call) string {
		for !a.runner.Inline(c) { // a shard is just done with a message
			runtime.Gosched()
		}
		return flat(c.Out.Buf)
	}, b.submit)
}

// TestWaysAgreeWhenBusy runs the lines by whatever way is free, while others
// take the leases and lock the keys for reads.
func TestWaysAgreeWhenBusy(t *testing.T) {
	a, b := newRig(t, 5), newRig(t, 5)
	stop, stopped := make(chan struct{}), make(chan struct{})
	other := *b // a connection of its own
	go func() {
		defer close(stopped)
		keys := []string{"MGET"}
		for c := 'a'; c <= 'z'; c++ {
			keys = append(keys, string(c))
		}
		for {
			select {
			case <-stop:
				return
			default:
				b.quiet.Lock()
				other.submit(other.call(keys))
				b.quiet.Unlock()
			}
		}
	}()
	agree(t, a, b, a.submit, b.inline)
	close(stop)
	<-stopped
}

func agree(t *testing.T, a, b *rig, runA, runB func(*saga.Call) string) {
	t.Helper()
	text, err := os.ReadFile("testdata/agree.txt")
	if err != nil {
		t.Fatal(err)
	}
	covered := map[string]bool{}
	sa, sb := &script{rig: a, run: runA}, &script{rig: b, run: runB}
	for number, line := range strings.Split(string(text), "\n") {
		words := split(t, line)
		if len(words) == 0 {
			continue
		}
		covered[strings.ToLower(words[0])] = true
		ra, rb := sa.line(words), sb.line(words)
		if ra != rb {
			t.Errorf("line %d: %s\n one way  %s\n other way %s", number+1, line, ra, rb)
		}
		if da, db := a.dump(), b.dump(); da != db {
			t.Fatalf("line %d: %s\nthe states differ:\n%s\n\n%s", number+1, line, da, db)
		}
	}
	for _, c := range saga.Commands() {
		if c.Row.Flags&command.Internal == 0 && len(c.Row.Subs) == 0 && c.Row.Route != command.RouteRefuse && !covered[c.Row.Name] && isTop(a, c.Row) {
			t.Errorf("testdata/agree.txt has no line with %s", c.Row.Name)
		}
	}
}

func isTop(r *rig, row *command.Row) bool {
	info := r.node.Table.Lookup([]byte(row.Name))
	return info != nil && info.Row == row
}

// split takes a line apart; # begins a comment line.
func split(t *testing.T, line string) (words []string) {
	t.Helper()
	line = strings.TrimSpace(line)
	if strings.HasPrefix(line, "#") {
		return nil
	}
	for line != "" {
		if line[0] == '"' {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			word, _ := strconv.Unquote(quoted)
			words, line = append(words, word), strings.TrimSpace(line[len(quoted):])
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		words, line = append(words, word), strings.TrimSpace(rest)
	}
	return words
}

// script is a connection that runs lines.
type script struct {
	*rig
	run     func(*saga.Call) string
	queue   [][]string
	multi   bool
	watches []saga.Watch
}

func (s *script) line(words []string) string {
	s.t.Helper()
	switch words[0] {
	case "MULTI":
		s.multi, s.queue = true, nil
		return ""
	case "WATCH":
		s.watch(words)
		return ""
	case "EXEC":
		s.multi = false
		call := s.call(words, s.queue...)
		call.Watches = s.watches
		out := s.run(call)
		s.unwatch()
		return s.after(out)
	case "SELECT":
		s.db, _ = strconv.Atoi(words[1])
		return ""
	}
	if s.multi {
		s.queue = append(s.queue, words)
		return ""
	}
	if s.resolve(words).Route == command.RouteSingle {
		return s.after(s.single(words...))
	}
	return s.after(s.run(s.call(words)))
}

// after adds what blocked clients were answered because of a line.
func (s *script) after(out string) string {
	s.settle()
	for {
		select {
		case served := <-s.served:
			out += " | " + served
		default:
			return out
		}
	}
}

func (s *script) watch(words []string) {
	out := &reply.Writer{}
	call := &saga.Call{Cmd: s.node.Env.Find(saga.WatchName), Args: toArgs(words), DB: s.db, Now: s.now, Out: out}
	s.run(call)
	_, rest := reply.Parse(out.Buf)
	for _, key := range words[1:] {
		var v reply.Value
		v, rest = reply.Parse(rest)
		s.watches = append(s.watches, saga.Watch{DB: s.db, Key: []byte(key), Version: v.Int})
	}
}

func (s *script) unwatch() {
	for _, w := range s.watches {
		s.on(s.node.Env.ShardOf(w.Key), func(e *engine.Engine) {
			var k keyspace.Key
			e.KS.Key(&k, w.DB, w.Key)
			e.Unwatch(&k)
		})
	}
	s.watches = nil
}

// dump describes all keys, sorted.
func (r *rig) dump() string {
	var lines []string
	for i := range r.node.Env.Shards {
		r.on(i, func(e *engine.Engine) {
			for db := range keyspace.Databases {
				var keys []string
				e.KS.Scan(db, 0, 1<<40, func(at data.Ref) { keys = append(keys, string(e.KS.Arena.Key(at))) })
				for _, key := range keys {
					lines = append(lines, r.describe(e, db, key))
				}
			}
			if n := e.Waiting() + e.Watched(); n > 0 {
				lines = append(lines, fmt.Sprintf("shard %d: %d waited for or watched", i, n))
			}
		})
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// readers are the commands that show all of a value.
var readers = map[keyspace.Kind][]string{
	keyspace.String:    {"GET", ""},
	keyspace.List:      {"LRANGE", "", "0", "-1"},
	keyspace.Set:       {"SMEMBERS", ""},
	keyspace.Hash:      {"HGETALL", ""},
	keyspace.SortedSet: {"ZRANGE", "", "0", "-1", "WITHSCORES"},
}

func (r *rig) describe(e *engine.Engine, db int, key string) string {
	var k keyspace.Key
	e.KS.Key(&k, db, []byte(key))
	at := e.KS.Peek(&k)
	kind, expiry := e.KS.Kind(at), e.KS.Expiry(at)
	words := slices.Clone(readers[kind])
	words[1] = key
	args, out := toArgs(words), &reply.Writer{}
	e.Step(&engine.Request{Cmd: r.resolve(words), DB: db, Slot: slot.Of(args[1]), Key: 1, Args: args, Out: out, Now: r.now}, nil)
	value := flat(out.Buf)
	if kind == keyspace.Set || kind == keyspace.Hash {
		parts := strings.Fields(value)
		slices.Sort(parts)
		value = strings.Join(parts, " ")
	}
	return fmt.Sprintf("%d %q %v %d %s", db, key, kind, expiry, value)
}
