package badinput

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/bench/conformance/target"
	"github.com/troupedb/troupe/bench/conformance/wire"
	"github.com/troupedb/troupe/bench/freeport"
	"github.com/troupedb/troupe/gateway"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/slot"
	streamwire "github.com/troupedb/troupe/shard/wire"
)

// streams are two nodes of a cluster, and what somebody knows who has read all that
// they say of it to clients.
type streams struct {
	*node  // the one under attack
	status session.ClusterStatus
	port   int // of the node's streams
	table  *command.Table
}

func startStreams(t *testing.T) *streams {
	t.Helper()
	name := fmt.Sprintf("badinput-%x", rand.Uint64())
	ports, err := freeport.Find(6)
	if err != nil {
		t.Fatal(err)
	}
	port := func(i int) string { return strconv.Itoa(ports[i]) }
	flags := func(i int) []string {
		return []string{
			"--isolated=false", "--cluster", name, "--name", fmt.Sprint("n", i), "--gossip-port", port(3 * i), "--actor-port", port(3*i + 1),
			"--stream-port", port(3*i + 2), "--join", "127.0.0.1:" + port(0), "--shards", "8",
		}
	}
	first := target.Start(t, target.Options{Args: append(flags(0), "--bootstrap-expect", "1")})
	t.Cleanup(first.Kill) // what it would hand over is of no use
	n := &node{Server: target.Start(t, target.Options{Args: flags(1)})}
	t.Cleanup(n.Kill)
	c, err := wire.Dial(n.Addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	n.watch = c
	s := &streams{node: n}
	await(t, "two nodes with shards", func() bool {
		s.status = session.ClusterStatus{}
		if json.Unmarshal(n.do(t, "TROUPE", "STATUS").Text, &s.status) != nil || len(s.status.Nodes) != 2 || len(s.status.Moves) > 0 {
			return false
		}
		return s.status.Nodes[0].Shards > 0 && s.status.Nodes[1].Shards > 0
	})
	s.port = s.status.Node(s.status.Self).StreamPort
	s.table = tableOf(t)
	n.rss = n.resident(t)
	return s
}

// tableOf returns the commands of a node of this source: who attacks has the program.
func tableOf(t *testing.T) *command.Table {
	t.Helper()
	cfg := gateway.DefaultConfig()
	cfg.Port, cfg.Logger = 0, slog.New(slog.DiscardHandler)
	g, err := gateway.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Stop()
	return g.Node.Table
}

// Kinds of frames, as a node reads them.
const (
	frameHello = iota + 1
	frameWelcome
	frameRequest
	frameOrder
	frameAnswer
	frameForsake
	frameUnwatch
	frameTell
	frameAsk
	frameReply
	frameRefused
	frameTold
)

func streamFrame(kind byte, id uint64, content []byte) []byte {
	body := append(binary.AppendUvarint([]byte{kind}, id), content...)
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// hello is what the other node says first.
func (s *streams) hello() []byte {
	var other session.NodeStatus
	for _, n := range s.status.Nodes {
		if n.Number != s.status.Self {
			other = n
		}
	}
	var b []byte
	for _, text := range []string{s.status.ID, other.ID} {
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	for _, v := range []uint64{uint64(other.Number), other.Incarnation, uint64(s.status.Self), streamwire.Fingerprint(s.table)} {
		b = binary.AppendUvarint(b, v)
	}
	return streamFrame(frameHello, 1, b)
}

// attack connects to the port for streams.
func (s *streams) attackStream(t *testing.T) *attacker {
	t.Helper()
	c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	a := &attacker{TCPConn: c.(*net.TCPConn), t: t}
	return a
}

// frame reads a frame.
func (a *attacker) frame() (kind byte, id uint64, content []byte) {
	a.t.Helper()
	var head [4]byte
	if _, err := io.ReadFull(a.TCPConn, head[:]); err != nil {
		a.t.Fatal("no frame: ", err)
	}
	body := make([]byte, binary.LittleEndian.Uint32(head[:]))
	if _, err := io.ReadFull(a.TCPConn, body); err != nil {
		a.t.Fatal("half a frame: ", err)
	}
	id, n := binary.Uvarint(body[1:])
	return body[0], id, body[1+n:]
}

// intrude says hello as the other node.
func (s *streams) intrude(t *testing.T) *attacker {
	t.Helper()
	a := s.attackStream(t)
	a.send(s.hello())
	if kind, _, why := a.frame(); kind != frameWelcome || len(why) > 0 {
		t.Fatalf("frame %d: %s", kind, why)
	}
	return a
}

// ended sends the last bytes and waits for the node to close the connection.
func (a *attacker) ended(b []byte) {
	a.t.Helper()
	a.send(b)
	_ = a.CloseWrite() // the node may have closed it already
	if _, err := io.Copy(io.Discard, a.TCPConn); err != nil && strings.Contains(err.Error(), "timeout") {
		a.t.Error("the node neither answers nor closes")
	}
	a.Close()
}

// own returns a key of the node under attack, and its shard's epoch.
func (s *streams) own(which int) (key string, epoch uint64) {
	slots := directory.Even(len(s.status.Shards))
	for i := 0; ; i++ {
		key = fmt.Sprintf("k%d.%d", which, i)
		if sh := s.status.Shards[slots.Shard(slot.Of([]byte(key)))]; sh.Owner == s.status.Self {
			return key, sh.Epoch
		}
	}
}

// request is a command on one key as a frame.
func (s *streams) request(id, epoch uint64, words ...string) []byte {
	r := streamwire.Request{Cmd: s.table.Lookup([]byte(words[0])), Proto: 2, Epoch: epoch}
	for _, w := range words {
		r.Args = append(r.Args, []byte(w))
	}
	r.Slot = slot.Of(r.Args[r.Cmd.KeyPos])
	return streamFrame(frameRequest, id, streamwire.AppendRequest([]byte{0}, &r))
}

// checkStreams is check, and that the nodes still speak to each other: DBSIZE asks all.
func (s *streams) checkStreams(t *testing.T) {
	t.Helper()
	if v := s.do(t, "MSET", "a", "1", "b", "2", "c", "3", "d", "4"); v.Kind != wire.Simple {
		t.Errorf("MSET was answered with %s", v.Format())
	}
	if v := s.do(t, "DBSIZE"); v.Kind != wire.Int {
		t.Errorf("DBSIZE was answered with %s", v.Format())
	}
	s.check(t)
}

// TestStreams attacks the port on which nodes speak to each other.
func TestStreams(t *testing.T) {
	s := startStreams(t)
	t.Run("strangers", s.strangers)
	t.Run("old epochs", s.oldEpochs)
	t.Run("intruders", s.intruders)
	t.Run("announcements", s.announcements)
	t.Run("log", s.logged)
}

func (s *streams) strangers(t *testing.T) {
	defer s.checkStreams(t)
	r := rand.New(rand.NewPCG(1, 2))
	hello := s.hello()
	attacks := [][]byte{
		[]byte("*1\r\n$4\r\nPING\r\n"), []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), make([]byte, 1<<20), bytes.Repeat([]byte{0xff}, 1<<16),
		streamFrame(frameRequest, 1, nil), streamFrame(frameHello, 2, hello[6:]), append(bytes.Clone(hello), hello...),
	}
	for i := range hello {
		attacks = append(attacks, hello[:i])
		changed := bytes.Clone(hello)
		changed[i] ^= byte(1 + r.IntN(255))
		attacks = append(attacks, changed)
	}
	for range 200 {
		b := make([]byte, r.IntN(200))
		for i := range b {
			b[i] = byte(r.Uint32()) >> r.IntN(8)
		}
		attacks = append(attacks, b)
	}
	for _, b := range attacks {
		s.attackStream(t).ended(b)
	}
	// Who says nothing is not waited for.
	silent := s.attackStream(t)
	silent.send(hello[:10])
	if _, err := io.Copy(io.Discard, silent.TCPConn); err != nil && strings.Contains(err.Error(), "timeout") {
		t.Error("a silent stranger is waited for")
	}
}

// A request under an old epoch comes back as it was, and nothing is done.
func (s *streams) oldEpochs(t *testing.T) {
	defer s.checkStreams(t)
	key, epoch := s.own(1)
	a := s.intrude(t)
	if epoch < 2 {
		t.Fatalf("a shard that has come from another node has epoch %d", epoch)
	}
	for _, wrong := range []uint64{epoch - 1, epoch + 1, 1 << 63} {
		sent := s.request(wrong, wrong, "SET", key, "x")
		a.send(sent)
		kind, id, content := a.frame()
		if kind != frameRefused || id != wrong || !bytes.HasSuffix(sent, content) || len(content) < 10 {
			t.Errorf("epoch %d: frame %d, identity %d, %q", wrong, kind, id, content)
		}
	}
	if v := s.do(t, "EXISTS", key); string(v.Text) != "0" {
		t.Errorf("EXISTS is answered with %s", v.Format())
	}
}

// What is well begun ends in nonsense: each stream has its own end, and no more.
func (s *streams) intruders(t *testing.T) {
	defer s.checkStreams(t)
	r := rand.New(rand.NewPCG(3, 4))
	key, epoch := s.own(2)
	good := s.request(1, epoch, "SET", key, "x")
	for i := 4; i < len(good); i++ {
		changed := bytes.Clone(good)
		changed[i] ^= byte(1 + r.IntN(255))
		s.intrude(t).ended(changed)
		s.intrude(t).ended(good[:i])
	}
	for kind := range byte(frameTold + 3) {
		for range 20 {
			b := make([]byte, r.IntN(100))
			for i := range b {
				b[i] = byte(r.Uint32()) >> r.IntN(8)
			}
			s.intrude(t).ended(streamFrame(kind, uint64(r.IntN(5)), b))
		}
	}
	// A replayed stream is another stream: what it asks for is done again, in order.
	s.do(t, "DEL", key)
	for range 3 {
		a := s.intrude(t)
		a.ended(bytes.Repeat(s.request(1, epoch, "INCR", key), 10))
	}
	if v := s.do(t, "GET", key); string(v.Text) != "30" {
		t.Errorf("GET is answered with %s", v.Format())
	}
}

// Memory follows what arrives.
func (s *streams) announcements(t *testing.T) {
	defer s.checkStreams(t)
	var open []*attacker
	for range 200 {
		a := s.intrude(t)
		a.send(binary.LittleEndian.AppendUint32(nil, 1<<30))
		a.send(append([]byte{frameRequest, 1}, make([]byte, 1000)...))
		open = append(open, a)
	}
	s.checkStreams(t)
	for _, a := range open {
		a.reset()
	}
}

// All of this is logged once a second at most.
func (s *streams) logged(t *testing.T) {
	seconds := map[string]int{}
	for line := range strings.Lines(s.Log()) {
		if strings.Contains(line, "refused a stream") {
			_, after, _ := strings.Cut(line, "time=")
			second, _, _ := strings.Cut(after, ".")
			seconds[second]++
		}
	}
	if len(seconds) == 0 {
		t.Error("nothing is logged")
	}
	for second, n := range seconds {
		if n > 2 { // the seconds of the node's clock are not those between two lines
			t.Errorf("%d refusals are logged in the second %s", n, second)
		}
	}
}
