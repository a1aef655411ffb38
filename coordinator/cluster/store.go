package cluster

import (
	"sync"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/catalog"
	"github.com/troupedb/troupe/shard/replica"
)

// store is this node's replica of the catalog's state, for readers on other
// goroutines than the replica's.
type store struct {
	self string

	mu      sync.Mutex
	state   *catalog.State
	machine catalog.Machine
	waits   map[uint64]chan catalog.Result // by request
	slots   *directory.Slots
	status  replica.Status
	changed chan struct{} // has one if there is something new
}

func newStore(self string) *store {
	s := &store{self: self, state: catalog.New(), waits: map[uint64]chan catalog.Result{}, changed: make(chan struct{}, 1)}
	s.machine = catalog.Machine{State: s.state, Done: s.done}
	return s
}

// Apply implements replica.Machine.
func (s *store) Apply(index uint64, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.machine.Apply(index, data)
}

// Snapshot implements replica.Machine.
func (s *store) Snapshot() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.machine.Snapshot()
}

// Restore implements replica.Machine.
func (s *store) Restore(data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.stir()
	return s.machine.Restore(data)
}

// done is told of every entry, under the mutex.
func (s *store) done(_ uint64, r catalog.Result) {
	if wait := s.waits[r.Request]; wait != nil {
		delete(s.waits, r.Request)
		wait <- r
	}
	if r.Changed {
		s.stir()
	}
}

// stir wakes whoever follows the catalog.
func (s *store) stir() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// begin takes the replica's status before it has changed.
func (s *store) begin(st replica.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status.ID == 0 {
		s.status = st
	}
}

// observe takes the replica's status.
func (s *store) observe(st replica.Status) {
	s.mu.Lock()
	s.status = st
	s.mu.Unlock()
	s.stir()
}

// reset empties the state, for another group's log.
func (s *store) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.state, s.status = *catalog.New(), replica.Status{}
}

// cluster returns the cluster's identity and name, "" before there is one.
func (s *store) cluster() (id, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Cluster()
}

// group returns the replica's newest status.
func (s *store) group() replica.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// await returns where the result of the entry with this request will come.
func (s *store) await(request uint64) chan catalog.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := make(chan catalog.Result, 1)
	s.waits[request] = c
	return c
}

func (s *store) giveUp(request uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waits, request)
}

// with runs f with the state, which must not be changed or kept.
func (s *store) with(f func(*catalog.State)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.state)
}

// directory returns the state as a directory, nil before there is a cluster. Its
// leader and voters are those of now: they change without the catalog's epoch.
func (s *store) directory() *directory.Directory {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Shards() == 0 {
		return nil
	}
	if s.slots == nil {
		s.slots = directory.Even(s.state.Shards())
	}
	return s.state.Directory(s.slots, s.self, s.status.Leader, s.status.Conf.Voters)
}

// member returns this node as the catalog has it, and whether it does.
func (s *store) member() (m catalog.Member, ok bool) {
	s.with(func(st *catalog.State) {
		if found := st.ByID(s.self); found != nil {
			m, ok = *found, true
		}
	})
	return m, ok
}
