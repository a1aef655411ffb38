package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/troupedb/troupe/shard/replica"
	"github.com/troupedb/troupe/shard/wal"
)

const deadline = 30 * time.Second

// list is a machine that keeps all it was given.
type list struct {
	mu  sync.Mutex
	all []string
}

func (l *list) Apply(_ uint64, data []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if string(data) == "panic" {
		panic("as it was told")
	}
	l.all = append(l.all, string(data))
}

func (l *list) Snapshot() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, _ := json.Marshal(l.all)
	return b
}

func (l *list) Restore(data []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = nil
	return json.Unmarshal(data, &l.all)
}

func (l *list) values() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

// cluster is runners in one process; their network may cut some off.
type cluster struct {
	t     *testing.T
	mu    sync.Mutex
	nodes map[uint64]*member
	off   map[uint64]bool
	lives uint64
}

type member struct {
	*Runner
	fs      *wal.Memory
	log     *wal.Log
	machine *list
	leaders chan uint64 // as Observe was told
}

func newCluster(t *testing.T) *cluster {
	c := &cluster{t: t, nodes: map[uint64]*member{}, off: map[uint64]bool{}}
	t.Cleanup(func() {
		for _, m := range c.nodes {
			m.Stop()
		}
	})
	return c
}

func (c *cluster) send(from, to uint64, msg []byte) {
	c.mu.Lock()
	m, cut := c.nodes[to], c.off[from] || c.off[to]
	c.mu.Unlock()
	if m != nil && !cut {
		m.Step(msg)
	}
}

func (c *cluster) start(id uint64, fs *wal.Memory, bootstrap bool) *member {
	c.t.Helper()
	log, err := wal.Open(fs, wal.Options{Segment: 4 << 10})
	if err != nil {
		c.t.Fatal(err)
	}
	c.lives++
	m := &member{fs: fs, log: log, machine: &list{}, leaders: make(chan uint64, 1000)}
	m.Runner, err = Start(Config{
		Log: log, Bootstrap: bootstrap, Tick: 15 * time.Millisecond,
		Replica: replica.Config{ID: id, Machine: m.machine, Seed: id<<32 + c.lives, SnapshotEvery: 40, KeepEntries: 10},
		Send:    func(to uint64, msg []byte) { c.send(id, to, msg) },
		Observe: func(s replica.Status) {
			select {
			case m.leaders <- s.Leader:
			default:
			}
		},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	c.nodes[id] = m
	delete(c.off, id)
	c.mu.Unlock()
	return m
}

// cutOff takes a node off the network, or back.
func (c *cluster) cutOff(id uint64, off bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off[id] = off
}

// kill ends a node as a loss of power does, and returns what is on its disk.
func (c *cluster) kill(id uint64) *wal.Memory {
	c.cutOff(id, true)
	m := c.nodes[id]
	m.Stop()
	return m.fs.Crash(id)
}

func (c *cluster) wait(what string, ok func() bool) {
	c.t.Helper()
	for end := time.Now().Add(deadline); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			for id, m := range c.nodes {
				c.t.Logf("%d: %+v, %v", id, m.Status(), m.Err())
			}
			c.t.Fatalf("waited for %s", what)
		}
	}
}

// leader waits for a settled leader that is not off.
func (c *cluster) leader() (id uint64) {
	c.t.Helper()
	c.wait("a leader", func() bool {
		for i, m := range c.nodes {
			if s := m.Status(); s.Settled && !c.off[i] && m.Err() == nil {
				id = i
				return true
			}
		}
		return false
	})
	return id
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	t.Cleanup(cancel)
	return ctx
}

// propose proposes until it is carried out, wherever the leader is.
func (c *cluster) propose(data string) {
	c.t.Helper()
	c.wait(data, func() bool { return c.nodes[c.leader()].Propose(soon(c.t), []byte(data)) == nil })
}

func (c *cluster) change(changes ...replica.Change) {
	c.t.Helper()
	c.wait(fmt.Sprint(changes), func() bool { return c.nodes[c.leader()].ChangeConf(soon(c.t), changes...) == nil })
}

// three starts a group of three voters.
func three(t *testing.T) *cluster {
	c := newCluster(t)
	c.start(1, wal.NewMemory(), true)
	c.propose("first")
	for _, id := range []uint64{2, 3} {
		c.start(id, wal.NewMemory(), false)
		c.change(replica.Change{Kind: replica.AddLearner, ID: id})
		c.change(replica.Change{Kind: replica.Promote, ID: id})
	}
	return c
}

func (c *cluster) equal(wanted []string) {
	c.t.Helper()
	for id, m := range c.nodes {
		c.wait(fmt.Sprintf("node %d", id), func() bool { return slices.Equal(m.machine.values(), wanted) })
	}
}

func TestKillAndRestart(t *testing.T) {
	c := three(t)
	wanted := []string{"first"}
	for round := range 3 {
		id := c.leader()
		for i := range 30 {
			v := fmt.Sprintf("%d-%d", round, i)
			c.propose(v)
			wanted = append(wanted, v)
		}
		fs := c.kill(id)
		v := fmt.Sprintf("without %d", id)
		c.propose(v)
		wanted = append(wanted, v)
		c.start(id, fs, false)
	}
	c.equal(wanted)

	// All at once, and one with nothing but its log.
	disks := map[uint64]*wal.Memory{}
	for id := range c.nodes {
		disks[id] = c.kill(id)
	}
	for id, fs := range disks {
		c.start(id, fs, false)
	}
	c.propose("last")
	c.equal(append(wanted, "last"))
	if s := c.nodes[c.leader()].Status(); !slices.Equal(s.Conf.Voters, []uint64{1, 2, 3}) || s.Snapshot < 40 || len(s.Peers) != 2 {
		t.Fatalf("%+v", s)
	}
}

func TestFollower(t *testing.T) {
	c := three(t)
	lead := c.leader()
	id := lead%3 + 1
	f := c.nodes[id]
	c.wait("the follower to know its leader", func() bool { return f.Status().Leader == lead })
	var not *replica.NotLeaderError
	if err := f.Propose(soon(t), []byte("x")); !errors.As(err, &not) || not.Leader != lead {
		t.Fatal(err)
	}
	if err := f.ChangeConf(soon(t), replica.Change{Kind: replica.Remove, ID: 1}); !errors.As(err, &not) {
		t.Fatal(err)
	}
	for i := range 20 {
		v := fmt.Sprint(i)
		c.propose(v)
		if err := f.ReadIndex(soon(t)); err != nil {
			t.Fatal(err)
		}
		if all := f.machine.values(); !slices.Contains(all, v) {
			t.Fatalf("%s was there before the read, which sees %v", v, all)
		}
	}
	c.wait("the follower to lead", func() bool {
		if l := c.leader(); l != id {
			_ = c.nodes[l].TransferLeader(soon(t), id)
			return false
		}
		return true
	})
	for { // Observe has told
		select {
		case l := <-f.leaders:
			if l == id {
				return
			}
		case <-time.After(deadline):
			t.Fatal("Observe was not told")
		}
	}
}

// TestUnknown: a leader that is cut off cannot tell; the entry is replaced later.
func TestUnknown(t *testing.T) {
	c := three(t)
	var not *replica.NotLeaderError
	var old uint64
	var err error
	for ok := false; !ok; ok = !errors.As(err, &not) { // another may have taken over just now
		c.cutOff(old, false)
		old = c.leader()
		c.cutOff(old, true)
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		err = c.nodes[old].Propose(ctx, []byte("in the dark"))
		cancel()
	}
	if !errors.Is(err, replica.ErrUnknown) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	late := make(chan error, 1)
	go func() { late <- c.nodes[old].Propose(soon(t), []byte("in the dark too")) }()
	c.propose("in the light")
	c.cutOff(old, false)
	// It may have stepped down before it was asked.
	if err := <-late; !errors.Is(err, replica.ErrDropped) && !errors.As(err, &not) {
		t.Fatal(err)
	}
	c.equal([]string{"first", "in the light"})
}

func TestConcurrent(t *testing.T) {
	c := three(t)
	lead := c.nodes[c.leader()]
	before := lead.fs.Syncs()
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			ctx := soon(t)
			for id := uint64(0); ctx.Err() == nil && c.nodes[id%3+1].Propose(ctx, fmt.Append(nil, i)) != nil; id++ {
			}
		})
	}
	all.Wait()
	c.wait("all to be applied, once", func() bool { return len(lead.machine.values()) == 201 })
	t.Logf("%d syncs for 200 proposals", lead.fs.Syncs()-before)
}

// TestFailure: a log or a machine that fails ends the runner, and says so.
func TestFailure(t *testing.T) {
	t.Run("log", func(t *testing.T) {
		c := newCluster(t)
		broken := errors.New("broken disk")
		fs := wal.NewMemory()
		var now sync.Map
		fs.Fail = func(op, _ string) error {
			if _, fail := now.Load(op); fail {
				return broken
			}
			return nil
		}
		m := c.start(1, fs, true)
		c.propose("a")
		now.Store("sync", true)
		if err := m.Propose(soon(t), []byte("b")); !errors.Is(err, ErrStopped) || !errors.Is(err, replica.ErrUnknown) {
			t.Fatal(err)
		}
		<-m.Done()
		if !errors.Is(m.Err(), broken) {
			t.Fatal(m.Err())
		}
		if err := m.Propose(soon(t), []byte("c")); !errors.Is(err, ErrStopped) {
			t.Fatal(err)
		}
	})
	t.Run("machine", func(t *testing.T) {
		c := newCluster(t)
		m := c.start(1, wal.NewMemory(), true)
		c.leader()
		if err := m.Propose(soon(t), []byte("panic")); !errors.Is(err, replica.ErrUnknown) {
			t.Fatal(err)
		}
		if <-m.Done(); m.Err() == nil {
			t.Fatal("no error")
		}
	})
	t.Run("garbage", func(t *testing.T) {
		c := newCluster(t)
		m := c.start(1, wal.NewMemory(), true)
		for i := range 100 {
			m.Step([]byte{byte(i), 1, 2, 3})
		}
		c.propose("a")
		c.wait("refusals", func() bool { return m.Refused() == 100 })
	})
}
