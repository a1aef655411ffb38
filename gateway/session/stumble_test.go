package session_test

import (
	"io"
	"slices"
	"testing"
	"time"

	"github.com/troupedb/troupe/coordinator"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/gateway/conn"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
)

const internal = "-" + string(reply.ErrInternal)

// tripwire makes a shard panic when a key of it expires.
type tripwire struct{}

func (tripwire) Expired(*keyspace.Key) { panic("stumbled") }

// trip makes a key of a node panic whoever looks at it, once.
func (tr *troupe) trip(i int, key string) {
	tr.t.Helper()
	index := tr.nodes[i].Node.Env.ShardOf([]byte(key))
	tr.nodes[i].Node.Env.Shards[index].Tell(shard.Func(func(e *engine.Engine) {
		e.KS.ActiveExpiryOff, e.KS.Events = true, tripwire{}
	}))
	tr.settle(i, index)
	tr.dial(i).expect("SET "+key+" x PX 1", "+OK")
	time.Sleep(5 * time.Millisecond)
}

// A command that was posted, and panics at its shard, is answered: on this node and on
// another.
func TestPanicOfPostedCommand(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		tr := newTroupe(t, 2, portable)
		for _, at := range []int{0, 1} {
			c, bad, good := tr.dial(0), keyAt(at, 1), keyAt(at, 2)
			tr.trip(at, bad)
			tr.busy(at, at, func(waiting func(int)) {
				c.send(slices.Concat(words("GET", bad), words("SET", good, "1"), words("GET", good), words("PING")))
				waiting(1)
			})
			for _, want := range []string{internal, "+OK", "$1", "+PONG"} {
				if got := c.read(); got != want {
					t.Errorf("at node %d: %q, want %q", at+1, got, want)
				}
			}
		}
	})
}

// stumblingSaga is a command on keys, whose program panics.
func stumblingSaga(t *testing.T) {
	row := command.Row{
		Name: "stumble", Group: command.GroupGeneric, Arity: -2, Keys: []command.KeySpec{
			{Access: command.RO, Begin: command.Begin{Index: 1}, Find: command.Find{Last: -1, Step: 1}},
		}, Route: command.RouteSaga,
	}
	before := conn.Programs
	t.Cleanup(func() { conn.Programs = before })
	conn.Programs = append(slices.Clone(before), saga.Command{Row: &row, Run: func(t *saga.Tx) {
		t.Out.Array(7)
		panic("stumbled")
	}})
}

// Where a command panics whose turn comes before replies of others are back, every
// command has its own reply all the same.
func TestPanicWhileRepliesAreAway(t *testing.T) {
	stumblingSaga(t)
	eachDriver(t, func(t *testing.T, portable bool) {
		tr := newTroupe(t, 2, portable)
		c, far, near := tr.dial(0), keyAt(1, 1), keyAt(0, 1)
		tr.busy(1, 1, func(waiting func(int)) {
			c.send(slices.Concat(
				words("SET", far, "1"), words("SET", near, "2"), words("STUMBLE", keyAt(2, 1)), words("GET", near),
				words("STUMBLE", keyAt(0, 5), keyAt(2, 1)), words("GET", far), words("PING"),
			))
			waiting(1)
			time.Sleep(10 * time.Millisecond)
		})
		for i, want := range []string{"+OK", "+OK", internal, "$2", internal, "$1", "+PONG"} {
			if got := c.read(); got != want {
				t.Errorf("reply %d is %q, want %q", i, got, want)
			}
		}
		c.expect("STUMBLE "+near, internal, "GET "+near, "$2")
	})
}

// lost are sagas that cannot be driven.
type lost struct{ session.Sagas }

func (lost) Drive(coordinator.Driver, uint64, *saga.Call, func(func())) { panic("stumbled") }
func (lost) NewGatherer() *coordinator.Gatherer                         { panic("stumbled") }

// Where it is not known whether a command that has panicked will be answered, the
// connection ends, and with no reply in another's place.
func TestPanicOnTheWayOut(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		tr := newTroupe(t, 2, portable)
		srv := tr.nodes[0].Server
		srv.Sagas = lost{srv.Sagas}
		srv.Clients() // takes the lock under which clients come, so that theirs are the new ones
		for _, busy := range []bool{true, false} {
			c, far, near := tr.dial(0), keyAt(1, 1), keyAt(0, 1)
			in := slices.Concat(words("GET", near), words("MGET", keyAt(3, 1), keyAt(2, 1)), words("PING"))
			if busy {
				in = append(words("SET", far, "1"), in...)
			}
			tr.busy(1, 1, func(waiting func(int)) {
				c.send(in)
				if b, err := io.ReadAll(c.in); len(b) > 0 && string(b) != "$-1\r\n" {
					t.Errorf("then %q, %v", b, err)
				}
			})
		}
		tr.dial(0).expect("PING", "+PONG")
	})
}
