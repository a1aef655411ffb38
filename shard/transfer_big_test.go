package shard_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
)

// maxWork is what one call may look at, in bytes: a named limit of the export, one
// operation, and what it is made of.
const maxWork = 1<<20 + 2*keyspace.MaxOp + 512<<10

// bounded moves a chunk and checks what it took.
func (m *mover) bounded(size int) bool {
	m.t.Helper()
	before, chunks := m.source.Engine.ExportProgress().Work, len(m.chunks)
	moved := m.chunk(size)
	if work := m.source.Engine.ExportProgress().Work - before; work > maxWork {
		m.t.Fatalf("one call looked at %d bytes", work)
	}
	if len(m.chunks) > chunks && len(m.chunks[chunks]) > size+keyspace.MaxOp {
		m.t.Fatalf("a chunk of %d bytes", len(m.chunks[chunks]))
	}
	return moved
}

// A large value travels in parts while it changes: each call's work is bounded, and
// little is left for the time after the seal.
func TestBigValues(t *testing.T) {
	const many = 200_000
	big := 50_000
	at := func(i int) string { return fmt.Sprint("element ", i%(2*big)) }
	for _, c := range []struct {
		name   string
		fill   func(from, to int) []string
		change func(m *mover, i int) []string
		sealed int // chunks after the seal at most
	}{
		{"hash", func(from, to int) []string {
			return pairs("HSET", from, to, func(i int) []string { return []string{at(i), fmt.Sprint(i)} })
		}, func(m *mover, i int) []string {
			if i%2 == 0 {
				return []string{"HDEL", "big", at(m.rand.Intn(big))}
			}
			return []string{"HSET", "big", at(m.rand.Intn(2 * big)), fmt.Sprint("changed ", i)}
		}, 3},
		{"set", func(from, to int) []string {
			return pairs("SADD", from, to, func(i int) []string { return []string{at(i)} })
		}, func(m *mover, i int) []string {
			return []string{m.pick("SADD", "SREM"), "big", at(m.rand.Intn(2 * big))}
		}, 3},
		{"zset", func(from, to int) []string {
			return pairs("ZADD", from, to, func(i int) []string { return []string{fmt.Sprint(i), at(i)} })
		}, func(m *mover, i int) []string {
			if i%5 == 0 {
				return []string{"ZPOPMIN", "big", "3"}
			}
			return []string{"ZADD", "big", fmt.Sprint(i), at(m.rand.Intn(2 * big))}
		}, 3},
		{"queue", func(from, to int) []string {
			return pairs("RPUSH", from, to, func(i int) []string { return []string{at(i)} })
		}, func(m *mover, i int) []string {
			if i%2 == 0 {
				return []string{"LPOP", "big"}
			}
			return []string{"RPUSH", "big", at(i)}
		}, 3},
		{"list", func(from, to int) []string {
			return pairs("RPUSH", from, to, func(i int) []string { return []string{at(i)} })
		}, func(m *mover, i int) []string {
			return [][]string{
				{"LPUSH", "big", at(i)}, {"LPUSH", "big", at(i)}, {"RPOP", "big"}, {"LSET", "big", fmt.Sprint(m.rand.Intn(100)), "set"},
			}[i%4]
		}, 3},
		{"string", func(from, to int) []string {
			return []string{"APPEND", "big", strings.Repeat("0123456789", to-from)}
		}, func(m *mover, i int) []string {
			if i%50 != 0 {
				return []string{"GET", "other"}
			}
			return []string{"SETRANGE", "big", fmt.Sprint(m.rand.Intn(big)), "changed"}
		}, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			if big = 50_000; c.name == "hash" && !testing.Short() {
				big = many
			}
			m := newMover(t, 1)
			for i := 0; i < big; i += 1000 {
				m.do(c.fill(i, i+1000))
			}
			m.begin()
			i := 0
			for m.source.Engine.ExportLeft() > 20 {
				m.bounded(16 << 10)
				for range 3 {
					m.do(c.change(m, i))
					i++
				}
				if i > 100_000 {
					t.Fatalf("the export does not come near its end: %d left", m.source.Engine.ExportLeft())
				}
			}
			if len(m.chunks) < 10 {
				t.Fatal("it has travelled in one piece")
			}
			before := len(m.chunks)
			m.finish()
			if n := len(m.chunks) - before; n > c.sealed+1 {
				t.Errorf("%d chunks after the seal", n)
			}
			m.same()
		})
	}
}

func pairs(name string, from, to int, f func(i int) []string) []string {
	line := []string{name, "big"}
	for i := from; i < to; i++ {
		line = append(line, f(i)...)
	}
	return line
}

// same checks that the target has what the source was sealed with.
func (m *mover) same() {
	m.t.Helper()
	want := m.reopenSource()
	if got := dump(m.target); got != want {
		m.t.Fatalf("the target has\n%s\nthe source\n%s", diff(got, want), diff(want, got))
	}
}

// What is large and changes as a whole all the time waits for the seal, so that the
// rest gets on, and is complete then.
func TestHotBigValues(t *testing.T) {
	long := strings.Repeat("l", 400_000)
	turn := strings.NewReplacer("lll", "mmm", "mmm", "lll")
	for name, c := range map[string]struct{ fill, change []string }{
		"string":       {[]string{"SET", "big", long}, []string{"APPEND", "big", "x"}},
		"replaced":     {[]string{"SET", "big", long}, []string{"SET", "big", strings.Repeat("x", 300_000)}},
		"long element": {[]string{"HSET", "big", "f", long, "g", "1"}, []string{"HSET", "big", "f", long + "x"}},
		"long name":    {[]string{"HSET", "big", long, "1", "g", "1"}, []string{"HINCRBY", "big", "n" + long, "1"}},
		"torn list":    {[]string{"RPUSH", "big", long, "a"}, []string{"LSET", "big", "0", long + "x"}},
		"long item":    {[]string{"RPUSH", "big", "a", long}, []string{"LSET", "big", "1", long + "x"}},
		"listpack":     {[]string{"HSET", "flat", "f", long[:60_000], "g", long[:60_000]}, []string{"HINCRBY", "flat", "n", "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, rounds := range []int{3, 5, 7, 9, 11, 13, 15, 17, 200} {
				m := newMover(t, 1)
				m.setForms(1000, 64<<10)
				m.do(c.fill)
				m.do([]string{"SET", "other", "1"})
				m.begin()
				for range rounds {
					m.bounded(1000)
					for j, word := range c.change {
						c.change[j] = turn.Replace(word)
					}
					m.do(c.change)
				}
				for m.bounded(1000) {
				}
				if left := m.source.Engine.ExportLeft(); left > 10 {
					t.Errorf("%d left", left)
				}
				m.finish()
				m.same()
			}
		})
	}
}

// What has travelled of a long element is void once its key had to wait for a saga.
func TestLongElementInterrupted(t *testing.T) {
	for _, fill := range [][]string{{"HSET", "?", "f"}, {"RPUSH", "?", "f"}, {"HSET", "?"}} {
		m := newMover(t, 1)
		for i, key := range []string{"a", "b"} {
			line := append(slices.Clone(fill), strings.Repeat(fmt.Sprint(i), 200_000))
			if line[1] = key; len(line) == 3 {
				line = append(line, "v")
			}
			m.do(line)
		}
		m.begin()
		for range 5 {
			m.chunk(1000)
		}
		for _, key := range []string{"b", "a"} { // b is the first in the order of slots
			saga := &liveSaga{id: m.sagas + 1}
			m.sagas++
			m.live = append(m.live, saga)
			info, args, at := m.resolve([]string{"PERSIST", key})
			m.source.Engine.Order(&engine.Order{Saga: saga.id, Attempt: 1, Round: 1, Now: m.source.Now,
				Steps: []engine.SagaStep{{Cmd: info, Key: at, Args: args}}})
			for m.chunk(1000) {
			}
			m.endSaga(0)
			m.chunk(1000)
			m.chunk(1000)
		}
		m.finish()
		m.same()
	}
}

// A list that changes at its front by more than the log of its changes holds begins
// anew.
func TestListLogOverflow(t *testing.T) {
	m := newMover(t, 1)
	m.do(pairs("RPUSH", 0, 10_000, func(i int) []string { return []string{fmt.Sprint("element ", i)} }))
	m.begin()
	for range 5 {
		m.bounded(16 << 10)
	}
	for range 50 {
		m.do([]string{"LPUSH", "big", strings.Repeat("x", 30_000)})
	}
	m.finish()
	m.same()
}

// More changed keys than can be remembered end the export, not the memory.
func TestOverrun(t *testing.T) {
	m := newMover(t, 1)
	m.begin()
	for m.chunk(1000) {
	}
	for i := range 1<<18 + 2 {
		m.do([]string{"SET", fmt.Sprint("key ", i), "v"})
	}
	if _, _, err := m.source.Engine.ExportChunk(7, 1000); err != engine.ErrOverrun {
		t.Fatalf("got %v", err)
	}
	m.source.Engine.EndExport(true)
	if m.source.Engine.ExportLeft() != 0 {
		t.Error("something is left of an export that has ended")
	}
}

// A SCAN and an HSCAN that begin at the source and end at the target meet whatever
// was there all the time.
func TestScanGoesOn(t *testing.T) {
	m := newMover(t, 1)
	for i := range 3000 {
		m.do([]string{"SET", fmt.Sprint("key ", i), "v"})
		m.do([]string{"HSET", "hash", fmt.Sprint("field ", i), "v"})
	}
	seen := map[string]bool{}
	keys := m.source.DoArgs("~scan", "0", "1000", "*", "")
	fields := m.source.DoArgs("HSCAN", "hash", "0", "COUNT", "1000")
	m.begin()
	m.finish()
	collect := func(reply string) {
		for _, w := range strings.SplitAfter(reply, "$") {
			seen[strings.TrimRight(w, "$ ")] = true
		}
	}
	collect(keys)
	collect(fields)
	collect(m.target.DoArgs("~scan", strings.Fields(keys)[1][1:], "10000", "*", ""))
	collect(m.target.DoArgs("HSCAN", "hash", strings.Fields(fields)[2], "COUNT", "10000"))
	for i := range 3000 {
		for _, what := range []string{"key ", "field "} {
			name := fmt.Sprint(what, i)
			if !seen[fmt.Sprint(len(name), " ", name)] && !seen[fmt.Sprint(len(name), " ", name, " ", "$1 v")] {
				t.Fatalf("%s was not met", name)
			}
		}
	}
}

// Watches do not survive a move: a version from the source never passes for one of
// the target.
func TestWatchedKeysCountAsChanged(t *testing.T) {
	m := newMover(t, 1)
	m.do([]string{"SET", "k", "1"})
	for range 5 {
		m.source.DoArgs("~watch", "k")
	}
	version := m.source.DoArgs("~watch", "k")[1:]
	m.begin()
	m.finish()
	if got := m.target.DoArgs("~unchanged", "k", version); got != ":0" {
		t.Error("without a watch at the target:", got)
	}
	theirs := m.target.DoArgs("~watch", "k")[1:]
	if got := m.target.DoArgs("~unchanged", "k", version); got != ":0" {
		t.Error("with somebody else's watch at the target:", got)
	}
	if got := m.target.DoArgs("~unchanged", "k", theirs); got != ":1" {
		t.Error("their own:", got)
	}
}

// After the move the source's data is freed bit by bit, and it can be filled again.
func TestThereAndBack(t *testing.T) {
	m := newMover(t, 3)
	for range 300 {
		m.change()
	}
	m.begin()
	m.finish()
	m.source.Engine.Close()
	m.source.Engine.EndExport(false)
	want := dump(m.target)
	ticks := 0
	for m.source.Engine.Tick(m.source.Now) {
		ticks++
	}
	if got := dump(m.source); got != "" || m.source.Engine.KS.Arena.Used() != 0 {
		t.Fatalf("left at the source: %s", got)
	}
	m.source, m.target, m.ended = m.target, m.source, false
	m.target.Engine.Close()
	m.move = 8
	m.source.Engine.BeginExport(8)
	m.target.Engine.BeginImport(8, shard.Makers())
	m.finish()
	if got := dump(m.target); got != want {
		t.Fatalf("back is\n%s\nwent\n%s", diff(got, want), diff(want, got))
	}
}

// An aborted move leaves the source as it was, and nothing at the target.
func TestAbort(t *testing.T) {
	m := newMover(t, 4)
	for range 100 {
		m.change()
	}
	for len(m.live) > 0 {
		m.endSaga(0)
	}
	m.begin()
	for range 50 {
		m.chunk(2000)
		m.do(m.line())
	}
	want := dump(m.source)
	m.source.Engine.Seal()
	m.chunk(2000)
	m.source.Engine.EndExport(true)
	m.source.Engine.Unseal()
	m.target.Engine.AbortImport()
	for m.target.Engine.Tick(m.target.Now) {
	}
	if got := dump(m.source); got != want {
		t.Fatalf("the source is changed")
	}
	if err := m.target.Engine.ImportChunk(m.chunks[0]); err == nil {
		t.Error("a chunk after the end is taken")
	}
	m.ended = false
	m.begin()
	m.finish()
	m.same()
}

// TestMoveOfLargeValues is TestMoveOfEverything for one large value, in small chunks.
func TestMoveOfLargeValues(t *testing.T) {
	element := func(m *mover) string {
		if m.rand.Intn(50) == 0 {
			return strings.Repeat(m.pick("E", "F"), 70_000)
		}
		return fmt.Sprint("element number ", m.rand.Intn(4000))
	}
	for name, line := range map[string]func(m *mover) []string{
		"string": func(m *mover) []string {
			switch m.rand.Intn(3) {
			case 0:
				return []string{"SET", "k", strings.Repeat("x", 60_000+m.rand.Intn(200_000))}
			case 1:
				return []string{"APPEND", "k", strings.Repeat("x", m.rand.Intn(70_000))}
			}
			return []string{"SETRANGE", "k", fmt.Sprint(m.rand.Intn(200_000)), m.pick("x", "y", "xx")}
		},
		"list": func(m *mover) []string {
			i := fmt.Sprint(m.rand.Intn(6000) - 3000)
			switch m.rand.Intn(12) {
			case 0, 1:
				return []string{"LSET", "k", i, element(m)}
			case 2, 3:
				return []string{"LINSERT", "k", m.pick("BEFORE", "AFTER"), element(m), element(m)}
			case 4, 5:
				return []string{"LREM", "k", fmt.Sprint(m.rand.Intn(5) - 2), element(m)}
			case 6:
				return []string{"LTRIM", "k", fmt.Sprint(m.rand.Intn(300)), fmt.Sprint(-1 - m.rand.Intn(300))}
			case 7:
				return []string{m.pick("LPOP", "RPOP"), "k", fmt.Sprint(1 + m.rand.Intn(200))}
			case 8:
				return []string{"~lrotate", "k", m.pick("LEFT", "RIGHT"), m.pick("LEFT", "RIGHT")}
			}
			return []string{m.pick("RPUSH", "LPUSH"), "k", element(m), element(m), element(m)}
		},
		"hash": func(m *mover) []string {
			if m.rand.Intn(2) == 0 {
				return []string{"HDEL", "k", element(m), element(m)}
			}
			return []string{"HSET", "k", element(m), element(m), element(m), element(m)}
		},
		"set": func(m *mover) []string {
			return []string{m.pick("SADD", "SREM"), "k", element(m), element(m), element(m)}
		},
		"zset": func(m *mover) []string {
			switch m.rand.Intn(6) {
			case 0:
				return []string{"ZREMRANGEBYRANK", "k", fmt.Sprint(m.rand.Intn(1000)), fmt.Sprint(m.rand.Intn(1100))}
			case 1:
				return []string{"ZREM", "k", element(m), element(m)}
			}
			return []string{m.pick("ZADD", "ZINCRBY"), "k", fmt.Sprint(m.rand.Intn(50)), element(m)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(25) {
				m := newMover(t, seed)
				if name == "string" {
					m.do([]string{"SET", "k", strings.Repeat("x", 200_000)})
				} else if command := map[string]string{"list": "RPUSH", "hash": "HSET", "set": "SADD", "zset": "ZADD"}[name]; true {
					fill := []string{command, "k"}
					for i := range 4000 {
						if name == "zset" || name == "hash" {
							fill = append(fill, fmt.Sprint(i))
						}
						fill = append(fill, fmt.Sprint("element number ", i))
					}
					m.do(fill)
				}
				m.only = func() []string { return line(m) }
				m.begin()
				for range 40 + m.rand.Intn(100) {
					if m.source.DB = 0; m.rand.Intn(4) > 0 {
						m.do(m.only())
					} else {
						m.inline()
					}
					for range m.rand.Intn(4) {
						m.bounded(4000)
					}
				}
				m.finish()
				m.same()
			}
		})
	}
}
