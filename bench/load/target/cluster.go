package target

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/troupedb/troupe/shard/slot"
)

const (
	// clusterNodes is the size of the Redis Cluster that is started.
	clusterNodes = 3
	// clusterStart is how long its nodes may take to know each other: a few
	// rounds of gossip, one a second.
	clusterStart = 30 * time.Second
)

// StartCluster starts a Redis Cluster of three nodes without replicas or
// persistence on free ports of the loopback, in the way of
// `redis-cli --cluster create`: slots are dealt, the nodes meet, and the cluster
// is ready once every node says so.
func StartCluster(ctx context.Context, name, binary string, maxClients int) (*Started, error) {
	path, err := findRedis(binary)
	if err != nil {
		return nil, err
	}
	s := &Started{}
	if err := s.redis(path, clusterNodes, maxClients, true); err != nil {
		return nil, err
	}
	if err := s.form(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	if err := s.attach(ctx, name); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// form makes one cluster of the nodes.
func (s *Started) form(ctx context.Context) error {
	first := s.programs[0]
	for i, p := range s.programs {
		if err := p.answers(ctx); err != nil {
			return err
		}
		add := []string{"CLUSTER", "ADDSLOTS"}
		for n := slot.Count * i / clusterNodes; n < slot.Count*(i+1)/clusterNodes; n++ {
			add = append(add, strconv.Itoa(n))
		}
		commands := [][]string{add, {"CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i + 1)}}
		if i > 0 {
			host, port, err := net.SplitHostPort(first.addr)
			if err != nil {
				return fmt.Errorf("address %q: %w", first.addr, err)
			}
			commands = append(commands, []string{"CLUSTER", "MEET", host, port, first.bus})
		}
		if err := p.commands(ctx, commands); err != nil {
			return err
		}
	}
	return s.agree(ctx, clusterNodes, clusterStart)
}

// agree waits until every process says that the cluster is well and that all
// slots are owned by so many of its members.
func (s *Started) agree(ctx context.Context, owners int, limit time.Duration) error {
	for _, p := range s.programs {
		err := p.await(ctx, limit, func(ctx context.Context) error {
			c, err := Endpoint{Addr: p.addr}.control(ctx)
			if err != nil {
				return err
			}
			defer c.conn.Close()
			m, err := c.slots(p.addr)
			if err != nil {
				return err
			}
			if len(m.Nodes) != owners {
				return fmt.Errorf("%s knows of %d owners of slots, not of %d", p.addr, len(m.Nodes), owners)
			}
			info, err := c.do("CLUSTER", "INFO")
			if err == nil && !strings.Contains(info, "cluster_state:ok") {
				err = fmt.Errorf("%s does not call its cluster well", p.addr)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
