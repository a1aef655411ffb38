package target

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

const (
	// peerStart is how long a redis-server with nothing to load may take to answer.
	peerStart = 10 * time.Second
	// peerStop is how long it may take to end on SIGTERM with nothing to save.
	peerStop = 10 * time.Second
	// peerPoll is how often its first answer is looked for.
	peerPoll = 20 * time.Millisecond
)

// Peer is a redis-server that this process started.
type Peer struct {
	*Server
	cmd    *exec.Cmd
	dir    string
	output bytes.Buffer
	ended  chan struct{} // closed once the process has ended; output is whole then
}

// StartPeer starts binary as a redis-server without persistence on a free port
// of the loopback, in a temporary directory of its own, and attaches to it.
func StartPeer(ctx context.Context, binary string, maxClients int) (*Peer, error) {
	path, err := exec.LookPath(binary)
	if err != nil {
		return nil, fmt.Errorf("no %s for --peer: install redis-server (apt-get install redis-server) or leave out --peer (%w)", binary, err)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "troupe-bench-peer-")
	if err != nil {
		return nil, fmt.Errorf("making the peer's directory: %w", err)
	}
	p := &Peer{dir: dir, ended: make(chan struct{})}
	p.cmd = exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--dir", dir,
		"--save", "", "--appendonly", "no", "--daemonize", "no", "--maxclients", strconv.Itoa(maxClients))
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	if err := p.cmd.Start(); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("starting %s: %w", path, err)
	}
	go func() {
		defer close(p.ended)
		// The exit status of a server that is told to end says nothing more
		// than its output, which await reports when it ends too early.
		_ = p.cmd.Wait()
	}()
	if p.Server, err = p.await(ctx, net.JoinHostPort("127.0.0.1", port)); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// await attaches as soon as the process answers.
func (p *Peer) await(ctx context.Context, addr string) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, peerStart)
	defer cancel()
	for {
		s, err := Attach(ctx, "peer", Endpoint{Addr: addr}, p.cmd.Process.Pid)
		if err == nil {
			return s, nil
		}
		select {
		case <-p.ended:
			return nil, fmt.Errorf("the peer %s ended at once: %s", p.cmd.Path, bytes.TrimSpace(p.output.Bytes()))
		case <-ctx.Done():
			return nil, fmt.Errorf("the peer %s did not answer within %v: %w", p.cmd.Path, peerStart, err)
		case <-time.After(peerPoll):
		}
	}
}

// Stop ends the process and removes its directory.
func (p *Peer) Stop() error {
	if p.Server != nil {
		p.Server.Close()
	}
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	select {
	case <-p.ended:
	case <-time.After(peerStop):
		err = errors.Join(fmt.Errorf("the peer did not end within %v of SIGTERM and was killed", peerStop), p.cmd.Process.Kill())
		<-p.ended
	}
	return errors.Join(err, os.RemoveAll(p.dir))
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port for the peer: %w", err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
