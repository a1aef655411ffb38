package target

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Launch is how each node of a cluster under test is started.
type Launch struct {
	// Program is the file to run.
	Program string
	// Args are its arguments, in which {port}, {gossip-port}, {actor-port},
	// {stream-port} and {dir} stand for what the node is given, {join} for the
	// gossip addresses of all nodes with commas, and {nodes} for their number.
	Args []string
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
	var join []string
	for i := range n {
		join = append(join, loopback(ports[portsEach*i+1]))
	}
	s := &Started{}
	for i := range n {
		if err := s.launch(l, ports[portsEach*i:], join); err != nil {
			return nil, errors.Join(err, s.Stop())
		}
	}
	limit := nodesStart * time.Duration(n)
	if err := s.agree(ctx, n, limit); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	if err := s.settle(ctx, limit); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	if err := s.attach(ctx, name); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// quiet is how long no slot may have changed its owner for all to be where they stay: of
// shards that are empty many move in a second.
const quiet = 2 * time.Second

// settle waits until all nodes have said for a while that each slot has the same owner.
// Else clients that asked for the owners would soon be wrong about them.
func (s *Started) settle(ctx context.Context, limit time.Duration) error {
	var last *SlotMap
	var since time.Time
	return s.programs[0].await(ctx, limit, func(ctx context.Context) error {
		for _, p := range s.programs {
			m, err := Endpoint{Addr: p.addr}.Slots(ctx)
			if err != nil {
				return err
			}
			if last == nil || !m.equal(last) {
				last, since = m, time.Now()
			}
		}
		if time.Since(since) < quiet {
			return errors.New("slots are still moving")
		}
		return nil
	})
}

// launch starts the next node. It may serve nobody before the others are there.
func (s *Started) launch(l Launch, ports, join []string) error {
	dir, err := temporary()
	if err != nil {
		return err
	}
	fill := strings.NewReplacer("{port}", ports[0], "{gossip-port}", ports[1], "{actor-port}", ports[2],
		"{stream-port}", ports[3], "{dir}", dir, "{join}", strings.Join(join, ","), "{nodes}", strconv.Itoa(len(join)))
	var args []string
	for _, a := range l.Args {
		args = append(args, fill.Replace(a))
	}
	p, err := start("node", loopback(ports[0]), dir, l.Program, args...)
	if err != nil {
		return err
	}
	s.programs = append(s.programs, p)
	return nil
}
