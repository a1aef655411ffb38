package robustness

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// proxyHost is where nodes behind a proxy are reached, at the ports that they have on
// their own address: their flags tell apart the hosts of the two, not the ports.
const proxyHost = "127.0.0.2"

// link is one direction between two nodes.
type link struct{ from, to *node }

// flow is what goes along a link to one of the ports "gossip", "control" and "data",
// or comes back from it.
type flow struct {
	link
	port string
}

// proxy is a network of the test's own, for machines that refuse to make one. All that
// nodes say to each other goes through it. A cut holds TCP back as a network does that
// loses every packet: nothing arrives, nobody is told, and what was sent before one
// end gave up arrives late. What it cannot do is to leave the call of a connection
// unanswered: who calls is known only afterwards. Such a connection hangs from there
// on.
type proxy struct {
	t       *testing.T
	sockets map[*node]*net.UDPConn   // where its packets arrive
	senders map[netip.AddrPort]*node // by where their packets come from
	running sync.WaitGroup

	mu      sync.Mutex
	changed sync.Cond // cuts or ended
	ended   bool
	cuts    map[link]bool
	passed  map[flow]int // bytes
	pids    map[*node]int
	open    map[io.Closer]bool
}

// behindProxy puts the nodes of a cluster, which have not been started yet, behind a
// proxy.
func behindProxy(t *testing.T, c *cluster) network {
	t.Helper()
	p := &proxy{
		t: t, sockets: map[*node]*net.UDPConn{}, senders: map[netip.AddrPort]*node{},
		cuts: map[link]bool{}, passed: map[flow]int{}, pids: map[*node]int{}, open: map[io.Closer]bool{},
	}
	p.changed.L = &p.mu
	t.Cleanup(p.end)
	c.flags = append(c.flags, "--advertise", proxyHost)
	c.join = nil
	for _, n := range c.nodes {
		c.join = append(c.join, proxied(n.gossip))
		n.started = func(n *node) {
			p.mu.Lock()
			p.pids[n] = n.cmd.Process.Pid
			p.mu.Unlock()
		}
		l, err := net.ListenPacket("udp4", proxied(n.gossip))
		if err != nil {
			t.Fatal(err)
		}
		p.sockets[n] = l.(*net.UDPConn)
		p.senders[netip.MustParseAddrPort(n.gossipAddr())] = n
		p.keep(l)
	}
	for _, n := range c.nodes {
		p.running.Go(func() { p.carryPackets(n) })
		for port, number := range map[string]int{"gossip": n.gossip, "control": n.actor, "data": n.stream} {
			l, err := net.Listen("tcp4", proxied(number))
			if err != nil {
				t.Fatal(err)
			}
			p.keep(l)
			p.running.Go(func() { p.accept(l, n, port, number) })
		}
	}
	return p
}

func proxied(port int) string { return net.JoinHostPort(proxyHost, strconv.Itoa(port)) }

// keep closes c with the proxy, at once if that has ended.
func (p *proxy) keep(c io.Closer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[c] = true
	if p.ended {
		_ = c.Close()
	}
}

func (p *proxy) drop(c io.Closer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
	_ = c.Close()
}

// end waits until nothing of the proxy is left.
func (p *proxy) end() {
	p.mu.Lock()
	p.ended = true
	for c := range p.open {
		_ = c.Close()
	}
	p.changed.Broadcast()
	p.mu.Unlock()
	p.running.Wait()
}

func (p *proxy) cut(from *node, to ...*node) { p.set(true, from, to) }

func (p *proxy) heal(from *node, to ...*node) { p.set(false, from, to) }

// set cuts or heals. A cut of what never came this way would show nothing.
func (p *proxy) set(cut bool, from *node, to []*node) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range to {
		l := link{from, n}
		p.cuts[l] = cut
		for _, port := range []string{"gossip", "control", "data"} {
			if p.passed[flow{l, port}] == 0 {
				p.t.Errorf("of what %s says to %s, no %s has come through the proxy", from.name, n.name, port)
			}
		}
	}
	p.changed.Broadcast()
}

// carryPackets takes the packets for a node. Each comes from its sender's gossip port,
// and reaches the node from where that is reached.
func (p *proxy) carryPackets(to *node) {
	buf := make([]byte, 64<<10)
	bound := netip.MustParseAddrPort(to.gossipAddr())
	for {
		size, addr, err := p.sockets[to].ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		from := p.senders[addr]
		if from != nil && p.lets(flow{link{from, to}, "gossip"}, size) {
			_, _ = p.sockets[from].WriteToUDPAddrPort(buf[:size], bound) // the network may lose it
		}
	}
}

// lets tells whether a packet gets through, and counts it then.
func (p *proxy) lets(f flow, size int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cuts[f.link] {
		return false
	}
	p.passed[f] += size
	return true
}

func (p *proxy) accept(l net.Listener, to *node, port string, number int) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() {
			p.keep(in)
			defer p.drop(in)
			p.connect(in.(*net.TCPConn), to, port, number)
		})
	}
}

// connect carries one connection to a node. Its beginning needs both directions, as a
// handshake does; one that was given up before never was.
func (p *proxy) connect(in *net.TCPConn, to *node, port string, number int) {
	from := p.caller(in)
	there, back := flow{link{from, to}, port}, flow{link{to, from}, port}
	if from == nil || !p.pass(there, 0) || !p.pass(back, 0) || p.caller(in) != from {
		reset(in)
		return
	}
	c, err := net.DialTimeout("tcp4", net.JoinHostPort(to.host, strconv.Itoa(number)), limit)
	if err != nil {
		reset(in)
		return
	}
	p.keep(c)
	defer p.drop(c)
	out := c.(*net.TCPConn)
	var both sync.WaitGroup
	both.Go(func() { p.pump(out, in, there, back) })
	both.Go(func() { p.pump(in, out, back, there) })
	both.Wait()
}

// pump carries what is said from src to dst, and how it ends.
func (p *proxy) pump(dst, src *net.TCPConn, along, back flow) {
	buf := make([]byte, 64<<10)
	for {
		size, err := src.Read(buf)
		if !p.pass(along, size) {
			return
		}
		if _, failed := dst.Write(buf[:size]); failed != nil {
			if p.pass(back, 0) {
				reset(src)
			}
			return
		}
		switch {
		case errors.Is(err, io.EOF):
			_ = dst.CloseWrite()
			return
		case err != nil:
			reset(dst)
			return
		}
	}
}

// pass waits until bytes get through, and counts them then; not if the proxy ends.
func (p *proxy) pass(f flow, size int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.cuts[f.link] && !p.ended {
		p.changed.Wait()
	}
	p.passed[f] += size
	return !p.ended
}

// reset closes a connection as one that is not there any more.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// caller returns the node whose process has the other end of a connection, nil: none
// has. Its address does not tell, as nodes call from any port.
func (p *proxy) caller(c *net.TCPConn) *node {
	p.mu.Lock()
	pids := maps.Clone(p.pids)
	p.mu.Unlock()
	socket := socketOf(c.RemoteAddr(), c.LocalAddr())
	for n, pid := range pids {
		if holds(pid, socket) {
			return n
		}
	}
	return nil
}

// socketOf names the socket of a TCP connection of this machine, as the folders of
// the files that processes have open do, "": there is none.
func socketOf(local, remote net.Addr) string {
	const localField, remoteField, inodeField = 1, 2, 9
	want := []string{procAddr(local), procAddr(remote)}
	// The table may change while it is read, and then an entry may be missed.
	for range 3 {
		table, err := os.ReadFile("/proc/net/tcp")
		if err != nil {
			return ""
		}
		for line := range strings.Lines(string(table)) {
			f := strings.Fields(line)
			if len(f) > inodeField && f[localField] == want[0] && f[remoteField] == want[1] {
				return "socket:[" + f[inodeField] + "]"
			}
		}
	}
	return ""
}

// procAddr writes an address as /proc/net/tcp does: a word of the machine in
// hexadecimal digits, and the port.
func procAddr(a net.Addr) string {
	at := a.(*net.TCPAddr)
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(at.IP.To4()), at.Port)
}

// holds tells whether a process has a file open.
func holds(pid int, name string) bool {
	folder := fmt.Sprintf("/proc/%d/fd/", pid)
	files, _ := os.ReadDir(folder) // nothing, if it has ended
	return slices.ContainsFunc(files, func(f os.DirEntry) bool {
		link, err := os.Readlink(folder + f.Name())
		return err == nil && link == name
	})
}
