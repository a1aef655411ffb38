package membership

import (
	"encoding/binary"
	"flag"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// badPackets is how many bad packets are sent; more in a hunt:
//
//	go test -run TestBadInput ./actors/membership -bad-packets 1000000
var badPackets = flag.Int("bad-packets", 10_000, "bad packets and streams sent by TestBadInput")

// tap stands between two nodes and keeps what goes by, over UDP and TCP.
type tap struct {
	port    int
	to      string
	mu      sync.Mutex
	packets [][]byte
	streams [][]byte
}

func newTap(t *testing.T, port int, to string) *tap {
	t.Helper()
	p := &tap{port: port, to: to}
	at := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	udp, err := net.ListenPacket("udp", at)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = udp.Close(); _ = tcp.Close() })
	go p.relayPackets(udp)
	go p.relayStreams(tcp)
	return p
}

func (p *tap) relayPackets(udp net.PacketConn) {
	to, _ := net.ResolveUDPAddr("udp", p.to)
	buf := make([]byte, 65536)
	for {
		n, _, err := udp.ReadFrom(buf)
		if err != nil {
			return
		}
		p.keep(&p.packets, buf[:n])
		_, _ = udp.WriteTo(buf[:n], to)
	}
}

func (p *tap) relayStreams(tcp net.Listener) {
	for {
		in, err := tcp.Accept()
		if err != nil {
			return
		}
		go func() {
			defer in.Close()
			out, err := net.Dial("tcp", p.to)
			if err != nil {
				return
			}
			defer out.Close()
			go func() {
				var all []byte
				buf := make([]byte, 65536)
				for {
					n, err := in.Read(buf)
					all = append(all, buf[:n]...)
					_, _ = out.Write(buf[:n])
					if err != nil {
						p.keep(&p.streams, all)
						return
					}
				}
			}()
			_, _ = io.Copy(in, out)
		}()
	}
}

func (p *tap) keep(where *[][]byte, b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(*where) < 200 {
		*where = append(*where, append([]byte(nil), b...))
	}
}

func (p *tap) seen() (packets, streams [][]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.packets, p.streams
}

// TestBadInput: random bytes, and what nodes really said, truncated, changed and
// replayed, over UDP and TCP, with and without encryption. Nothing panics, the
// members stay as they are, what was not understood is counted, and logged seldom.
func TestBadInput(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "0123456789abcdef"} {
		base := freeBase(t)
		said := &logs{}
		c := config(t, base, "a")
		c.Key, c.Logger = []byte(key), said.logger()
		a := start(t, c)
		// b is known to a by the tap's address, so what a tells it goes by there.
		c = config(t, base, "b")
		c.Key, c.Logger, c.Port, c.Advertise = []byte(key), said.logger(), base+1, net.JoinHostPort("127.0.0.1", strconv.Itoa(base+2))
		tap := newTap(t, base+2, net.JoinHostPort("127.0.0.1", strconv.Itoa(base+1)))
		b := start(t, c)
		if err := a.Join([]string{net.JoinHostPort("127.0.0.1", strconv.Itoa(tap.port))}); err != nil {
			t.Fatal(err)
		}
		until(t, a, "b", alive(b))
		eventually(t, "packets and streams go by", func() bool {
			packets, streams := tap.seen()
			return len(packets) > 5 && len(streams) > 0
		})
		begun := time.Now()
		packets, streams := tap.seen()
		sendBad(t, b.conf.Port, packets, streams, *badPackets/2)
		// A machine that has no time for the receiver loses most of a flood: then more
		// is sent.
		for end := time.Now().Add(patience); b.Stats().BadInput < uint64(*badPackets)/20; {
			if time.Now().After(end) {
				t.Errorf("%d bad packets were counted", b.Stats().BadInput)
				break
			}
			sendBad(t, b.conf.Port, packets, streams, *badPackets/20)
		}
		until(t, a, "b", alive(b))
		until(t, b, "a", alive(a))
		if n, most := strings.Count(said.String(), "level=WARN"), 2+int(time.Since(begun)/warnEvery); n > most {
			t.Errorf("%d warnings in %v:\n%s", n, time.Since(begun), said)
		}
	}
}

// sendBad sends count bad things to a gossip port, most of them packets.
func sendBad(t *testing.T, port int, packets, streams [][]byte, count int) {
	t.Helper()
	to := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	udp, err := net.Dial("udp", to)
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	r := rand.New(rand.NewPCG(1, uint64(port)))
	for i := range count {
		if i%50 != 0 {
			_, _ = udp.Write(spoil(r, packets))
			if i%200 == 1 {
				time.Sleep(time.Millisecond) // the socket's buffer is finite
			}
			continue
		}
		tcp, err := net.Dial("tcp", to)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = tcp.Write(spoil(r, streams))
		_ = tcp.(*net.TCPConn).CloseWrite()
		_ = tcp.SetReadDeadline(time.Now().Add(patience))
		_, _ = io.Copy(io.Discard, tcp)
		_ = tcp.Close()
	}
}

// spoil returns random bytes, or one of the real ones as it was or worse.
func spoil(r *rand.Rand, from [][]byte) []byte {
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	b := append([]byte(nil), from[r.IntN(len(from))]...)
	switch r.IntN(6) {
	case 0:
		return random(1 + r.IntN(300))
	case 1: // a message type that exists, and nonsense
		b = random(2 + r.IntN(100))
		b[0] = byte(r.IntN(15))
		return b
	case 2:
		return b[:r.IntN(len(b)+1)]
	case 3: // some bytes are others
		for range 1 + r.IntN(4) {
			b[r.IntN(len(b))] = byte(r.Uint32())
		}
		return b
	case 4: // a length is another
		if at := r.IntN(len(b)); at+4 <= len(b) {
			binary.BigEndian.PutUint32(b[at:], r.Uint32())
		}
		return b
	default:
		return b // replayed
	}
}
