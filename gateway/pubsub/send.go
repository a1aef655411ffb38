package pubsub

import (
	"slices"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway/peer"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/data/glob"
	"github.com/troupedb/troupe/shard/reply"
)

// voice is how messages go to other nodes: in order for each voice. They are
// *peer.Loop for a session on its loop, and *peer.Net for all others together.
type voice interface {
	Tell(to directory.Number, t peer.Topic, content []byte) bool
}

// voiceOf returns the voice of a session, for the goroutine that works for it: once
// the connection has ended, this may be any.
func (h *Hub) voiceOf(s *session.Session) voice {
	if s.Conn.Closing() {
		return h.server.Streams
	}
	return session.LoopOf(s.Conn.Worker())
}

// audience is a node with listeners to a message.
type audience struct {
	node  directory.Number
	count int
}

// usualAudience is for how many nodes no memory is allocated.
const usualAudience = 8

// publish sends a message to all who listen and returns how many they are. What
// is for self goes to its output at once, before any reply: self is the session
// that publishes, on its own loop, or nil.
func (h *Hub) publish(k kind, name, message []byte, self *session.Session, v voice) int {
	h.flush()
	return h.send(k, name, message, self, v)
}

func (h *Hub) send(k kind, name, message []byte, self *session.Session, v voice) (receivers int) {
	var room [usualAudience]audience
	h.mu.RLock()
	receivers = h.here(k, name, message, self)
	far := h.abroad(room[:0], k, name)
	h.mu.RUnlock()
	if len(far) == 0 {
		return receivers
	}
	content := appendMessage(make([]byte, 0, len(name)+len(message)+messageHead), k, name, message)
	for _, a := range far {
		if v.Tell(a.node, topicMessage, content) {
			h.sent.Add(1)
			receivers += a.count
		}
	}
	return receivers
}

// messageHead is more than a message between nodes takes beside its words.
const messageHead = 16

// here sends a message to those who listen on this node. The caller holds the lock.
func (h *Hub) here(k kind, name, message []byte, self *session.Session) (receivers int) {
	if t := h.topics[k][string(name)]; t != nil && len(t.subs) > 0 {
		h.deliver(t, self, encode(messageWords[k], name, message))
		receivers = len(t.subs)
	}
	if k == shardChannel {
		return receivers
	}
	for _, t := range h.patterns {
		if len(t.subs) > 0 && matches(t, name) {
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

// abroad appends the other nodes that have listeners to a message, or are not known
// well enough. The caller holds the lock.
func (h *Hub) abroad(far []audience, k kind, name []byte) []audience {
	if len(h.peers) == 0 {
		return far
	}
	for _, node := range h.all {
		far = append(far, audience{node, 0})
	}
	if t := h.topics[k][string(name)]; t != nil {
		far = t.audience(far)
	}
	if k == shardChannel {
		return far
	}
	for _, t := range h.patterns {
		if len(t.abroad) > 0 && matches(t, name) {
			far = t.audience(far)
		}
	}
	return far
}

func (t *topic) audience(far []audience) []audience {
	for i := range t.abroad {
		node, count := t.abroad[i].node, int(t.abroad[i].count)
		if at := slices.IndexFunc(far, func(a audience) bool { return a.node == node }); at >= 0 {
			far[at].count += count
		} else {
			far = append(far, audience{node, count})
		}
	}
	return far
}

// receivers returns how many a message would be sent to now, and whether it has to be
// sent: it may be for a node whose listeners are not known.
func (h *Hub) receivers(k kind, name []byte) (n int, some bool) {
	var room [usualAudience]audience
	h.mu.RLock()
	defer h.mu.RUnlock()
	if t := h.topics[k][string(name)]; t != nil {
		n = len(t.subs)
	}
	if k != shardChannel {
		for _, t := range h.patterns {
			if len(t.subs) > 0 && matches(t, name) {
				n += len(t.subs)
			}
		}
	}
	far := h.abroad(room[:0], k, name)
	for _, a := range far {
		if h.server.Streams.Reachable(a.node) {
			n += a.count
		}
	}
	return n, n > 0 || len(far) > 0
}

// hearMessage takes a message of another node.
func (h *Hub) hearMessage(_ directory.Number, content []byte, answer func([]byte)) error {
	k, name, message, err := parseMessage(content)
	if err != nil || answer != nil {
		return errMalformed
	}
	h.taken.Add(1)
	h.flush() // events that its publisher may have seen come before it
	h.mu.RLock()
	defer h.mu.RUnlock()
	h.here(k, name, message, nil)
	return nil
}

// Exchanged returns how many messages went to other nodes, and came from them.
func (h *Hub) Exchanged() (sent, taken uint64) { return h.sent.Load(), h.taken.Load() }

func matches(t *topic, name []byte) bool { return glob.Match([]byte(t.name), name, false) }

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
