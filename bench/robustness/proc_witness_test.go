package robustness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/redis/go-redis/v9"

	"github.com/troupedb/troupe/shard/slot"
)

// inquest is one history of clients that go on while nodes fail. Its keys lie on
// nodes that the test chooses. What a client asked has one of three outcomes: a reply;
// a refusal, which must mean that nothing was done; or none that is known, and then
// it may take effect at any time, or never.
type inquest struct {
	c       *cluster
	keys    [historyKeys]string
	start   time.Time
	stop    chan struct{}
	group   sync.WaitGroup
	clients []*witness

	mu      sync.Mutex
	history []porcupine.Operation
	refused int
	unknown int
	slow    []string // what took longer than is promised
	slowest time.Duration
	paused  *node // whose clients wait as long as it does
}

// witness is one of the clients. It asks the node via, as long as that runs.
type witness struct {
	*inquest
	id     int
	via    *node
	others []*node // that it asks when via has gone
	client *redis.Client
	rand   *rand.Rand
	values int
}

// deed is what a history is made of: an operation, or the loss of keys.
type deed struct {
	operation
	lost []int
}

func (d deed) String() string {
	if d.lost != nil {
		return fmt.Sprintf("the keys %v are lost", d.lost)
	}
	return d.operation.String()
}

// reads tells whether a deed changes nothing.
func (d deed) reads() bool {
	return d.lost == nil && !slices.ContainsFunc(d.commands, func(c command) bool { return c.name != "GET" && c.name != "MGET" })
}

// faultModel is model for histories of witnesses.
var faultModel = porcupine.Model{
	Init: func() any { return state{} },
	Step: func(s, input, output any) (bool, any) {
		next, d, reply := s.(state), input.(deed), output.(string)
		switch {
		case d.lost != nil:
			for _, k := range d.lost {
				next.values[k] = ""
			}
			return true, next
		case d.kind == plain && d.commands[0].name == "BLPOP":
			return next.blpop(d.commands[0], reply), next
		}
		did := next.run(d.operation)
		return reply == pending || reply == did, next
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%v → %v", input, output) },
	DescribeState:     func(s any) string { return s.(state).String() },
}

// blpop takes from the list that the reply names. One that is pending is taken to
// have got the first there is.
func (s *state) blpop(c command, reply string) bool {
	for _, k := range c.keys {
		list := elements(s.values[k])
		if len(list) == 0 {
			continue
		}
		if reply == pending || reply == array([]string{"k" + integer(k), list[0]}) {
			s.set(k, value(listType, list[1:]...))
			return true
		}
	}
	return reply == pending || reply == null && !slices.ContainsFunc(c.keys, func(k int) bool { return s.values[k] != "" })
}

// The types of an inquest's keys: 0, 1, 4, 5 are strings, 2 and 3 lists.
var (
	stringKeys = []int{0, 1, 4, 5}
	listKeys   = []int{2, 3}
)

const (
	witnessPause = 8 * time.Millisecond
	blockFor     = "0.05" // seconds
)

// startInquest lets clients loose on nodes; homes says on which node each key lies.
func startInquest(c *cluster, seed uint64, homes [historyKeys]*node, clientsOf ...*node) *inquest {
	c.t.Helper()
	q := &inquest{c: c, start: time.Now(), stop: make(chan struct{})}
	st := c.nodes[0].view()
	for i, home := range homes {
		number := memberOf(st, home.name).Number
		for j := 0; q.keys[i] == ""; j++ {
			key := fmt.Sprintf("%x:%d:%d", seed, i, j)
			if shard := int(slot.Of([]byte(key))) * len(st.Shards) / slots; st.Shards[shard].Owner == number {
				q.keys[i] = key
			}
		}
	}
	for id := range historyClients {
		via := clientsOf[id%len(clientsOf)]
		w := &witness{inquest: q, id: id, via: via, rand: rand.New(rand.NewPCG(seed, uint64(id)))}
		for _, n := range clientsOf {
			if n != via {
				w.others = append(w.others, n)
			}
		}
		w.dial()
		q.clients = append(q.clients, w)
	}
	for _, w := range q.clients {
		q.group.Go(w.live)
	}
	c.t.Cleanup(q.end)
	return q
}

func (w *witness) dial() { w.client = w.via.client(1) }

func (q *inquest) end() {
	select {
	case <-q.stop:
	default:
		close(q.stop)
		q.group.Wait()
	}
}

func (w *witness) live() {
	for {
		select {
		case <-w.stop:
			return
		case <-time.After(time.Duration(w.rand.Int64N(int64(2 * witnessPause)))):
		}
		d := deed{operation: w.operation()}
		call := time.Since(w.start)
		reply, connected := w.perform(d.operation)
		w.note(d, reply, call, time.Since(w.start))
		if !connected && len(w.others) > 0 {
			_ = w.client.Close()
			w.via, w.others = w.others[0], append(w.others[1:], w.via)
			w.dial()
		}
	}
}

func (q *inquest) note(d deed, reply string, call, end time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if took := end - call; d.lost == nil && q.clients[d.client].via != q.paused {
		q.slowest = max(q.slowest, took)
		if took > promised {
			q.slow = append(q.slow, fmt.Sprintf("%v at %v: %v → %s", took, call, d, reply))
		}
	}
	switch {
	case strings.HasPrefix(reply, "!CLUSTERDOWN"):
		q.refused++
		return
	case reply == pending && d.reads():
		return // tells nothing
	case reply == pending:
		q.unknown++
		end = time.Duration(never)
	}
	q.history = append(q.history, porcupine.Operation{ClientId: d.client, Input: d, Call: int64(call), Output: reply, Return: int64(end)})
}

// lose notes that keys have been lost at some moment between two.
func (q *inquest) lose(since time.Time, keys ...int) {
	q.note(deed{operation: operation{client: 0}, lost: keys}, "", since.Sub(q.start), time.Since(q.start))
}

// operation draws what the client asks next.
func (w *witness) operation() operation {
	o := operation{client: w.id, commands: []command{w.command()}}
	if w.rand.IntN(4) == 0 {
		o.kind = block
		for range 1 + w.rand.IntN(2) {
			o.commands = append(o.commands, w.command())
		}
		for i := range o.commands {
			if o.commands[i].name == "BLPOP" {
				o.commands[i] = command{name: "RPOP", keys: o.commands[i].keys[:1]}
			}
		}
	}
	return o
}

func (w *witness) some(keys []int, n int) []int {
	var all []int
	for _, i := range w.rand.Perm(len(keys))[:n] {
		all = append(all, keys[i])
	}
	return all
}

func (w *witness) fresh(n int) (args []string) {
	for range n {
		w.values++
		args = append(args, strconv.Itoa(100000*(w.id+1)+10*w.values))
	}
	return args
}

func (w *witness) command() command {
	switch w.rand.IntN(11) {
	case 0:
		return command{"SET", w.some(stringKeys, 1), w.fresh(1)}
	case 1, 2:
		return command{"GET", w.some(stringKeys, 1), nil}
	case 3:
		return command{"INCR", w.some(stringKeys, 1), nil}
	case 4, 5:
		return command{"MSET", w.some(stringKeys, 2), w.fresh(2)}
	case 6, 7:
		return command{"MGET", w.some(stringKeys, 3), nil}
	case 8:
		return command{"LPUSH", w.some(listKeys, 1), w.fresh(1)}
	case 9:
		return command{"BLPOP", w.some(listKeys, 1+w.rand.IntN(2)), []string{blockFor}}
	default:
		return command{"LMOVE", w.some(listKeys, 2), []string{"RIGHT", "LEFT"}}
	}
}

// perform asks, and tells whether there still is a connection.
func (w *witness) perform(o operation) (reply string, connected bool) {
	ctx := context.Background()
	h := &historian{ctx: ctx, keys: w.keys[:]}
	if o.kind == plain {
		v, err := w.client.Do(ctx, h.args(o.commands[0])...).Result()
		if list, isList := v.([]any); isList && o.commands[0].name == "BLPOP" && err == nil {
			k := slices.Index(w.keys[:], fmt.Sprint(list[0]))
			return array([]string{"k" + integer(k), fmt.Sprint(list[1])}), true
		}
		return w.outcome(h, o.commands[0], v, err)
	}
	cmds := make([]*redis.Cmd, len(o.commands))
	_, err := w.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for i, c := range o.commands {
			cmds[i] = p.Do(ctx, h.args(c)...)
		}
		return nil
	})
	if err != nil && !w.executed(cmds) {
		return w.outcome(h, o.commands[0], nil, err)
	}
	replies := make([]string, len(cmds))
	for i, c := range o.commands {
		v, err := cmds[i].Result()
		replies[i], _ = w.outcome(h, c, v, err)
	}
	return array(replies), true
}

// executed tells whether EXEC has answered with the replies of commands; its own
// failure is that of all of them.
func (w *witness) executed(cmds []*redis.Cmd) bool {
	for _, c := range cmds {
		err := c.Err()
		var fromServer redis.Error
		if err != nil && !errors.Is(err, redis.Nil) && (!errors.As(err, &fromServer) || isFailure(err.Error())) {
			return false
		}
	}
	return true
}

func isFailure(text string) bool {
	for _, prefix := range []string{"CLUSTERDOWN", "UNKNOWN", "EXECABORT", "ERR internal error"} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

// outcome writes a reply in the form of the model.
func (w *witness) outcome(h *historian, c command, v any, err error) (reply string, connected bool) {
	var fromServer redis.Error
	var timeout net.Error
	switch {
	case err == nil || errors.Is(err, redis.Nil):
		return h.format(c, v), true
	case errors.As(err, &fromServer):
		if strings.HasPrefix(err.Error(), "UNKNOWN") {
			return pending, true
		}
		if strings.Contains(err.Error(), "internal error") {
			w.c.t.Errorf("%s answers %v with %v", w.via.name, c, err)
			return "!CLUSTERDOWN", true // that nothing was done, the history must show
		}
		return "!" + err.Error(), true
	case errors.As(err, &timeout) && timeout.Timeout():
		w.c.t.Errorf("no answer from %s within %v to %v: %v", w.via.name, limit, c, err)
	case !w.via.ended() && !errors.Is(err, io.EOF):
		w.c.t.Logf("%s: %v: %v", w.via.name, c, err)
	}
	return pending, false
}

// check ends the clients, and the history must be one of one Redis.
func (q *inquest) check(t *testing.T) {
	t.Helper()
	q.end()
	began := time.Now()
	result, info := porcupine.CheckOperationsVerbose(faultModel, q.history, decideLimit)
	t.Logf("%d operations, %d more refused, %d of unknown outcome, the slowest took %v; decided in %v",
		len(q.history), q.refused, q.unknown, q.slowest, time.Since(began))
	if len(q.slow) > 0 {
		t.Logf("slow, with keys %v:\n%s", q.keys, strings.Join(q.slow, "\n"))
	}
	if q.slowest > hangLimit {
		t.Errorf("a reply took %v", q.slowest)
	}
	if result == porcupine.Ok {
		return
	}
	t.Errorf("the history is %s, keys %v", result, q.keys)
	explain(t, faultModel, q.history)
	if *visualize != "" {
		if err := porcupine.VisualizePath(faultModel, info, *visualize); err != nil {
			t.Error(err)
		}
	}
}
