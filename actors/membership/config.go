package membership

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/serf"
)

const (
	// DefaultPort is where gossip ports begin, and the port of an address that
	// names none.
	DefaultPort = 7946
	// PortSpan is how many gossip ports, from the first on, nodes on one machine
	// take and look for each other at. It ends before 8000, where people run other
	// things.
	PortSpan = 48

	// maxName bounds the names of nodes, clusters and zones: what a node says of
	// itself must fit the 512 bytes that serf has for it.
	maxName = 64
	// hexID is the length of the identities of nodes and clusters.
	hexID = 40
)

// Config is how a node takes part.
type Config struct {
	// Name is the node's name, its own in the cluster: letters, digits, '-', '.' and '_'.
	Name string
	// Bind is the address to listen on, "": loopback only. Port is the gossip port,
	// 0: the next free one from BasePort on.
	Bind string
	Port int
	// BasePort is where the search begins, 0: DefaultPort.
	BasePort int
	// Advertise is host or host:port at which others reach this node, "": where it listens.
	Advertise string
	// Key encrypts gossip: 16, 24 or 32 bytes, none: not encrypted.
	Key []byte
	// Cluster is the cluster's name, ClusterID its identity, "": not known yet.
	Cluster, ClusterID string
	// ID is the node's identity, Incarnation another at each start of the process.
	ID          string
	Incarnation uint64
	// What else others are told.
	ClientPort, ActorPort, StreamPort int
	Zone                              string
	// Isolated: this node joins nobody, and nobody joins it.
	Isolated bool
	Logger   *slog.Logger
	// OnChange is given the whole list whenever it has changed, the newest only, in
	// order, always from the same goroutine. It must not call Shutdown.
	OnChange func([]Member)
	Timing   Timing
}

// Timing is what tests shorten. Zero values stand for what a node uses.
type Timing struct {
	// Reap is how long a failed or left member is remembered, ReapEvery how often
	// that is looked at.
	Reap, ReapEvery time.Duration
	// Rejoin is how often known members that are not alive are called.
	Rejoin time.Duration
	// Patience is how long a port that answers nothing sensible may be a node that
	// is only slow, when nodes on one machine look for each other.
	Patience time.Duration
}

const (
	// probeInterval, probeTimeout and the suspicion below make a dead member failed
	// in about a second, while one that stood still for half a second is in time to
	// deny it.
	probeInterval     = 200 * time.Millisecond
	probeTimeout      = 100 * time.Millisecond
	suspicionMult     = 4
	suspicionMaxTimes = 2
	gossipInterval    = 100 * time.Millisecond
	// awarenessMax bounds how much slower a node judges that is itself in trouble.
	awarenessMax = 4
	// syncInterval is between exchanges of all that is known with one member.
	syncInterval = 10 * time.Second
	// streamTimeout bounds connecting, and an exchange over a stream.
	streamTimeout = 3 * time.Second
	// broadcastTimeout and leavePropagation bound Leave, and SetClusterID.
	broadcastTimeout = time.Second
	leavePropagation = 300 * time.Millisecond
	// bindPatience is how long a port that was asked for may still be somebody
	// else's: the process before, or a node that holds it while it founds a cluster.
	bindPatience = 2 * time.Second
)

func (t Timing) withDefaults() Timing {
	return Timing{
		Reap:      cmp.Or(t.Reap, 24*time.Hour),
		ReapEvery: cmp.Or(t.ReapEvery, 15*time.Second),
		Rejoin:    cmp.Or(t.Rejoin, 5*time.Second),
		Patience:  cmp.Or(t.Patience, 2*time.Second),
	}
}

// complete checks the configuration and fills in what was left out.
func (c Config) complete() (Config, error) {
	c.Timing = c.Timing.withDefaults()
	c.Bind = cmp.Or(c.Bind, "127.0.0.1")
	c.BasePort = cmp.Or(c.BasePort, DefaultPort)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	var err error
	if c.Bind, err = resolveOne(c.Bind); err != nil {
		return c, fmt.Errorf("the address to listen on: %w", err)
	}
	switch {
	case !plainName(c.Name):
		return c, fmt.Errorf("the node's name %q: %w", c.Name, errName)
	case !plainName(c.Cluster):
		return c, fmt.Errorf("the cluster's name %q: %w", c.Cluster, errName)
	case c.Zone != "" && !plainName(c.Zone):
		return c, fmt.Errorf("the zone %q: %w", c.Zone, errName)
	case !isHexID(c.ID):
		return c, fmt.Errorf("the node's identity %q: want %d hexadecimal digits", c.ID, hexID)
	case c.ClusterID != "" && !isHexID(c.ClusterID):
		return c, fmt.Errorf("the cluster's identity %q: want %d hexadecimal digits", c.ClusterID, hexID)
	case len(c.Key) > 0 && memberlist.ValidateKey(c.Key) != nil:
		return c, fmt.Errorf("a gossip key has 16, 24 or 32 bytes, this one %d", len(c.Key))
	case c.Port < 0 || c.Port > 65535 || c.BasePort < 1 || c.BasePort+PortSpan > 65536:
		return c, fmt.Errorf("%d is no port", c.Port)
	}
	return c, nil
}

var errName = errors.New("want 1 to 64 letters, digits, '-', '.' or '_'")

func plainName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '.', r == '_':
		default:
			return false
		}
	}
	return true
}

func isHexID(s string) bool {
	return len(s) == hexID && strings.Trim(s, "0123456789abcdef") == ""
}

// resolveOne returns host as an address.
func resolveOne(host string) (string, error) {
	if ip := net.ParseIP(host); ip != nil {
		return host, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), streamTimeout)
	defer cancel()
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return "", fmt.Errorf("resolve %q: %w", host, err)
	}
	return ips[0].IP.String(), nil
}

// serfConfig returns serf's configuration of a node that listens on transport.
func (c Config) serfConfig(port int, transport memberlist.Transport, logger *log.Logger) (*serf.Config, error) {
	conf := serf.DefaultConfig()
	conf.Init()
	conf.NodeName = c.Name
	conf.Logger = logger
	conf.LogOutput = nil
	conf.BroadcastTimeout = broadcastTimeout
	conf.LeavePropagateDelay = leavePropagation
	conf.ReapInterval = c.Timing.ReapEvery
	conf.ReconnectTimeout = c.Timing.Reap
	conf.TombstoneTimeout = c.Timing.Reap
	// Calling those who are away is ours (rejoin.go), which knows more of them; and
	// serf's way to settle a conflict of names is to stop one of the nodes.
	conf.ReconnectInterval = 24 * time.Hour
	conf.EnableNameConflictResolution = false
	conf.DisableCoordinates = true

	m := conf.MemberlistConfig
	m.Transport = transport
	m.Logger = logger
	m.LogOutput = nil
	m.BindAddr, m.BindPort = c.Bind, port
	m.AdvertisePort = port
	m.SecretKey = c.Key
	m.ProbeInterval, m.ProbeTimeout = probeInterval, probeTimeout
	m.SuspicionMult, m.SuspicionMaxTimeoutMult = suspicionMult, suspicionMaxTimes
	m.AwarenessMaxMultiplier = awarenessMax
	m.GossipInterval = gossipInterval
	m.PushPullInterval = syncInterval
	m.TCPTimeout = streamTimeout
	m.GossipToTheDeadTime = min(m.GossipToTheDeadTime, c.Timing.Reap)
	// A failed member's name may be taken by another address at once: a process
	// comes back where it finds free ports.
	m.DeadNodeReclaimTime = time.Nanosecond
	m.EnableCompression = false // a list of members is small
	if c.Advertise == "" {
		return conf, nil
	}
	host, sport, err := net.SplitHostPort(c.Advertise)
	if err != nil {
		host, sport = c.Advertise, strconv.Itoa(port)
	}
	if m.AdvertiseAddr, err = resolveOne(strings.Trim(host, "[]")); err != nil {
		return nil, fmt.Errorf("the address to advertise: %w", err)
	}
	if m.AdvertisePort, err = strconv.Atoi(sport); err != nil || m.AdvertisePort < 1 || m.AdvertisePort > 65535 {
		return nil, fmt.Errorf("the address to advertise %q: no port", c.Advertise)
	}
	return conf, nil
}
