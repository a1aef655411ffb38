package shard_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/rng"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/enginetest"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
)

// mover is a shard on its way from source to target.
type mover struct {
	t      testing.TB
	source *enginetest.Harness
	target *enginetest.Harness
	rand   *rng.Rand
	live   []*liveSaga
	sagas  engine.SagaID
	ended  bool
	chunks [][]byte
	move   uint64
	only   func() []string // what commands there are, if not all
}

type liveSaga struct {
	id    engine.SagaID
	visit uint64
	ran   bool
}

func newMover(t testing.TB, seed uint64) *mover {
	m := &mover{t: t, rand: rng.New(seed), sagas: 100}
	m.source = enginetest.New(t, shard.Commands())
	m.source.Engine.Join(0, m)
	m.target = enginetest.New(t, shard.Commands())
	m.target.Engine = engine.New(engine.Options{
		Slots: slot.Count, Seed: 99, Handlers: engine.Handlers(m.target.Table, shard.Commands()),
		Effects: quiet{}, Config: m.target.Config,
	})
	m.target.Engine.Join(0, m)
	m.target.Engine.Close()
	for _, h := range []*enginetest.Harness{m.source, m.target} {
		h.Config.Notify = 0
	}
	m.setForms(8, 64)
	return m
}

// setForms says up to how many elements, how long, values have their small form.
func (m *mover) setForms(entries, value int) {
	for _, h := range []*enginetest.Harness{m.source, m.target} {
		h.Config.HashMaxEntries, h.Config.ZSetMaxEntries, h.Config.SetMaxIntset = entries, entries, entries
		h.Config.HashMaxValue, h.Config.ZSetMaxValue = value, value
	}
}

type quiet struct{}

func (quiet) Notify(int, engine.Class, string, []byte) {}

// Answer implements engine.Coordinators.
func (m *mover) Answer(a *engine.Answer) {
	for _, s := range m.live {
		if s.id == a.Saga && a.Kind == engine.AnswerRan {
			s.visit, s.ran = a.Visit, true
		}
	}
}

func (m *mover) begin() {
	m.move = 7
	m.source.Engine.BeginExport(7)
	m.target.Engine.BeginImport(7, shard.Makers())
}

// chunk moves one chunk and tells whether there was one.
func (m *mover) chunk(size int) bool {
	m.t.Helper()
	chunk, done, err := m.source.Engine.ExportChunk(m.move, size)
	if err != nil {
		m.t.Fatal(err)
	}
	m.ended = done
	if chunk == nil {
		return false
	}
	m.chunks = append(m.chunks, chunk)
	if err := m.target.Engine.ImportChunk(chunk); err != nil {
		m.t.Fatal(err)
	}
	return true
}

// finish ends all sagas, seals the source, moves the rest and opens the target.
func (m *mover) finish() {
	m.t.Helper()
	m.source.Engine.Seal()
	for len(m.live) > 0 {
		m.endSaga(0)
	}
	for !m.ended {
		if !m.chunk(64<<10) && !m.ended {
			m.t.Fatalf("sealed, and %d are left that do not come", m.source.Engine.ExportLeft())
		}
	}
	if err := m.target.Engine.EndImport(); err != nil {
		m.t.Fatal(err)
	}
	m.target.Engine.Open(2)
	m.target.Now = m.source.Now
}

func TestMoveOfEverything(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			m := newMover(t, seed)
			if seed%4 == 0 { // large values of the small forms
				m.setForms(100_000, 64<<10)
			}
			for range 60 {
				m.change()
			}
			m.begin()
			size := 200 << m.rand.Intn(9)
			for range 300 {
				m.change()
				for range m.rand.Intn(3) {
					m.chunk(size)
				}
			}
			m.finish()
			want := m.reopenSource()
			if got := dump(m.target); got != want {
				t.Fatalf("the target has\n%s\nthe source\n%s", diff(got, want), diff(want, got))
			}
		})
	}
}

// reopenSource describes what the source had when it was sealed.
func (m *mover) reopenSource() string {
	m.source.Engine.Unseal()
	return dump(m.source)
}

func (m *mover) pick(words ...string) string { return words[m.rand.Intn(len(words))] }

func (m *mover) key() string {
	if m.rand.Intn(60) == 0 {
		return strings.Repeat("k", 100_000+m.rand.Intn(2))
	}
	return fmt.Sprint("k", m.rand.Intn(24))
}

// text is mostly short, and now and then longer than what travels in one part.
func (m *mover) text() string {
	switch m.rand.Intn(40) {
	case 0:
		return strings.Repeat(m.pick("x", "y"), 100_000)
	case 1, 2, 3:
		return strings.Repeat(m.pick("p", "q"), 1+m.rand.Intn(9000))
	case 4, 5, 6, 7, 8:
		return fmt.Sprint(m.rand.Intn(2000) - 1000)
	}
	return fmt.Sprint("v", m.rand.Intn(1000))
}

// line is a random command on one key.
func (m *mover) line() []string {
	if m.only != nil {
		return m.only()
	}
	k := m.key()
	switch m.rand.Intn(22) {
	case 0, 1:
		return []string{"SET", "s" + k, m.text()}
	case 2:
		return []string{"SET", "s" + k, m.text(), "PX", fmt.Sprint(1 + m.rand.Intn(3000))}
	case 3:
		return []string{"APPEND", "s" + k, m.text()}
	case 4:
		return []string{"SETRANGE", "s" + k, fmt.Sprint(m.rand.Intn(150_000)), m.text()}
	case 5:
		return []string{"INCR", "n" + k}
	case 6, 7, 8:
		return m.many("HSET", "h"+k, 2, m.text)
	case 9:
		return m.many("HDEL", "h"+k, 1, m.text)
	case 10, 11:
		return m.many(m.pick("SADD", "SADD", "SREM"), "t"+k, 1, m.text)
	case 12:
		return []string{"SPOP", "t" + k}
	case 13, 14:
		return m.many("ZADD", "z"+k, 2, m.text)
	case 15:
		return m.many("ZREM", "z"+k, 1, m.text)
	case 16:
		return []string{"ZREMRANGEBYRANK", "z" + k, "0", fmt.Sprint(m.rand.Intn(20))}
	case 17, 18:
		return m.many(m.pick("RPUSH", "LPUSH"), "l"+k, 1, m.text)
	case 19:
		return m.listEdit("l" + k)
	case 20:
		return []string{"PEXPIRE", m.pick("s", "h", "t", "z", "l") + k, fmt.Sprint(m.rand.Intn(5000))}
	}
	return []string{m.pick("~del", "PERSIST", "~touch"), m.pick("s", "h", "t", "z", "l", "n") + k}
}

// many makes a command with several elements; rarely so many that a value of them
// is large.
func (m *mover) many(name, key string, width int, text func() string) []string {
	line := []string{name, key}
	n := 1 + m.rand.Intn(4)
	if m.rand.Intn(6) == 0 {
		n = 1500
	}
	for range n {
		element := fmt.Sprint("e", m.rand.Intn(5000))
		if m.rand.Intn(100) == 0 {
			element = strings.Repeat(m.pick("E", "F"), 40_000)
		}
		if name == "RPUSH" || name == "LPUSH" || name == "SADD" && m.rand.Intn(2) == 0 {
			element = text()
		}
		switch {
		case name == "ZADD":
			line = append(line, fmt.Sprint(m.rand.Intn(100)), element)
		case width == 2 && n < 100:
			line = append(line, element, text())
		case width == 2:
			line = append(line, element, fmt.Sprint("value ", m.rand.Intn(100)))
		default:
			line = append(line, element)
		}
		if n > 100 && (name == "RPUSH" || name == "LPUSH" || name == "SADD") {
			line[len(line)-1] = fmt.Sprint("element number ", m.rand.Intn(3000))
		}
	}
	return line
}

func (m *mover) listEdit(key string) []string {
	i := fmt.Sprint(m.rand.Intn(40) - 20)
	switch m.rand.Intn(6) {
	case 0:
		return []string{"LSET", key, i, m.text()}
	case 1:
		return []string{"LINSERT", key, m.pick("BEFORE", "AFTER"), fmt.Sprint("element number ", m.rand.Intn(3000)), m.text()}
	case 2:
		return []string{"LREM", key, fmt.Sprint(m.rand.Intn(5) - 2), fmt.Sprint("element number ", m.rand.Intn(3000))}
	case 3:
		return []string{"LTRIM", key, fmt.Sprint(m.rand.Intn(5)), fmt.Sprint(-1 - m.rand.Intn(5))}
	}
	return []string{m.pick("LPOP", "RPOP"), key, fmt.Sprint(1 + m.rand.Intn(30))}
}

// change does something random to the source.
func (m *mover) change() {
	h := m.source
	h.DB = m.rand.Intn(3)
	switch n := m.rand.Intn(100); {
	case n < 70:
		m.do(m.line())
	case n < 80:
		m.inline()
	case n < 87:
		m.beginSaga()
	case n < 93:
		if len(m.live) > 0 {
			m.endSaga(m.rand.Intn(len(m.live)))
		}
	case n < 94:
		m.do([]string{m.pick("~flushdb", "~flushdb", "~flushall")})
	case n < 95:
		m.do([]string{"~swapdb", fmt.Sprint(m.rand.Intn(3)), fmt.Sprint(m.rand.Intn(3))})
	case n < 97:
		m.do([]string{"~rename", m.pick("s", "h", "l") + m.key(), m.pick("s", "h", "l") + m.key()})
	default:
		h.Now += int64(m.rand.Intn(300))
		h.Engine.Tick(h.Now)
	}
}

// do runs a command unless it would have to wait.
func (m *mover) do(line []string) {
	r := m.request(line)
	m.source.Engine.Handle(&r)
}

func (m *mover) request(line []string) engine.Request {
	info, args, key := m.resolve(line)
	r := engine.Request{Cmd: info, DB: m.source.DB, Key: key, Args: args, Out: new(reply.Writer), Now: m.source.Now}
	if key > 0 {
		r.Slot = slot.Of(args[key])
	}
	return r
}

func (m *mover) resolve(line []string) (*command.Info, [][]byte, int) {
	var args [][]byte
	for _, w := range line {
		args = append(args, []byte(w))
	}
	info := m.source.Table.Internal(line[0])
	if info == nil {
		var refusal any
		if info, refusal = m.source.Table.Resolve(args); info == nil {
			m.t.Fatal(line[:2], refusal)
		}
	}
	return info, args, info.KeyPos
}

// inline runs some commands as a program that holds the shard's lease does, and
// keeps or undoes them.
func (m *mover) inline() {
	if m.source.Engine.AnyLocked() {
		return
	}
	var j keyspace.Journal
	for range 1 + m.rand.Intn(4) {
		line := m.line()
		switch m.rand.Intn(12) {
		case 0:
			line = []string{"~flushdb"}
		case 1:
			line = []string{"~swapdb", "0", fmt.Sprint(m.rand.Intn(3))}
		case 2:
			line = []string{"~rename", "h" + m.key(), "h" + m.key()}
		}
		r := m.request(line)
		m.source.Engine.Step(&r, &j)
	}
	if m.rand.Intn(2) == 0 {
		m.source.Engine.KS.Rollback(&j)
	} else {
		m.source.Engine.KS.Forget(&j)
	}
}

func (m *mover) beginSaga() {
	if len(m.live) > 2 {
		return
	}
	m.sagas++
	s := &liveSaga{id: m.sagas}
	o := &engine.Order{Saga: s.id, Attempt: 1, Round: 1, Now: m.source.Now}
	for range 1 + m.rand.Intn(3) {
		line := m.line()
		if m.rand.Intn(10) == 0 {
			line = []string{m.pick("~flushdb", "~flushall")}
		}
		info, args, key := m.resolve(line)
		o.Steps = append(o.Steps, engine.SagaStep{Cmd: info, DB: m.source.DB, Key: key, Args: args})
	}
	m.live = append(m.live, s)
	m.source.Engine.Order(o)
}

func (m *mover) endSaga(i int) {
	s := m.live[i]
	m.live = slices.Delete(m.live, i, i+1)
	kind := engine.OrderUndo
	if s.ran && m.rand.Intn(2) == 0 {
		kind = engine.OrderCommit
	}
	m.source.Engine.Order(&engine.Order{Kind: kind, Saga: s.id, Attempt: 1, Visit: s.visit, Now: m.source.Now})
}

// dump describes all of a shard: values, encodings and expiries.
func dump(h *enginetest.Harness) string {
	var lines []string
	for db := range keyspace.Databases {
		h.DB = db
		var keys []string
		h.Engine.KS.Scan(db, 0, 1<<40, func(r data.Ref) { keys = append(keys, string(h.Engine.KS.Arena.Key(r))) })
		for _, key := range keys {
			lines = append(lines, fmt.Sprintf("%d %.40s… %d %s %s %s", db, key, len(key),
				h.DoArgs("OBJECT", "ENCODING", key), h.DoArgs("PEXPIRETIME", key), brief(content(h, key))))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// brief stands for texts: their beginning, number and digest.
func brief(texts []string) string {
	digest := fnv.New64a()
	for _, text := range texts {
		fmt.Fprint(digest, len(text), " ")
		io.WriteString(digest, text)
	}
	return fmt.Sprintf("%.60q %d %x", texts[:min(3, len(texts))], len(texts), digest.Sum64())
}

func content(h *enginetest.Harness, key string) []string {
	switch kind := h.DoArgs("TYPE", key); kind {
	case "+list":
		return bulks(h, "LRANGE", key, "0", "-1")
	case "+zset":
		return bulks(h, "ZRANGE", key, "0", "-1", "WITHSCORES")
	case "+hash":
		flat := bulks(h, "HGETALL", key)
		var pairs []string
		for i := 0; i < len(flat); i += 2 {
			pairs = append(pairs, flat[i]+"="+flat[i+1])
		}
		slices.Sort(pairs)
		return pairs
	case "+set":
		members := bulks(h, "SMEMBERS", key)
		slices.Sort(members)
		return members
	default:
		return []string{h.DoArgs("GET", key)}
	}
}

// bulks returns the texts of a reply that is an array.
func bulks(h *enginetest.Harness, words ...string) (texts []string) {
	var args [][]byte
	for _, w := range words {
		args = append(args, []byte(w))
	}
	rest := string(h.Raw(args))
	_, rest, _ = strings.Cut(rest, "\r\n")
	for rest != "" {
		head, after, _ := strings.Cut(rest, "\r\n")
		n, err := strconv.Atoi(head[1:])
		if err != nil {
			panic(head)
		}
		texts, rest = append(texts, after[:n]), after[n+2:]
	}
	return texts
}

// diff returns the beginnings of the lines of a that are not in b.
func diff(a, b string) string {
	in := map[string]bool{}
	for _, l := range strings.Split(b, "\n") {
		in[l] = true
	}
	var out []string
	for _, l := range strings.Split(a, "\n") {
		if !in[l] {
			out = append(out, fmt.Sprintf("%.150s … (%d bytes)", l, len(l)))
		}
	}
	return strings.Join(out, "\n")
}

// A chunk taken twice does nothing; one that comes too early, or of another move, is
// refused and does no harm.
func TestChunksOutOfOrder(t *testing.T) {
	m := newMover(t, 1)
	for range 100 {
		m.change()
	}
	m.source.Engine.BeginExport(7)
	m.target.Engine.BeginImport(7, shard.Makers())
	e := m.target.Engine
	m.move = 7
	first, _, _ := m.source.Engine.ExportChunk(7, 1000)
	second, _, _ := m.source.Engine.ExportChunk(7, 1000)
	other := bytes.Clone(first)
	other[1]++
	for _, c := range []struct {
		chunk []byte
		want  error
	}{{second, engine.ErrGap}, {other, engine.ErrOtherMove}, {first, nil}, {first, nil}, {second, nil}, {first, nil}, {second, nil}} {
		if err := e.ImportChunk(c.chunk); !errors.Is(err, c.want) {
			t.Fatalf("got %v, want %v", err, c.want)
		}
	}
	if err := e.EndImport(); err == nil {
		t.Fatal("an import ends before its end")
	}
	m.finish()
	if got, want := dump(m.target), m.reopenSource(); got != want {
		t.Fatalf("the target has\n%s\nthe source\n%s", diff(got, want), diff(want, got))
	}
}
