package membership

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/serf/serf"
)

const (
	// lookEvery is how often the list is compared with the one last handed out
	// unasked: serf tells no event of a member that takes its leave back.
	lookEvery = time.Second
	// eventBuffer is of serf's events, which only wake the one who compares.
	eventBuffer = 256
)

// Membership is this node's part in the gossip.
type Membership struct {
	conf      Config
	port      int
	serf      *serf.Serf
	admission *admission
	reporter  *reporter

	ctx      context.Context
	cancel   context.CancelFunc
	changed  chan struct{} // of one: something may have
	follower followers
	notified chan struct{} // closed: OnChange is not called any more
	known    atomic.Pointer[func() []string]

	// mu orders what changes this node's standing: SetClusterID, Leave, Shutdown.
	mu   sync.Mutex
	down bool
	held []net.Listener // lower ports, while this node founds a cluster
}

// Stats counts what was turned away.
type Stats struct {
	// BadInput counts packets and streams that were not understood.
	BadInput uint64
	// Refused counts nodes that do not belong here, each time they try.
	Refused uint64
}

// Start listens and is a member by itself; Join and Discover look for others.
func Start(c Config) (*Membership, error) {
	conf, err := c.complete()
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(conf.Bind); ip.IsUnspecified() && ip.To4() == nil && conf.Advertise == "" {
		return nil, errors.New("a node that listens on all addresses has to advertise one")
	}
	r := &reporter{logger: conf.Logger.With("part", "membership"), now: time.Now}
	logger := log.New(r, "", 0)
	transport, port, err := conf.listen(logger, r)
	if err != nil {
		return nil, err
	}
	m := &Membership{
		conf: conf, port: port, reporter: r,
		admission: &admission{conf: &conf, log: r, own: conf.ClusterID},
		changed:   make(chan struct{}, 1), notified: make(chan struct{}),
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	sc, err := conf.serfConfig(port, transport, logger)
	if err != nil {
		transport.abandon()
		return nil, err
	}
	events := make(chan serf.Event, eventBuffer)
	sc.EventCh = events
	sc.Merge = m.admission
	sc.Tags = conf.tags(conf.ClusterID)
	if m.serf, err = serf.Create(sc); err != nil {
		transport.abandon()
		return nil, fmt.Errorf("start serf: %w", err)
	}
	local := m.serf.LocalMember()
	here, err := parseMember(&local)
	if err != nil {
		_ = m.serf.Shutdown()
		return nil, err
	}
	m.admission.here.Store(&here)
	if conf.OnChange != nil {
		m.follow(conf.OnChange)
	}
	go m.drain(events)
	go m.notify()
	go m.keep()
	return m, nil
}

// Self returns this node as others are told of it.
func (m *Membership) Self() Member {
	self := *m.admission.here.Load()
	self.ClusterID = m.admission.clusterID()
	return self
}

// Members returns all nodes that are known, this one too, in the order of names.
func (m *Membership) Members() []Member { return parseMembers(m.serf.Members()) }

// Stats returns what was turned away so far.
func (m *Membership) Stats() Stats {
	return Stats{BadInput: m.reporter.bad.Load(), Refused: m.admission.refused.Load()}
}

// SetClusterID makes the identity of this node's cluster known, and ends the
// founding of one that Discover began. It fails if members of another are here.
func (m *Membership) SetClusterID(id string) error {
	if !isHexID(id) {
		return fmt.Errorf("the cluster's identity %q: want %d hexadecimal digits", id, hexID)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return errDown
	}
	if err := m.admission.become(id); err != nil {
		return err
	}
	m.present()
	m.release()
	m.wake()
	return nil
}

var errDown = errors.New("the membership was shut down")

// present tells the others of this node anew. The caller holds m.mu.
func (m *Membership) present() {
	// It fails if nobody took the news in time; the next exchange brings it.
	if err := m.serf.SetTags(m.conf.tags(m.admission.clusterID())); err != nil {
		m.reporter.logger.Debug("presenting this node", "error", err)
	}
}

// release gives back the ports held while a cluster was founded. The caller holds m.mu.
func (m *Membership) release() {
	closeAll(m.held)
	m.held = nil
}

// Leave says goodbye; it takes at most about two seconds. Shutdown is still to be called.
func (m *Membership) Leave() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return errDown
	}
	m.release()
	if err := m.serf.Leave(); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	return nil
}

// Shutdown stops without a word: without Leave before, others see this node fail.
func (m *Membership) Shutdown() error {
	m.mu.Lock()
	m.release()
	m.down = true
	m.cancel()
	err := m.serf.Shutdown()
	m.mu.Unlock()
	<-m.notified
	return err
}

// drain takes serf's events, which would stop serf if nobody did.
func (m *Membership) drain(events <-chan serf.Event) {
	for {
		select {
		case <-events:
			m.wake()
		case <-m.serf.ShutdownCh():
			return
		}
	}
}

func (m *Membership) wake() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// followers are told of changes, in the order in which they came.
type followers struct {
	mu  sync.Mutex
	all []*follower
}

type follower struct {
	tell func([]Member)
	last []Member // that it was told, of the notifying goroutine alone
}

// follow has f called like OnChange, from the list as it is now on, until stop.
func (m *Membership) follow(f func([]Member)) (stop func()) {
	one := &follower{tell: f}
	m.follower.mu.Lock()
	m.follower.all = append(m.follower.all, one)
	m.follower.mu.Unlock()
	m.wake()
	return func() {
		m.follower.mu.Lock()
		defer m.follower.mu.Unlock()
		m.follower.all = slices.DeleteFunc(slices.Clone(m.follower.all), func(f *follower) bool { return f == one })
	}
}

// notify hands the list to each follower for whom it is another one than the last.
func (m *Membership) notify() {
	defer close(m.notified)
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	var last []Member
	for {
		now := m.Members()
		m.logChanges(last, now)
		last = now
		m.follower.mu.Lock()
		all := m.follower.all
		m.follower.mu.Unlock()
		for _, f := range all {
			if !slices.Equal(f.last, now) && m.ctx.Err() == nil {
				f.last = now
				f.tell(slices.Clone(now))
			}
		}
		select {
		case <-m.ctx.Done():
			return
		case <-m.changed:
		case <-ticker.C:
		}
	}
}

// logChanges says who is there and who is not; these are few and an operator's concern.
func (m *Membership) logChanges(last, now []Member) {
	was := make(map[string]Member, len(last))
	for _, member := range last {
		was[member.Name] = member
	}
	for _, member := range now {
		before, known := was[member.Name]
		if member.ID == m.conf.ID || known && before.Status == member.Status && before.Incarnation == member.Incarnation {
			continue
		}
		m.reporter.logger.LogAttrs(m.ctx, slog.LevelInfo, "member", slog.String("name", member.Name),
			slog.String("status", member.Status.String()), slog.String("address", member.GossipAddr()))
	}
}
