package robustness

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/redis/go-redis/v9"

	"github.com/troupedb/troupe/bench/conformance/target"
)

var (
	histories = flag.Int("histories", 8, "histories of each way to run a node")
	seed      = flag.Uint64("seed", 0, "seed of all that is random; 0 takes one from the clock")
	visualize = flag.String("visualize", "", "file for a page that shows the first history that is not linearizable")
)

const (
	historySteps = 40 // of one client; a step is one operation, or WATCH, reads and EXEC
	// decideLimit is far above what porcupine needs for such a history: one that
	// it leaves undecided is a failure.
	decideLimit = time.Minute
)

// random starts the generator of a test and says how to get it again.
func random(t *testing.T) uint64 {
	t.Helper()
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d", s)
	return s
}

// TestLinearizable: what eight clients see of six keys in different shards can be
// put in one order that agrees with time and with one Redis.
func TestLinearizable(t *testing.T) {
	first := random(t)
	t.Run("redis", func(t *testing.T) { // shows that the model is right
		checkHistories(t, target.StartRedis(t).Addr, 1, first, max(1, *histories/4))
	})
	for _, shards := range []int{16, 3, 64} {
		t.Run(fmt.Sprintf("%d shards", shards), func(t *testing.T) {
			s := startNode(t, "--shards", strconv.Itoa(shards))
			checkHistories(t, s.Addr, shards, first, *histories)
			if infoField(t, s.Addr, "troupe_sagas_by_messages") == "0" {
				t.Error("no saga went by messages")
			}
		})
	}
}

// TestHistoriesHaveEffects: each command of the histories does more than miss,
// and WATCH both lets pass and aborts; else they would show little.
func TestHistoriesHaveEffects(t *testing.T) {
	const most = 100 // in the first few all is seen
	addr, first := startNode(t).Addr, random(t)
	missing := map[string]bool{"an EXEC that was aborted": true, "an EXEC that was not": true}
	for _, g := range grammar {
		missing[g.name] = true
	}
	for i := uint64(0); i < most && len(missing) > 0; i++ {
		for _, o := range record(t, addr, 16, first+i, nil) {
			in, reply := o.Input.(operation), o.Output.(string)
			switch {
			case in.kind == block && reply == null:
				delete(missing, "an EXEC that was aborted")
			case in.kind == block:
				delete(missing, "an EXEC that was not")
			case in.kind == plain && reply != null && reply != "0" && reply != "[]" && reply[0] != '!':
				delete(missing, in.commands[0].name)
			}
		}
	}
	if len(missing) > 0 {
		t.Errorf("not seen in %d histories: %v", most, missing)
	}
}

// TestLinearizableFindsFaults runs the same clients with a fault, one that a
// client can make for itself: each must be found.
func TestLinearizableFindsFaults(t *testing.T) {
	first := random(t)
	addr := startNode(t).Addr
	for _, f := range []struct {
		name  string
		fault fault
	}{
		{"an MSET in two halves", splitMSet}, {"an EXEC without MULTI", splitExec}, {"a read of old values", oldReads},
	} {
		t.Run(f.name, func(t *testing.T) {
			const tries = 200
			for i := range uint64(tries) {
				h := record(t, addr, 16, first+i, f.fault)
				if porcupine.CheckOperationsTimeout(model, h, decideLimit) == porcupine.Illegal {
					t.Logf("found in history %d", i+1)
					return
				}
			}
			t.Errorf("not found in %d histories", tries)
		})
	}
}

func checkHistories(t *testing.T, addr string, shards int, first uint64, n int) {
	t.Helper()
	for i := range uint64(n) {
		h := record(t, addr, shards, first+i, nil)
		result, info := porcupine.CheckOperationsVerbose(model, h, decideLimit)
		if result == porcupine.Ok {
			continue
		}
		t.Errorf("history of -seed %d -histories 1: %s\n%s", first+i, result, transcript(h))
		if *visualize != "" {
			if err := porcupine.VisualizePath(model, info, *visualize); err != nil {
				t.Error(err)
			}
		}
		return
	}
}

func transcript(h []porcupine.Operation) string {
	slices.SortFunc(h, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	var b strings.Builder
	for _, o := range h {
		fmt.Fprintf(&b, "%9d … %9d  %v → %v\n", o.Call, o.Return, o.Input, o.Output)
	}
	return b.String()
}

// fault makes a client do wrong what an operation asks; it tells whether it did.
type fault func(c *historian, o operation) (reply string, done bool)

// record lets the clients of one history loose on the server and returns it.
func record(t *testing.T, addr string, shards int, seed uint64, f fault) []porcupine.Operation {
	t.Helper()
	ctx := testContext(t)
	keys := spreadKeys(fmt.Sprintf("%x:", seed), historyKeys, shards)
	start := time.Now()
	var group sync.WaitGroup
	clients := make([]*historian, historyClients)
	for i := range clients {
		c := &historian{
			ctx: ctx, id: i, keys: keys, start: start, fault: f, rand: rand.New(rand.NewPCG(seed, uint64(i))),
			// One connection a client; half of them speak RESP3. A command must
			// not be sent twice.
			client: redis.NewClient(&redis.Options{
				Addr: addr, PoolSize: 1, Protocol: 2 + i%2, MaxRetries: -1, ReadTimeout: limit, ContextTimeoutEnabled: true,
			}),
		}
		defer c.client.Close()
		if err := c.client.Ping(ctx).Err(); err != nil {
			t.Fatal(err)
		}
		clients[i] = c
	}
	for _, c := range clients {
		group.Go(c.live)
	}
	group.Wait()
	var all []porcupine.Operation
	for _, c := range clients {
		if c.err != nil {
			t.Fatalf("client %d: %v", c.id, c.err)
		}
		all = append(all, c.history...)
	}
	if err := clients[0].client.Del(ctx, keys...).Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// historian is a client that writes down what it asked, when, and what it heard.
type historian struct {
	ctx     context.Context
	id      int
	client  *redis.Client
	keys    []string
	start   time.Time
	rand    *rand.Rand
	fault   fault
	values  int // different values made so far
	history []porcupine.Operation
	old     map[string]string // what reads answered first, for the fault of old reads
	err     error
}

func (c *historian) live() {
	for step := 0; step < historySteps && c.err == nil; step++ {
		c.pause()
		if c.rand.IntN(6) == 0 {
			c.optimistic()
			continue
		}
		c.perform(c.operation())
	}
}

// pause now and then lets the others pass.
func (c *historian) pause() {
	switch c.rand.IntN(10) {
	case 0:
		time.Sleep(time.Duration(c.rand.IntN(2000)) * time.Microsecond)
	case 1, 2:
		time.Sleep(time.Duration(c.rand.IntN(200)) * time.Microsecond)
	}
}

func (c *historian) perform(o operation) string {
	return c.note(o, func() string {
		if c.fault != nil {
			if reply, done := c.fault(c, o); done {
				return reply
			}
		}
		return c.send(c.client, o)
	})
}

func (c *historian) note(o operation, run func() string) string {
	call := time.Since(c.start)
	reply := run()
	c.history = append(c.history, porcupine.Operation{
		ClientId: c.id, Input: o, Call: int64(call), Output: reply, Return: int64(time.Since(c.start)),
	})
	return reply
}

// optimistic watches some keys, reads some, and executes.
func (c *historian) optimistic() {
	watched := command{name: "EXISTS", keys: c.someKeys(1 + c.rand.IntN(3))}
	reads := make([]command, c.rand.IntN(3))
	for i := range reads {
		reads[i] = command{name: "GET", keys: []int{watched.keys[i%len(watched.keys)]}}
	}
	last := operation{client: c.id, kind: block, commands: c.commands(1 + c.rand.IntN(3))}
	names := make([]string, len(watched.keys))
	for i, k := range watched.keys {
		names[i] = c.keys[k]
	}
	called := time.Since(c.start)
	err := c.client.Watch(c.ctx, func(tx *redis.Tx) error {
		c.history = append(c.history, porcupine.Operation{
			ClientId: c.id, Input: operation{c.id, watch, []command{watched}}, Output: ok,
			Call: int64(called), Return: int64(time.Since(c.start)),
		})
		for _, r := range reads {
			o := operation{c.id, plain, []command{r}}
			c.note(o, func() string { return c.send(tx, o) })
		}
		c.pause()
		c.note(last, func() string { return c.send(tx, last) })
		return nil
	}, names...)
	if err != nil && c.err == nil {
		c.err = err
	}
}

// sender is a client, or the one connection of a transaction.
type sender interface {
	Do(ctx context.Context, args ...any) *redis.Cmd
	TxPipelined(ctx context.Context, fn func(redis.Pipeliner) error) ([]redis.Cmder, error)
}

// send runs an operation and returns its reply in the form of the model.
func (c *historian) send(to sender, o operation) string {
	switch o.kind {
	case plain:
		return c.reply(o.commands[0], to.Do(c.ctx, c.args(o.commands[0])...))
	case block:
		return c.execute(to, o)
	case chase:
		first := o.commands[0]
		args := []any{"EVAL", chaseScript, 0, first.args[0]}
		for _, k := range first.keys {
			args = append(args, c.keys[k])
		}
		return c.reply(first, to.Do(c.ctx, args...))
	default:
		return c.script(to, o)
	}
}

func (c *historian) args(cmd command) []any {
	words := cmd.words(func(k int) string { return c.keys[k] })
	args := make([]any, len(words))
	for i, w := range words {
		args[i] = w
	}
	return args
}

func (c *historian) execute(to sender, o operation) string {
	cmds := make([]*redis.Cmd, len(o.commands))
	_, err := to.TxPipelined(c.ctx, func(p redis.Pipeliner) error {
		for i, cmd := range o.commands {
			cmds[i] = p.Do(c.ctx, c.args(cmd)...)
		}
		return nil
	})
	if errors.Is(err, redis.TxFailedErr) {
		return null
	}
	replies := make([]string, len(cmds))
	for i, cmd := range o.commands {
		replies[i] = c.reply(cmd, cmds[i])
	}
	return array(replies)
}

// runScript runs the commands that its arguments spell: each is its number of
// words and its words, and a word that begins with "=" stands for a key. How a key is found
// is the rest of the script.
const runScript = `
local out, i = {}, 2
while i <= #ARGV do
	local words = {}
	for j = 1, tonumber(ARGV[i]) do
		local word = ARGV[i + j]
		if string.sub(word, 1, 1) == '=' then word = %s end
		words[j] = word
	end
	out[#out + 1] = redis.pcall(unpack(words))
	i = i + 1 + #words
end
return out`

var (
	declaredScript = fmt.Sprintf(runScript, `KEYS[tonumber(string.sub(word, 2))]`)
	computedScript = fmt.Sprintf(runScript, `ARGV[1] .. string.sub(word, 2)`)
)

// chaseScript's second key depends on what it reads from its first.
const chaseScript = `
local found = redis.pcall('GET', ARGV[2])
if type(found) == 'table' then return found end
local target = ARGV[3 + #(found or '') % (#ARGV - 2)]
return redis.pcall('APPEND', target, ARGV[1])`

func (c *historian) script(to sender, o operation) string {
	prefix, _, _ := strings.Cut(c.keys[0], ":")
	prefix += ":"
	keys, spelt := []any{}, []any{prefix}
	mark := func(k int) string {
		if o.kind == computed {
			return "=" + strings.TrimPrefix(c.keys[k], prefix)
		}
		keys = append(keys, c.keys[k])
		return "=" + strconv.Itoa(len(keys))
	}
	for _, cmd := range o.commands {
		words := cmd.words(mark)
		spelt = append(spelt, len(words))
		for _, w := range words {
			spelt = append(spelt, w)
		}
	}
	text := declaredScript
	if o.kind == computed {
		text = computedScript
	}
	args := slices.Concat([]any{"EVAL", text, len(keys)}, keys, spelt)
	got, err := to.Do(c.ctx, args...).Result()
	replies, isArray := got.([]any)
	if err != nil || !isArray || len(replies) != len(o.commands) {
		c.err = fmt.Errorf("%v: %v %v", o, got, err)
		return ""
	}
	texts := make([]string, len(replies))
	for i, r := range replies {
		texts[i] = c.format(o.commands[i], r)
	}
	return array(texts)
}

func (c *historian) reply(cmd command, r *redis.Cmd) string {
	v, err := r.Result()
	var fromServer redis.Error
	switch {
	case errors.Is(err, redis.Nil):
		return null
	case errors.As(err, &fromServer):
		return c.format(cmd, fromServer)
	case err != nil:
		c.err = fmt.Errorf("%v: %w", cmd, err)
	}
	return c.format(cmd, v)
}

// format writes a reply in the form of the model; the members of a set are put in
// order.
func (c *historian) format(cmd command, v any) string {
	switch v := v.(type) {
	case nil:
		return null
	case error:
		return "!" + v.Error()
	case []any:
		all := make([]string, len(v))
		for i, e := range v {
			all[i] = c.format(command{}, e)
		}
		if cmd.name == "SMEMBERS" || cmd.name == "SUNION" {
			slices.Sort(all)
		}
		return array(all)
	default:
		return fmt.Sprint(v)
	}
}

// splitMSet sets the keys of an MSET one after the other.
func splitMSet(c *historian, o operation) (string, bool) {
	if o.kind != plain || o.commands[0].name != "MSET" {
		return "", false
	}
	for i, k := range o.commands[0].keys {
		if i > 0 {
			time.Sleep(100 * time.Microsecond)
		}
		set := command{name: "SET", keys: []int{k}, args: o.commands[0].args[i : i+1]}
		c.send(c.client, operation{c.id, plain, []command{set}})
	}
	return ok, true
}

// splitExec runs the commands of a block one after the other.
func splitExec(c *historian, o operation) (string, bool) {
	if o.kind != block {
		return "", false
	}
	replies := make([]string, len(o.commands))
	for i, cmd := range o.commands {
		replies[i] = c.send(c.client, operation{c.id, plain, []command{cmd}})
		time.Sleep(100 * time.Microsecond)
	}
	return array(replies), true
}

// oldReads answers each second GET of a key with what the first one answered.
func oldReads(c *historian, o operation) (string, bool) {
	first := o.commands[0]
	if o.kind != plain || first.name != "GET" {
		return "", false
	}
	if c.old == nil {
		c.old = map[string]string{}
	}
	key := c.keys[first.keys[0]]
	if reply, seen := c.old[key]; seen {
		delete(c.old, key)
		return reply, true
	}
	reply := c.send(c.client, o)
	c.old[key] = reply
	return reply, true
}
