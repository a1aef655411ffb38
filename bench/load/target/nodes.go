package target

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Launch is how a node of a cluster under test is started.
type Launch struct {
	// Program is the file to run.
	Program string
	// Args are its arguments, in which {port}, {gossip-port}, {actor-port},
	// {stream-port} and {dir} stand for what the node is given.
	Args []string
	// First are further arguments of the first node.
	First []string
	// Join are further arguments of all others; {first} is the first node's
	// gossip port.
	Join []string
}

// nodesStart is how long the nodes may take to find each other and to share the
// shards, for each of them.
const nodesStart = 30 * time.Second

// StartNodes starts a cluster of n nodes on free ports of the loopback and
// attaches to it once each of them owns slots and every one knows.
func StartNodes(ctx context.Context, name string, l Launch, n int) (*Started, error) {
	const portsEach = 4
	ports, err := freePorts(portsEach * n)
	if err != nil {
		return nil, err
	}
	s := &Started{}
	for i := range n {
		if err := s.launch(ctx, l, ports[portsEach*i:], ports[1]); err != nil {
			return nil, errors.Join(err, s.Stop())
		}
	}
	if err := s.agree(ctx, n, nodesStart*time.Duration(n)); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	if err := s.attach(ctx, name); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// launch starts the next node and waits until it serves.
func (s *Started) launch(ctx context.Context, l Launch, ports []string, first string) error {
	dir, err := temporary()
	if err != nil {
		return err
	}
	further := l.Join
	if len(s.programs) == 0 {
		further = l.First
	}
	fill := strings.NewReplacer("{port}", ports[0], "{gossip-port}", ports[1], "{actor-port}", ports[2],
		"{stream-port}", ports[3], "{dir}", dir, "{first}", first)
	var args []string
	for _, a := range append(append([]string(nil), l.Args...), further...) {
		args = append(args, fill.Replace(a))
	}
	p, err := start("node", loopback(ports[0]), dir, l.Program, args...)
	if err != nil {
		return err
	}
	s.programs = append(s.programs, p)
	return p.answers(ctx)
}
