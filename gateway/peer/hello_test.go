package peer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/actors/directory"
)

func TestHelloComesBack(t *testing.T) {
	h := &hello{clusterID, "some node", 7, 1 << 60, directory.MaxMembers, 1<<64 - 1}
	b := h.append(nil)
	f, n, err := next(b, maxHello)
	if err != nil || n != len(b) {
		t.Fatal(n, err)
	}
	if got, err := parseHello(&f); err != nil || *got != *h {
		t.Errorf("got %+v, %v", got, err)
	}
	for i := range f.content {
		if _, err := parseHello(&frame{kindHello, protocol, f.content[:i]}); !errors.Is(err, errFrame) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	if _, err := parseHello(&frame{kindHello, protocol, append(bytes.Clone(f.content), 0)}); !errors.Is(err, errFrame) {
		t.Error("a byte behind it: ", err)
	}
	h.number = directory.MaxMembers + 1
	f, _, _ = next(h.append(nil), maxHello)
	if _, err := parseHello(&f); !errors.Is(err, errFrame) {
		t.Error("a number that none has: ", err)
	}
}

// Who does not belong is told why, and counted.
func TestHelloIsRefused(t *testing.T) {
	nodes, d := cluster(t, 2, options{})
	n := nodes[0]
	for name, c := range map[string]struct {
		change func(h *hello)
		why    string
	}{
		"another cluster":       {func(h *hello) { h.clusterID = strings.Repeat("f", 40) }, "it belongs to the cluster ffff"},
		"no cluster":            {func(h *hello) { h.clusterID = "" }, "it belongs to the cluster "},
		"an unknown node":       {func(h *hello) { h.id = strings.Repeat("e", 40) }, "no member"},
		"no node":               {func(h *hello) { h.id = "" }, "no member"},
		"another node's number": {func(h *hello) { h.number = 3 }, "no member"},
		"this node itself":      {func(h *hello) { h.number, h.id, h.incarnation = 1, d.Members[0].ID, d.Members[0].Incarnation }, "it says that it is this node"},
		"an earlier process":    {func(h *hello) { h.incarnation-- }, "another process"},
		"meant for another":     {func(h *hello) { h.to = 2 }, "this one has the number 1"},
		"another table":         {func(h *hello) { h.fingerprint++ }, "same version"},
	} {
		before := n.net.Refused()
		h := greeting(n, d, 2, 1)
		c.change(h)
		r := dial(t, n)
		if err := greet(r.Conn, h); err == nil || !strings.Contains(err.Error(), "refused: ") || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", name, err, c.why)
		}
		r.closed()
		if got := n.net.Refused(); got != before+1 {
			t.Errorf("%s: %d refusals are counted, want 1", name, got-before)
		}
	}
	unaffected(t, nodes)
}

// unaffected checks that the nodes' own streams work and nothing has panicked.
func unaffected(t *testing.T, nodes []*node) {
	t.Helper()
	for i, n := range nodes {
		to := directory.Number((i+1)%len(nodes) + 1)
		if o := n.do(to, "SET", key(int(to)-1, 99), "x"); o.content != "+OK" {
			t.Errorf("node %d to %d: %v", i+1, to, o)
		}
		if p := n.panics.Load(); p != 0 {
			t.Errorf("node %d recovered from %d panics", i+1, p)
		}
	}
}

func TestOtherVersionsAreRefused(t *testing.T) {
	nodes, d := cluster(t, 2, options{})
	b := greeting(nodes[0], d, 2, 1).append(nil)
	b[lengthBytes+1] = protocol + 1
	r := dial(t, nodes[0])
	r.send(b)
	if f := r.frame(); f.kind != kindWelcome || !strings.Contains(string(f.content), "version 2 of the streams, this node version 1") {
		t.Errorf("answer %v %q", f, f.content)
	}
	r.closed()
}

// A node that is in no cluster has no peers, whatever they say.
func TestNobodyIsAdmittedByALoneNode(t *testing.T) {
	n := start(t, options{})
	for _, number := range []directory.Number{0, 1, 2} {
		h := &hello{"", "", number, 0, 1, n.net.fingerprint}
		r := dial(t, n)
		if err := greet(r.Conn, h); err == nil || !strings.Contains(err.Error(), "no cluster") {
			t.Errorf("number %d: %v", number, err)
		}
	}
}

// What comes instead of a hello ends the connection at once, or once the patience
// with it is over.
func TestStrangers(t *testing.T) {
	t.Parallel()
	eachDriver(t, func(t *testing.T, portable bool) {
		t.Parallel()
		nodes, d := cluster(t, 2, options{portable: portable})
		n := nodes[0]
		whole := greeting(n, d, 2, 1).append(nil)
		long := binary.LittleEndian.AppendUint32(nil, maxHello+1)
		for name, in := range map[string][]byte{
			"nothing":         {},
			"half a hello":    whole[:len(whole)-1],
			"its length":      whole[:lengthBytes],
			"RESP":            []byte("*1\r\n$4\r\nPING\r\n"),
			"HTTP":            []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
			"zeros":           make([]byte, 64),
			"announced long":  long,
			"another frame":   encode(kindRequest, 1, make([]byte, 100)),
			"an empty hello":  encode(kindHello, protocol, nil),
			"a welcome":       welcome(nil, nil),
			"two hellos":      append(bytes.Clone(whole), whole...),
			"nothing further": append(bytes.Clone(whole), 0, 0, 0, 0),
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := dial(t, n)
				r.send(in)
				r.closed()
			})
		}
		t.Cleanup(func() { unaffected(t, nodes) })
	})
}

// Greet gives up with whoever does not answer as a node does.
func TestGreetGivesUp(t *testing.T) {
	t.Parallel()
	h := &hello{clusterID, "id", 1, 2, 3, 4}
	for name, c := range map[string]struct {
		answer []byte
		close  bool
		want   string
	}{
		"welcome":         {answer: welcome(nil, nil)},
		"refused":         {answer: welcome(nil, errors.New("no")), want: "refused: no"},
		"another frame":   {answer: encode(kindReply, 1, nil), want: "malformed"},
		"garbage":         {answer: []byte("-ERR what is this?\r\n"), want: "too large"},
		"zeros":           {answer: make([]byte, 8), want: "malformed"},
		"announced long":  {answer: binary.LittleEndian.AppendUint32(nil, maxHello+1), want: "too large"},
		"hangs up":        {close: true, want: "EOF"},
		"hangs up midway": {answer: welcome(nil, nil)[:5], close: true, want: "EOF"},
		"silence":         {want: "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			near, far := net.Pipe()
			defer near.Close()
			defer far.Close()
			go func() {
				if _, err := readFrame(far); err != nil {
					return
				}
				_, _ = far.Write(c.answer) // the other end may have given up
				if c.close {
					far.Close()
				}
				_, _ = io.Copy(io.Discard, far)
			}()
			began := time.Now()
			err := greet(near, h)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if c.want == "timeout" && time.Since(began) < helloPatience {
				t.Error("gave up too early")
			}
		})
	}
}

// Refusals are counted all, and logged once a second at most.
func TestRefusalsAreLoggedSeldom(t *testing.T) {
	nodes, _ := cluster(t, 2, options{})
	n := nodes[0]
	before, began := n.net.Refused(), time.Now()
	const strangers = 200
	for range strangers {
		r := dial(t, n)
		r.send([]byte("what is this?\r\n"))
		r.closed()
		r.Close()
	}
	if got := n.net.Refused() - before; got != strangers {
		t.Errorf("%d refusals are counted, want %d", got, strangers)
	}
	took := time.Since(began)
	lines := 0
	for _, line := range n.log.all() {
		if strings.Contains(line, "refused a stream") {
			lines++
		}
	}
	if most := int(took/time.Second) + 2; lines == 0 || lines > most {
		t.Errorf("%d lines are logged in %v", lines, took)
	}
	unaffected(t, nodes)
}
