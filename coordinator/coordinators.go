package coordinator

import (
	"slices"
	"sync"

	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/engine"
)

// Coordinators runs the calls of a node that go by messages.
type Coordinators struct {
	env       *saga.Env
	supervise func(message any) // to the supervisor
	peers     Peers
	started   int64 // Unix milliseconds

	mu       sync.Mutex
	live     map[engine.SagaID]*cell
	waiters  map[engine.SagaID]*engine.Waiter // of blocked calls, see Await
	outcomes saga.Outcomes
	beat     int64 // Unix milliseconds of the last tick

	spare sync.Pool // of *cell
}

// Submit carries out a call, which must own its memory (Call.Own) and have Post.
// done is called once, on any goroutine, when the reply is in call.Out; with an
// empty reply if call.Block was called, as the client is answered through it then.
func (n *Coordinators) Submit(call *saga.Call, done func()) {
	n.start(&cell{n: n, id: n.env.NewID(call.Now), call: call, done: done})
}

// Handoff returns what call.Block puts into the waiter of a call that is to run
// again, as the saga id, when one of its keys is ready: the function that begins it.
// done is as Submit's.
func (n *Coordinators) Handoff(id engine.SagaID, call *saga.Call, done func()) func(db int, key []byte, place uint64) {
	return func(db int, key []byte, place uint64) {
		handed := &saga.Handed{Shard: n.env.ShardOf(key), DB: db, Key: slices.Clone(key), Place: place}
		n.start(&cell{n: n, id: id, call: call, done: done, handed: handed})
	}
}

// Live returns how many sagas have not ended.
func (n *Coordinators) Live() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.live)
}

// beatMillis is the time after which coordinators look for lost answers. Between
// shards of this node none is lost, but a wound may come too early to be heard.
const beatMillis = 100

// Tick is to be called about as often as that, with the time.
func (n *Coordinators) Tick(now int64) {
	n.mu.Lock()
	due := len(n.live) > 0 && now-n.beat >= beatMillis
	if due {
		n.beat = now
	}
	n.mu.Unlock()
	if due {
		n.supervise(tick{})
		n.beatDriven()
	}
}

// Stir makes sagas look at once for shards that they have not found where they were:
// it is to be called when there is a new directory.
func (n *Coordinators) Stir() {
	n.mu.Lock()
	due := len(n.live) > 0
	n.mu.Unlock()
	if due {
		n.supervise(tick{})
		n.beatDriven()
	}
}

func (n *Coordinators) start(c *cell) {
	c.machine = n.env.NewCoordinator(c.id, c.call, c, c.handed)
	n.mu.Lock()
	n.live[c.id] = c
	n.mu.Unlock()
	n.supervise(c)
}

func (n *Coordinators) forget(c *cell) {
	n.mu.Lock()
	delete(n.live, c.id)
	n.mu.Unlock()
}

// send gives a message to whoever runs the saga now, if it lives.
func (n *Coordinators) send(id engine.SagaID, message any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if c := n.live[id]; c != nil && !c.pass(message) {
		c.early = append(c.early, message)
	}
}
