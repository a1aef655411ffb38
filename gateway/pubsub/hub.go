package pubsub

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/data/glob"
)

// kind is what is subscribed to. It is an index of session.Session.SubKinds.
type kind uint8

const (
	channel kind = iota
	pattern
	shardChannel
	kinds
)

// topic is one channel or pattern that somebody listens to, here or on other nodes.
type topic struct {
	kind   kind
	name   string
	subs   []*subscriber // in the order in which they subscribed
	abroad []interest    // one for each node
}

// indexOf returns where the interest of a node is, -1: it has none.
func (t *topic) indexOf(node directory.Number) int {
	return slices.IndexFunc(t.abroad, func(i interest) bool { return i.node == node })
}

// Hub is the pub/sub part of a node. It implements session.Hub and
// engine.Effects.
type Hub struct {
	server *session.Server
	// listeners counts topics, and peers that get everything: without any, events
	// are not even queued.
	listeners atomic.Int64
	notes     notes
	// sent and taken count messages to and from other nodes.
	sent, taken atomic.Uint64

	mu       sync.RWMutex
	topics   [kinds]map[string]*topic
	patterns []*topic // in the order in which they came to be
	sessions map[*session.Session]*subscriber
	boxes    map[any]*mailbox // by the loop's worker

	local       [kinds]int // topics that somebody listens to here
	version     uint64     // grows with each change of who listens here
	incarnation uint64     // of this node's process
	peers       map[directory.Number]*peerNode
	all         []directory.Number // peers that get everything; replaced, not changed
	waits       []*wait
	// serials are of the last lists told to other nodes, by number: they grow even
	// if a node is forgotten for a while that does not forget this one.
	serials [directory.MaxMembers + 1]uint64
}

// New returns a hub without listeners.
func New() *Hub {
	h := &Hub{sessions: map[*session.Session]*subscriber{}, boxes: map[any]*mailbox{}, peers: map[directory.Number]*peerNode{}}
	for k := range h.topics {
		h.topics[k] = map[string]*topic{}
	}
	return h
}

// Attach joins the hub to its node, once, before there are clients.
func (h *Hub) Attach(srv *session.Server) {
	h.server = srv
	srv.Hub = h
	if srv.Streams != nil {
		srv.Streams.Listen(topicInterest, h.hearInterest)
		srv.Streams.Listen(topicMessage, h.hearMessage)
		srv.Streams.OnOpen(h.opened)
	}
}

// of returns the hub of a session's node.
func of(s *session.Session) *Hub { return s.Server.Hub.(*Hub) }

// Counts implements session.Hub.
func (h *Hub) Counts() (channels, patterns, shardChannels int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.local[channel], h.local[pattern], h.local[shardChannel]
}

// subscribe makes the session listen, unless it does.
func (h *Hub) subscribe(s *session.Session, k kind, name []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	sub := h.sessions[s]
	if sub == nil {
		sub = &subscriber{s: s, box: h.boxOf(s.Conn.Worker())}
		h.sessions[s] = sub
	}
	if !sub.add(k, string(name)) {
		return
	}
	t := h.topics[k][string(name)]
	if t == nil {
		t = h.topic(k, string(name))
	}
	if t.subs = append(t.subs, sub); len(t.subs) == 1 {
		h.local[k]++
	}
	h.changed(topicKey{k, t.name})
}

// topic makes a topic, which is to get a listener.
func (h *Hub) topic(k kind, name string) *topic {
	t := &topic{kind: k, name: name}
	h.topics[k][name] = t
	h.listeners.Add(1)
	if k == pattern {
		h.patterns = append(h.patterns, t)
	}
	return t
}

// release takes a topic away that nobody listens to any more.
func (h *Hub) release(t *topic) {
	if len(t.subs)+len(t.abroad) > 0 {
		return
	}
	delete(h.topics[t.kind], t.name)
	h.listeners.Add(-1)
	if t.kind == pattern {
		at := slices.Index(h.patterns, t)
		h.patterns = slices.Delete(h.patterns, at, at+1)
	}
}

// boxOf returns the mailbox of a loop for one more subscriber.
func (h *Hub) boxOf(worker any) *mailbox {
	b := h.boxes[worker]
	if b == nil {
		b = &mailbox{worker: worker}
		h.boxes[worker] = b
	}
	b.users++
	return b
}

// unsubscribe makes the session listen no more, if it does.
func (h *Hub) unsubscribe(s *session.Session, k kind, name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	sub := h.sessions[s]
	if sub == nil || !sub.remove(k, name) {
		return
	}
	h.drop(sub, k, name)
	if sub.total() == 0 {
		h.forget(sub)
	}
}

// drop takes a subscriber out of a topic, and the topic away with its last one.
func (h *Hub) drop(sub *subscriber, k kind, name string) {
	t := h.topics[k][name]
	at := slices.Index(t.subs, sub)
	if t.subs = slices.Delete(t.subs, at, at+1); len(t.subs) == 0 {
		h.local[k]--
	}
	h.changed(topicKey{k, t.name})
	h.release(t)
}

func (h *Hub) forget(sub *subscriber) {
	delete(h.sessions, sub.s)
	if sub.box.users--; sub.box.users == 0 {
		delete(h.boxes, sub.box.worker)
	}
}

// subscriber returns a session's listener, or nil.
func (h *Hub) subscriber(s *session.Session) *subscriber {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.sessions[s]
}

// subscribed returns what the session listens to, in the order in which it
// subscribed.
func (h *Hub) subscribed(s *session.Session, k kind) []string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if sub := h.sessions[s]; sub != nil {
		return sub.names(k)
	}
	return nil
}

// Leave implements session.Hub. Where the connection goes on (RESET), it gets
// what was published to it before.
func (h *Hub) Leave(s *session.Session) {
	sub := h.subscriber(s)
	if sub == nil {
		return
	}
	h.flush()
	h.mu.Lock()
	for k := range kinds {
		for _, name := range sub.names(k) {
			h.drop(sub, k, name)
		}
	}
	h.forget(sub)
	h.mu.Unlock()
	h.push()
	if !s.Conn.Closing() {
		sub.write()
	}
	sub.end()
}

// active returns the names of topics that match filter, or all without one: of the
// whole cluster.
func (h *Hub) active(k kind, filter []byte) []string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	var names []string
	for name := range h.topics[k] {
		if filter == nil || glob.Match(filter, []byte(name), false) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, strings.Compare) // map order must not be seen
	return names
}

// patternCount returns how many patterns there are in the whole cluster.
func (h *Hub) patternCount() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.patterns)
}

// listening returns how many clients have subscribed to a topic itself, in the whole
// cluster.
func (h *Hub) listening(k kind, name []byte) int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if t := h.topics[k][string(name)]; t != nil {
		return t.count()
	}
	return 0
}

// count returns how many listen to a topic on all nodes.
func (t *topic) count() int {
	n := len(t.subs)
	for i := range t.abroad {
		n += int(t.abroad[i].count)
	}
	return n
}
