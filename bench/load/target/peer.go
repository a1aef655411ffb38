package target

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
)

// Started is a group whose servers this process started.
type Started struct {
	*Group
	programs []*program
}

// Stop ends the processes and removes their directories.
func (s *Started) Stop() error {
	if s.Group != nil {
		s.Close()
	}
	return stopAll(s.programs)
}

// attach waits until the servers answer and attaches to them.
func (s *Started) attach(ctx context.Context, name string) error {
	var endpoints []Endpoint
	for _, p := range s.programs {
		if err := p.answers(ctx); err != nil {
			return err
		}
		endpoints = append(endpoints, Endpoint{Addr: p.addr})
	}
	var err error
	s.Group, err = AttachGroup(ctx, name, endpoints, 0)
	return err
}

// StartPeer starts binary as a redis-server without persistence on a free port
// of the loopback, in a temporary directory of its own, and attaches to it.
func StartPeer(ctx context.Context, name, binary string, maxClients int) (*Started, error) {
	path, err := findRedis(binary)
	if err != nil {
		return nil, err
	}
	s := &Started{}
	if err := s.redis(path, 1, maxClients, false); err != nil {
		return nil, err
	}
	if err := s.attach(ctx, name); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func findRedis(binary string) (string, error) {
	path, err := exec.LookPath(binary)
	if err != nil {
		return "", fmt.Errorf("no %s for --peer: install redis-server (apt-get install redis-server) or leave out --peer (%w)", binary, err)
	}
	return path, nil
}

// redis starts n servers, which as members of a cluster get a second port.
func (s *Started) redis(path string, n, maxClients int, cluster bool) error {
	ports, err := freePorts(2 * n)
	if err != nil {
		return err
	}
	for i := range n {
		port, bus := ports[2*i], ports[2*i+1]
		dir, err := temporary()
		if err != nil {
			return errors.Join(err, stopAll(s.programs))
		}
		args := []string{"--port", port, "--bind", "127.0.0.1", "--dir", dir,
			"--save", "", "--appendonly", "no", "--daemonize", "no", "--maxclients", strconv.Itoa(maxClients)}
		if cluster {
			args = append(args, "--cluster-enabled", "yes", "--cluster-port", bus)
		}
		p, err := start("peer", loopback(port), dir, path, args...)
		if err != nil {
			return errors.Join(err, stopAll(s.programs))
		}
		p.bus = bus
		s.programs = append(s.programs, p)
	}
	return nil
}
