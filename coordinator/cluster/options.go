package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/actors/system"
	"github.com/troupedb/troupe/actors/transport"
	"github.com/troupedb/troupe/coordinator/catalog"
)

// Options say how a node becomes a member.
type Options struct {
	// Name is the node's own in the cluster, Cluster the cluster's.
	Name, Cluster, Zone string
	// Bind is the address that the node's own ports listen on, Host the one at which
	// others reach it.
	Bind, Host string
	// ClientPort and StreamPort are listened on already. Of the others 0 is the next
	// free one from the usual one on.
	ClientPort, StreamPort, GossipPort, ActorPort int
	// Dir holds the node's identity and its part of the catalog, "": both are gone
	// when the process ends.
	Dir string
	// Join are addresses of nodes to join. Expect is how many nodes must be there
	// before a cluster is founded, where some are to be joined; 0: none ever is.
	Join   []string
	Expect int
	// GossipKey and TLS encrypt what goes between nodes.
	GossipKey []byte
	TLS       *transport.TLS
	// Shards is how many a cluster has that this node founds.
	Shards int
	System *system.System
	Logger *slog.Logger
	// Progress is told, in words for a person, what is being waited for.
	Progress func(string)

	basePort int // where gossip ports begin, 0: where they usually do; for tests
}

// Hooks are what a member does as the catalog says. Each is called from one
// goroutine at a time. Those that are nil are of no interest.
type Hooks struct {
	// Follow is given newer and newer directories, not each one. Their leaders and
	// voters are not kept up to date: see Cluster.Directory.
	Follow func(*directory.Directory)
	// Suspect is told whether a member is taken not to answer.
	Suspect func(n directory.Number, suspected bool)
	// Serve is told until when the node may serve its shards, as it stands.
	Serve func(until time.Time)
	// Loads returns what there is in the shards of this node, Moves how far those
	// are that it moves to others.
	Loads func() []catalog.ShardLoad
	Moves func() []Move
	// Settings is given the cluster's settings when they have changed, and at first.
	Settings func(pairs []string)
	// Flushed is told that all scripts are to be forgotten.
	Flushed func()
}

// complete fills in what is of no interest.
func (h *Hooks) complete() {
	if h.Follow == nil {
		h.Follow = func(*directory.Directory) {}
	}
	if h.Suspect == nil {
		h.Suspect = func(directory.Number, bool) {}
	}
	if h.Serve == nil {
		h.Serve = func(time.Time) {}
	}
	if h.Loads == nil {
		h.Loads = func() []catalog.ShardLoad { return nil }
	}
	if h.Moves == nil {
		h.Moves = func() []Move { return nil }
	}
	if h.Flushed == nil {
		h.Flushed = func() {}
	}
	if h.Settings == nil {
		h.Settings = func([]string) {}
	}
}

// DefaultActorPort is where ports for control messages begin; several nodes on one
// machine take one after the other.
const (
	DefaultActorPort = 7950
	actorPortSpan    = 64
)

var errExpect = errors.New("--bootstrap-expect needs --join, the addresses of the nodes that are expected")

func (o *Options) check() error {
	switch {
	case o.Expect > 0 && len(o.Join) == 0:
		return errExpect
	case o.Expect < 0 || o.Expect > directory.MaxMembers:
		return fmt.Errorf("--bootstrap-expect %d: a cluster has 1 to %d nodes", o.Expect, directory.MaxMembers)
	}
	if o.Shards < 1 || o.Shards > catalog.MaxShards {
		return fmt.Errorf("%d shards: a cluster has 1 to %d", o.Shards, catalog.MaxShards)
	}
	o.Name = cmp.Or(o.Name, nodeName(o.Host, o.ClientPort))
	return nil
}

// nodeName is the name of a node that was given none: a node that is started again
// on the same port is the same node.
func nodeName(host string, port int) string {
	clean := strings.Map(func(r rune) rune {
		if r == ':' || r == '%' {
			return '-'
		}
		return r
	}, host)
	return fmt.Sprintf("%s-%d", clean, port)
}

// OnLoopback tells whether nothing of the node's own leaves the machine.
func (o *Options) OnLoopback() bool {
	ip := net.ParseIP(o.Host)
	return ip != nil && ip.IsLoopback() || o.Host == "localhost"
}
