package pubsub

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// pair is two hubs whose lists a test carries by hand: what one tells the other hears.
type pair struct {
	t        *testing.T
	from, to *Hub
}

func newPair(t *testing.T) *pair {
	p := &pair{t, New(), New()}
	p.from.incarnation, p.to.incarnation = 11, 22
	p.from.peers[2] = &peerNode{number: 2, incarnation: 22, told: told{anew: true}}
	p.forget()
	return p
}

// forget makes the hearer forget, as if it had taken the teller to be down.
func (p *pair) forget() {
	if was := p.to.peers[1]; was != nil {
		p.to.forgetPeer(was)
	}
	p.to.peers[1] = &peerNode{number: 1, incarnation: 11}
	p.to.reflect()
}

// listen changes who listens to a topic at the teller.
func (p *pair) listen(key topicKey, n int) {
	t := p.from.topics[key.kind][key.name]
	if t == nil {
		if n == 0 {
			return
		}
		t = p.from.topic(key.kind, key.name)
		p.from.local[key.kind]++
	}
	if t.subs = make([]*subscriber, n); n == 0 {
		p.from.local[key.kind]--
		p.from.release(t)
	}
	p.from.changed(key)
}

// next returns the next list as it travels, false if there is none.
func (p *pair) next() (content []byte, through uint64, some bool) {
	peer := p.from.peers[2]
	if !peer.told.anew && len(peer.told.dirty) == 0 {
		return nil, 0, false
	}
	l, through := p.from.next(peer)
	return l.append(nil), through, true
}

func (p *pair) hear(content []byte) (taken bool) {
	p.t.Helper()
	l, err := parseList(content)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.to.learn(p.to.peers[1], &l) == l.serial
}

// tell carries all lists over.
func (p *pair) tell() {
	p.t.Helper()
	for tries := 0; ; tries++ {
		content, through, some := p.next()
		switch {
		case !some:
			return
		case p.hear(content):
			p.from.peers[2].told.ack(through)
		case tries > 3:
			p.t.Fatal("the lists never come through")
		default:
			p.from.peers[2].told.restart()
		}
	}
}

// same checks that the hearer knows what is so, and nothing else.
func (p *pair) same() {
	p.t.Helper()
	want, got := map[topicKey]int{}, map[topicKey]int{}
	for k := range kinds {
		for name, t := range p.from.topics[k] {
			want[topicKey{k, name}] = len(t.subs)
		}
		for name, t := range p.to.topics[k] {
			got[topicKey{k, name}] = t.count()
		}
	}
	if !maps.Equal(want, got) {
		p.t.Fatalf("%v is known, %v is so", got, want)
	}
	if size := p.to.peers[1].heard.size; size != len(want) {
		p.t.Fatalf("%d topics are counted, there are %d", size, len(want))
	}
	if n := p.to.listeners.Load(); n != int64(len(want)) {
		p.t.Fatalf("%d topics and peers want messages, there are %d", n, len(want))
	}
	if len(p.to.patterns) != len(p.to.topics[pattern]) {
		p.t.Fatalf("%d patterns, %d in order", len(p.to.topics[pattern]), len(p.to.patterns))
	}
	if p.from.peers[2].told.acked != p.from.version {
		p.t.Fatal("the teller does not know that all is told")
	}
}

// Whatever is lost, late, twice or forgotten: in the end the peer knows what is so.
func TestListsComeThrough(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		p := newPair(t)
		var late [][]byte
		for range 60 {
			switch r.IntN(10) {
			case 0:
				p.forget()
			case 1, 2:
				if len(late) > 0 {
					p.hear(late[r.IntN(len(late))])
				}
			case 3:
				if content, _, some := p.next(); some { // lost, or late: the teller does not know which
					late = append(late, content)
					p.from.peers[2].told.restart()
				}
			case 4:
				content, through, some := p.next()
				p.from.peers[2].told.restart() // a new stream
				if some && p.hear(content) {
					p.from.peers[2].told.ack(through)
				}
				if p.from.peers[2].told.acked != 0 {
					t.Fatal("what went before the new stream counts")
				}
			case 5:
				if content, through, some := p.next(); some && p.hear(content) {
					p.from.peers[2].told.ack(through)
				} else if some {
					p.from.peers[2].told.restart()
				}
			default:
				for range r.IntN(2000) / 10 {
					key := topicKey{kind(r.IntN(int(kinds))), fmt.Sprintf("topic %0*d", 1+r.IntN(300), r.IntN(100))}
					p.listen(key, r.IntN(3))
				}
			}
		}
		p.listen(topicKey{channel, "last"}, 1)
		p.tell()
		p.same()
		for _, l := range late {
			p.hear(l)
		}
		p.same()
	}
}

// A peer whose list is not there yet, or has no room, gets everything.
func TestUnknownPeerGetsEverything(t *testing.T) {
	p := newPair(t)
	far := func() []audience { return p.to.abroad(nil, channel, []byte("x")) }
	if got := far(); len(got) != 1 || got[0] != (audience{1, 0}) {
		t.Fatalf("sent to %v", got)
	}
	p.tell()
	if got := far(); len(got) != 0 {
		t.Fatalf("sent to %v", got)
	}
	p.listen(topicKey{channel, "x"}, 3)
	p.listen(topicKey{pattern, "x*"}, 2)
	p.tell()
	if got := far(); len(got) != 1 || got[0] != (audience{1, 5}) {
		t.Fatalf("sent to %v", got)
	}
	p.to.peers[1].heard.size = maxInterests
	p.listen(topicKey{channel, "too much"}, 1)
	p.tell()
	if got := p.to.abroad(nil, channel, []byte("too much")); len(got) != 1 {
		t.Fatalf("sent to %v", got)
	}
	p.to.forgetPeer(p.to.peers[1])
	p.to.reflect()
	if got, n := far(), p.to.listeners.Load(); len(got) != 0 || n != 0 {
		t.Fatalf("sent to %v, %d want messages", got, n)
	}
}

// Many that come and go while a peer does not answer take no more memory than a list.
func TestWhatPeerDoesNotTakeIsBounded(t *testing.T) {
	p := newPair(t)
	p.tell()
	for i := range 3 * maxGone {
		key := topicKey{channel, fmt.Sprint(i)}
		p.listen(key, 1)
		p.listen(key, 0)
		if n := len(p.from.peers[2].told.dirty); n > maxGone+1 {
			t.Fatalf("%d changes wait", n)
		}
	}
	p.listen(topicKey{channel, "last"}, 1)
	p.tell()
	p.same()
}

func TestMalformedMessages(t *testing.T) {
	l := list{flags: listFirst, incarnation: 1 << 60, serial: 300}
	l.entries = appendEntry(appendEntry(nil, topicKey{pattern, "a*"}, 7), topicKey{channel, ""}, 0)
	whole := l.append(nil)
	for n := range whole {
		if got, err := parseList(whole[:n]); err == nil && len(got.entries) != 0 && len(got.entries) != 5 {
			t.Errorf("the first %d bytes are taken", n)
		}
	}
	for _, bad := range [][]byte{nil, {listEnd}, {0, 1}, {0, 1, 1, byte(kinds), 1, 0}, {0, 1, 1, 0, 1, 2, 'x'}, {0, 1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x7f, 0}} {
		if _, err := parseList(bad); err == nil {
			t.Errorf("%x is taken", bad)
		}
	}
	message := appendMessage(nil, shardChannel, []byte("name"), []byte("text"))
	if k, name, text, err := parseMessage(message); err != nil || k != shardChannel || string(name) != "name" || string(text) != "text" {
		t.Errorf("%d %q %q %v", k, name, text, err)
	}
	for _, bad := range [][]byte{nil, {0}, {byte(pattern), 0}, {9, 0}, message[:4], {0, 0x80}} {
		if _, _, _, err := parseMessage(bad); err == nil {
			t.Errorf("%x is taken", bad)
		}
	}
	h := New()
	if h.hearInterest(1, whole, nil) == nil || h.hearMessage(1, message, func([]byte) {}) == nil {
		t.Error("a question that is none, or a message that is a question, is taken")
	}
	var answer []byte
	if err := h.hearInterest(1, whole, func(b []byte) { answer = b }); err != nil || !bytes.Equal(answer, []byte{0}) {
		t.Errorf("a stranger is answered %x, %v", answer, err)
	}
}

func FuzzList(f *testing.F) {
	f.Add([]byte{listFirst | listWhole | listLast, 1, 1, 0, 1, 1, 'x'})
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := parseList(b)
		if err != nil {
			return
		}
		var names []string
		p := newPair(t)
		p.to.learn(p.to.peers[1], &l)
		l.each(func(_ kind, name []byte, _ uint32) { names = append(names, string(name)) })
		for k := range kinds {
			for name := range p.to.topics[k] {
				if !slices.Contains(names, name) {
					t.Fatalf("%q came from nowhere", name)
				}
			}
		}
	})
}
