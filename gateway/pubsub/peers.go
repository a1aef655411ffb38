package pubsub

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway/peer"
)

// The topics of messages between nodes.
const (
	topicInterest peer.Topic = 'I' // questions: a list of interests
	topicMessage  peer.Topic = 'P'
)

const (
	// maxInterests is how many topics of one peer are kept. A peer that has more gets
	// every message; it knows itself who listens.
	maxInterests = 1 << 22
	// maxGone is how many topics that nobody listens to any more wait to be told to a
	// peer. If there are more, it gets the whole list anew.
	maxGone = 1 << 16
	// listBytes is about how large a list is: its receiver holds the hub meanwhile.
	listBytes = 32 << 10
	// retryAfter is the time between two attempts to tell a peer that answers, but not
	// as it should: it knows less of the cluster yet, or more, than this node.
	retryAfter = 200 * time.Millisecond
	// confirmPatience is how long a client waits for a peer to know what it listens
	// to: longer than it takes to suspect one that is gone.
	confirmPatience = 2 * time.Second
)

// peerNode is another node: what it knows of the listeners here, and what is known
// of those there.
type peerNode struct {
	number      directory.Number
	incarnation uint64 // of its process: another one knows nothing, and is not known
	told        told
	heard       heard
}

// told is what a peer knows. One list is under way at a time, so none overtakes
// another; what changes meanwhile goes with the next.
type told struct {
	dirty  map[topicKey]struct{} // what has changed since it was told
	acked  uint64                // the hub's version that the peer knows
	asking bool                  // a list is under way
	anew   bool                  // the whole list is to be told, from the start
	whole  bool                  // it is being told
	late   bool                  // clients have waited for it in vain: they do not, until it answers
}

// heard is what a peer has told.
type heard struct {
	serial   uint64 // of the last list
	round    uint64 // serial of the first part of the last whole list
	whole    bool   // parts of it are still to come
	complete bool   // a whole list is there
	size     int    // topics
	overflow bool   // more than maxInterests
}

// everything tells that the peer gets all messages.
func (d *heard) everything() bool { return !d.complete || d.overflow }

// Follow makes the hub follow a newer directory, before the streams do. Calls must not
// overlap.
func (h *Hub) Follow(d *directory.Directory) {
	h.mu.Lock()
	if me := d.Me(); me != nil {
		h.incarnation = me.Incarnation
	}
	for number, p := range h.peers {
		if m := d.Member(number); m == nil || number == d.Self || m.State == directory.Down || m.Incarnation != p.incarnation {
			h.forgetPeer(p)
		}
	}
	for i := range d.Members {
		m := &d.Members[i]
		if m.Number == d.Self || m.State == directory.Down || h.peers[m.Number] != nil {
			continue
		}
		p := &peerNode{number: m.Number, incarnation: m.Incarnation}
		p.told.anew = true
		h.peers[m.Number] = p
	}
	h.reflect()
	due := h.confirmed()
	h.mu.Unlock()
	run(due)
	h.push()
}

// forgetPeer forgets a peer and all that it has told.
func (h *Hub) forgetPeer(p *peerNode) {
	delete(h.peers, p.number)
	h.sweep(p, ^uint64(0))
}

// sweep drops a peer's interests that are older than a round.
func (h *Hub) sweep(p *peerNode, round uint64) {
	for k := range kinds {
		for _, t := range h.topics[k] {
			if i := t.indexOf(p.number); i >= 0 && t.abroad[i].round < round {
				t.abroad = slices.Delete(t.abroad, i, i+1)
				p.heard.size--
				h.release(t)
			}
		}
	}
}

// reflect brings up to date what follows from the state of all peers.
func (h *Hub) reflect() {
	before := len(h.all)
	h.all = h.all[:0:0] // publishers may be reading it
	for number, p := range h.peers {
		if p.heard.everything() {
			h.all = append(h.all, number)
		}
	}
	h.listeners.Add(int64(len(h.all) - before))
}

// opened is called when there is a stream to a peer after there was none.
func (h *Hub) opened(to directory.Number) {
	h.mu.Lock()
	p := h.peers[to]
	if p != nil {
		p.told.restart()
	}
	h.mu.Unlock()
	if p != nil {
		h.pushTo(p)
	}
}

func (t *told) restart() { t.anew, t.whole, t.acked, t.dirty = true, false, 0, nil }

// ack is after the peer has taken a list. It counts for nothing if the whole list has
// become due meanwhile: the peer may have forgotten it again.
func (t *told) ack(through uint64) {
	if t.late = false; !t.anew {
		t.acked = through
	}
}

// changed notes for all peers that the number of a topic's listeners has changed.
func (h *Hub) changed(key topicKey) {
	h.version++
	for _, p := range h.peers {
		t := &p.told
		if t.anew {
			continue
		}
		if t.dirty == nil {
			t.dirty = map[topicKey]struct{}{}
		}
		t.dirty[key] = struct{}{}
		if len(t.dirty) > h.local[channel]+h.local[pattern]+h.local[shardChannel]+maxGone {
			t.restart()
		}
	}
}

// push tells all peers what they do not know yet. It does not wait.
func (h *Hub) push() {
	h.mu.RLock()
	if len(h.peers) == 0 {
		h.mu.RUnlock()
		return
	}
	peers := make([]*peerNode, 0, len(h.peers))
	for _, p := range h.peers {
		peers = append(peers, p)
	}
	h.mu.RUnlock()
	for _, p := range peers {
		h.pushTo(p)
	}
}

func (h *Hub) pushTo(p *peerNode) {
	h.mu.Lock()
	if h.peers[p.number] != p || p.told.asking || !p.told.anew && len(p.told.dirty) == 0 {
		h.mu.Unlock()
		return
	}
	l, through := h.next(p)
	p.told.asking = true
	h.mu.Unlock()
	h.server.Streams.Ask(p.number, topicInterest, l.append(nil), func(answer []byte, ok bool) {
		serial, n := binary.Uvarint(answer)
		h.answered(p, through, ok && n > 0 && serial == l.serial)
	})
}

// next makes the next list for a peer. Once that has it, it knows all versions up to
// through.
func (h *Hub) next(p *peerNode) (l list, through uint64) {
	t := &p.told
	if t.anew {
		l.flags |= listFirst
		t.anew, t.whole, t.dirty = false, true, map[topicKey]struct{}{}
		for k := range kinds {
			for name, topic := range h.topics[k] {
				if len(topic.subs) > 0 {
					t.dirty[topicKey{k, name}] = struct{}{}
				}
			}
		}
	}
	h.serials[p.number]++
	l.serial, l.incarnation = h.serials[p.number], h.incarnation
	for key := range t.dirty {
		count := 0
		if topic := h.topics[key.kind][key.name]; topic != nil {
			count = len(topic.subs)
		}
		l.entries = appendEntry(l.entries, key, uint32(count))
		if delete(t.dirty, key); len(l.entries) >= listBytes {
			break
		}
	}
	if t.whole {
		l.flags |= listWhole
	}
	if !p.heard.complete && !p.heard.whole {
		l.flags |= listWant
	}
	if through = t.acked; len(t.dirty) == 0 {
		l.flags |= listLast
		through, t.whole = h.version, false
	}
	return l, through
}

// answered is after a peer has taken a list, or has not.
func (h *Hub) answered(p *peerNode, through uint64, ok bool) {
	h.mu.Lock()
	t := &p.told
	t.asking = false
	switch {
	case h.peers[p.number] != p:
	case !ok:
		t.restart()
	default:
		t.ack(through)
	}
	due := h.confirmed()
	h.mu.Unlock()
	run(due)
	switch {
	case ok:
		h.pushTo(p)
	case h.server.Streams.Reachable(p.number): // else opened will tell
		time.AfterFunc(retryAfter, func() { h.pushTo(p) })
	}
}

// hearInterest takes a list of a peer.
func (h *Hub) hearInterest(from directory.Number, content []byte, answer func([]byte)) error {
	l, err := parseList(content)
	if err != nil || answer == nil {
		return errMalformed
	}
	var taken uint64
	h.mu.Lock()
	p := h.peers[from]
	if p != nil && p.incarnation == l.incarnation {
		taken = h.learn(p, &l)
		if t := &p.told; l.flags&listWant != 0 && !t.anew && !t.whole && !t.asking {
			t.restart()
		}
	} else {
		p = nil
	}
	h.mu.Unlock()
	answer(binary.AppendUvarint(nil, taken))
	if p != nil {
		h.pushTo(p)
	}
	return nil
}

// learn takes a list, unless one before it is missing, and returns its number.
func (h *Hub) learn(p *peerNode, l *list) (taken uint64) {
	d := &p.heard
	before := d.everything()
	switch {
	case l.serial <= d.serial: // late: its sender has given it up
		return 0
	case l.flags&listFirst != 0:
		d.round, d.whole = l.serial, true
	case l.serial != d.serial+1 || l.flags&listWhole != 0 && !d.whole:
		return 0
	}
	d.serial = l.serial
	l.each(func(k kind, name []byte, count uint32) { h.setInterest(p, k, name, count) })
	if d.whole && l.flags&listLast != 0 {
		h.sweep(p, d.round)
		d.whole, d.complete, d.overflow = false, true, d.size >= maxInterests
	}
	if d.everything() != before {
		h.reflect()
	}
	return l.serial
}

func (h *Hub) setInterest(p *peerNode, k kind, name []byte, count uint32) {
	t := h.topics[k][string(name)]
	at := -1
	if t != nil {
		at = t.indexOf(p.number)
	}
	switch {
	case count == 0 && at < 0:
	case count == 0:
		t.abroad = slices.Delete(t.abroad, at, at+1)
		p.heard.size--
		h.release(t)
	case at >= 0:
		t.abroad[at] = interest{p.number, count, p.heard.round}
	case p.heard.size >= maxInterests:
		p.heard.overflow = true
	default:
		if t == nil {
			t = h.topic(k, string(name))
		}
		t.abroad = append(t.abroad, interest{p.number, count, p.heard.round})
		p.heard.size++
	}
}
