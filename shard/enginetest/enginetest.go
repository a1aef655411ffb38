package enginetest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
)

// StartTime is where a Harness's clock stands at first, Unix milliseconds.
const StartTime = 1_700_000_000_000

// Harness is an engine under test. Its fields may be changed between commands.
type Harness struct {
	Engine  *engine.Engine
	Table   *command.Table
	Config  *engine.Config // shared with the engine
	Now     int64          // Unix milliseconds
	DB      int
	Proto   uint8             // of the replies: 2, or 3
	Journal *keyspace.Journal // what the next commands are recorded in, or nil
	Events  []string          // "event key" of each keyspace event, in order
	Wounded []engine.SagaID

	t       testing.TB
	out     reply.Writer
	keys    []command.KeyPos
	request engine.Request
}

// New returns an empty shard with these commands and Redis's default
// configuration; every class of keyspace events is on.
func New(t testing.TB, commands []engine.Command) *Harness {
	t.Helper()
	table, err := command.NewTable(Rows(commands))
	if err != nil {
		t.Fatal(err)
	}
	h := &Harness{Table: table, Config: engine.DefaultConfig(), Now: StartTime, Proto: reply.RESP2, t: t}
	h.Config.Notify = ^engine.Class(0)
	h.Engine = engine.New(engine.Options{
		Slots: slot.Count, Seed: 1, Handlers: engine.Handlers(table, commands),
		Effects: (*effects)(h), Config: h.Config,
	})
	h.Engine.KS.Advance(h.Now)
	t.Cleanup(h.Engine.KS.Close)
	return h
}

// Rows returns the rows of commands that a table takes: subcommands come with
// their containers.
func Rows(commands []engine.Command) (rows []*command.Row) {
	sub := map[*command.Row]bool{}
	for _, c := range commands {
		for _, s := range c.Row.Subs {
			sub[s] = true
		}
	}
	for _, c := range commands {
		if !sub[c.Row] {
			rows = append(rows, c.Row)
		}
	}
	return rows
}

type effects Harness

func (e *effects) Notify(_ int, _ engine.Class, event string, key []byte) {
	e.Events = append(e.Events, event+" "+string(key))
}

func (e *effects) Wound(saga engine.SagaID) { e.Wounded = append(e.Wounded, saga) }

// Do runs a command line, whose words may be quoted as Go strings are, and
// returns its reply.
func (h *Harness) Do(line string) string {
	h.t.Helper()
	return h.DoArgs(h.words(line)...)
}

// DoArgs is Do with the words given.
func (h *Harness) DoArgs(words ...string) string {
	h.t.Helper()
	args := make([][]byte, len(words))
	for i, w := range words {
		args[i] = []byte(w)
	}
	return strings.TrimSuffix(strings.ReplaceAll(string(h.Raw(args)), "\r\n", " "), " ")
}

// Expect runs a command line and fails the test if its reply is not want.
func (h *Harness) Expect(line, want string) {
	h.t.Helper()
	if got := h.Do(line); got != want {
		h.t.Errorf("%s\n got %s\nwant %s", line, got, want)
	}
}

// ExpectEvents fails the test if the keyspace events since the last call are
// not these, and forgets them.
func (h *Harness) ExpectEvents(want ...string) {
	h.t.Helper()
	if !slices.Equal(h.Events, want) {
		h.t.Errorf("events\n got %q\nwant %q", h.Events, want)
	}
	h.Events = h.Events[:0]
}

// Raw runs a command and returns its reply's bytes, valid until the next one.
// It allocates nothing of its own, except for keyspace events, see Config.Notify.
func (h *Harness) Raw(args [][]byte) []byte {
	h.t.Helper()
	info, refusal := h.resolve(args)
	h.out = reply.Writer{Buf: h.out.Buf[:0], Proto: h.Proto}
	if refusal != "" {
		h.out.Error(refusal)
		return h.out.Buf
	}
	r := &h.request
	*r = engine.Request{Cmd: info, DB: h.DB, Key: h.keyAt(info, args), Args: args, Out: &h.out, Now: h.Now}
	if r.Key > 0 {
		r.Slot = slot.Of(args[r.Key])
	}
	if h.Journal != nil {
		h.Engine.Step(r, h.Journal)
	} else if h.Engine.Handle(r) {
		h.t.Fatalf("%s: waits at a locked key", info.FullName)
	}
	return h.out.Buf
}

// Snapshot describes every key of every database, sorted: its type, encoding
// and expiry, and the value of a string or the number of elements of others.
func (h *Harness) Snapshot() string {
	var keys []string
	for db := range keyspace.Databases {
		h.Engine.KS.Scan(db, 0, 1<<40, func(r data.Ref) {
			keys = append(keys, fmt.Sprintf("%d %s", db, h.describe(r)))
		})
	}
	slices.Sort(keys)
	return strings.Join(keys, "\n")
}

func (h *Harness) describe(r data.Ref) string {
	ks := h.Engine.KS
	key, expiry := ks.Arena.Key(r), ks.Expiry(r)
	if ks.Kind(r) == keyspace.String {
		return fmt.Sprintf("%q string int=%v %d %q", key, ks.IsInt(r), expiry, ks.Arena.Val(r))
	}
	o := ks.Object(r)
	return fmt.Sprintf("%q %v %s %d %d elements", key, o.Kind(), o.Encoding(), expiry, o.Len())
}

func (h *Harness) resolve(args [][]byte) (*command.Info, reply.Error) {
	if info := h.Table.Internal(string(args[0])); info != nil {
		return info, ""
	}
	return h.Table.Resolve(args)
}

// keyAt returns where the command's key stands among args, 0 if it has none.
func (h *Harness) keyAt(info *command.Info, args [][]byte) int {
	if info.KeyPos > 0 {
		return info.KeyPos
	}
	keys, err := command.Keys(info, args, h.keys[:0])
	if err != nil || len(keys) == 0 {
		return 0
	}
	h.keys = keys
	return keys[0].Pos
}

// words splits a line at spaces outside of double quotes.
func (h *Harness) words(line string) (words []string) {
	h.t.Helper()
	for rest := strings.TrimLeft(line, " "); rest != ""; rest = strings.TrimLeft(rest, " ") {
		if rest[0] == '"' {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				h.t.Fatalf("%s: %v", line, err)
			}
			word, _ := strconv.Unquote(quoted)
			words, rest = append(words, word), rest[len(quoted):]
			continue
		}
		word, after, _ := strings.Cut(rest, " ")
		words, rest = append(words, word), after
	}
	return words
}
