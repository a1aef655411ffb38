package pubsub

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/data/glob"
	"github.com/troupedb/troupe/shard/reply"
)

// kind is what is subscribed to. It is an index of session.Session.SubKinds.
type kind uint8

const (
	channel kind = iota
	pattern
	shardChannel
	kinds
)

// topic is one channel or pattern that somebody listens to.
type topic struct {
	name string
	subs []*subscriber // in the order in which they subscribed
}

// Hub is the pub/sub part of a node. It implements session.Hub and
// engine.Effects.
type Hub struct {
	server *session.Server
	// listeners counts channels and patterns: without any, events are not
	// even queued.
	listeners atomic.Int64
	notes     notes

	mu       sync.RWMutex
	topics   [kinds]map[string]*topic
	patterns []*topic // in the order in which they came to be
	sessions map[*session.Session]*subscriber
	boxes    map[any]*mailbox // by the loop's worker
}

// New returns a hub without listeners.
func New() *Hub {
	h := &Hub{sessions: map[*session.Session]*subscriber{}, boxes: map[any]*mailbox{}}
	for k := range h.topics {
		h.topics[k] = map[string]*topic{}
	}
	return h
}

// Attach joins the hub to its node, once, before there are clients.
func (h *Hub) Attach(srv *session.Server) {
	h.server = srv
	srv.Hub = h
}

// of returns the hub of a session's node.
func of(s *session.Session) *Hub { return s.Server.Hub.(*Hub) }

// Counts implements session.Hub.
func (h *Hub) Counts() (channels, patterns, shardChannels int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.topics[channel]), len(h.topics[pattern]), len(h.topics[shardChannel])
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
		t = &topic{name: string(name)}
		h.topics[k][t.name] = t
		h.listeners.Add(1)
		if k == pattern {
			h.patterns = append(h.patterns, t)
		}
	}
	t.subs = append(t.subs, sub)
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
	t.subs = slices.Delete(t.subs, at, at+1)
	if len(t.subs) > 0 {
		return
	}
	delete(h.topics[k], name)
	h.listeners.Add(-1)
	if k == pattern {
		at := slices.Index(h.patterns, t)
		h.patterns = slices.Delete(h.patterns, at, at+1)
	}
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
	if !s.Conn.Closing() {
		sub.write()
	}
	sub.end()
}

// publish sends a message to all who listen and returns how many they are. What
// is for self goes to its output at once, before any reply: self is the session
// that publishes, on its own loop, or nil.
func (h *Hub) publish(k kind, name, message []byte, self *session.Session) int {
	h.flush()
	return h.send(k, name, message, self)
}

func (h *Hub) send(k kind, name, message []byte, self *session.Session) (receivers int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if t := h.topics[k][string(name)]; t != nil {
		h.deliver(t, self, encode(messageWords[k], name, message))
		receivers = len(t.subs)
	}
	if k == shardChannel {
		return receivers
	}
	for _, t := range h.patterns {
		if matches(t, name) {
			h.deliver(t, self, encode(messageWords[pattern], []byte(t.name), name, message))
			receivers += len(t.subs)
		}
	}
	return receivers
}

func (h *Hub) deliver(t *topic, self *session.Session, msg []byte) {
	limit := &h.server.Limits.Load().Output[session.ClassPubSub]
	for _, sub := range t.subs {
		if sub.s == self {
			sub.write()
			sub.append(msg)
			self.KeepReply()
		} else {
			sub.post(msg, limit)
		}
	}
}

// receivers returns how many a message would be sent to now.
func (h *Hub) receivers(k kind, name []byte) (n int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if t := h.topics[k][string(name)]; t != nil {
		n = len(t.subs)
	}
	if k == shardChannel {
		return n
	}
	for _, t := range h.patterns {
		if matches(t, name) {
			n += len(t.subs)
		}
	}
	return n
}

func matches(t *topic, name []byte) bool { return glob.Match([]byte(t.name), name, false) }

// active returns the names of topics that match filter, or all without one.
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

// listening returns how many sessions have subscribed to a topic itself.
func (h *Hub) listening(k kind, name []byte) int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if t := h.topics[k][string(name)]; t != nil {
		return len(t.subs)
	}
	return 0
}

// messageWords are the first elements of messages.
var messageWords = [kinds][]byte{channel: []byte("message"), pattern: []byte("pmessage"), shardChannel: []byte("smessage")}

// encode makes a message, but for its first byte: that tells the protocol
// versions apart, and is all that does.
func encode(words ...[]byte) []byte {
	n := len("*4\r\n")
	for _, word := range words {
		n += len(word) + len("$1234567890\r\n\r\n")
	}
	w := reply.Writer{Buf: make([]byte, 0, n)}
	w.Push(len(words))
	for _, word := range words {
		w.Bulk(word)
	}
	return w.Buf[1:]
}
