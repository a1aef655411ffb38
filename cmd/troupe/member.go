package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/troupedb/troupe/actors/transport"
	"github.com/troupedb/troupe/gateway"
)

// memberFlags say how a node takes part in a cluster.
type memberFlags struct {
	gateway.ClusterConfig
	isolated, insecure bool
	gossipKey          string
	cert, key, ca      string
	shards             int
}

func (m *memberFlags) add(f *pflag.FlagSet) {
	f.StringVar(&m.Cluster, "cluster", "troupe", "`name` of the cluster; nodes of other names are left alone")
	f.StringSliceVar(&m.Join, "join", nil, "`addresses` of nodes to join, host or host:gossip-port with commas between; all addresses\n"+
		"of a host are tried, again and again, until one answers; none: the nodes on this machine")
	f.IntVar(&m.Expect, "bootstrap-expect", 0, "found a cluster as soon as `n` nodes are there, of which all are told the same --join and n;\n"+
		"0: wait until there is a cluster to join")
	f.StringVar(&m.Name, "name", "", "the node's own `name` in the cluster (default its address and port)")
	f.StringVar(&m.Zone, "zone", "", "where the node is, a `name` of a rack or a data centre; shards are spread over zones")
	f.StringVar(&m.Dir, "dir", "", "`folder` for the node's identity and its part of the catalog, which are there again when it\n"+
		"is started again; none: both end with the process")
	f.IntVar(&m.shards, "shards", gateway.DefaultShards, "`number` of shards of a cluster that this node founds, 1 to 1024; it never changes")
	f.BoolVar(&m.isolated, "isolated", false, "join nobody, and let nobody join")
	under(f, "Cluster", "cluster", "join", "bootstrap-expect", "name", "zone", "dir", "shards", "isolated")

	f.StringVar(&m.Host, "advertise", "", "`address` at which other nodes, and clients, reach this one (default that of --bind)")
	f.IntVar(&m.GossipPort, "gossip-port", 0, "`port` of gossip, UDP and TCP (default the next free one from 7946 on)")
	f.IntVar(&m.ActorPort, "actor-port", 0, "`port` of messages that steer the cluster (default the next free one from 7950 on)")
	f.IntVar(&m.StreamPort, "stream-port", 0, "`port` of data between nodes (default any free one)")
	under(f, "Addresses between nodes", "advertise", "gossip-port", "actor-port", "stream-port")

	f.StringVar(&m.gossipKey, "gossip-key", "", "`key` of gossip: 16, 24 or 32 bytes in base64, the same on all nodes (openssl rand -base64 32)")
	f.StringVar(&m.cert, "tls-cert", "", "PEM `file` with this node's certificate, for its --advertise (if that is a name, for its address, too)")
	f.StringVar(&m.key, "tls-key", "", "PEM `file` with its private key")
	f.StringVar(&m.ca, "tls-ca", "", "PEM `file` with the authority that has signed the certificates of all nodes; files that are replaced\n"+
		"are read again")
	f.BoolVar(&m.insecure, "insecure", false, "let nodes speak in the clear over a network: only where nobody else can reach their ports")
	under(f, "Encryption between nodes", "gossip-key", "tls-cert", "tls-key", "tls-ca", "insecure")
}

var errKeys = errors.New("nodes that speak over a network need --gossip-key, --tls-cert, --tls-key and --tls-ca; " +
	"or give --insecure, if nobody else can reach the network")

// alone checks that a node which is to be alone is not told anything else.
func (m *memberFlags) alone() error {
	if len(m.Join) > 0 || m.Expect > 0 {
		return errors.New("--isolated: leave out --join and --bootstrap-expect, or --isolated")
	}
	return nil
}

func (m *memberFlags) check() error {
	for _, p := range []struct {
		flag string
		port int
	}{{"gossip-port", m.GossipPort}, {"actor-port", m.ActorPort}, {"stream-port", m.StreamPort}} {
		if p.port < 0 || p.port > 65535 {
			return fmt.Errorf("--%s %d: a port is a number from 1 to 65535, or 0 for one that is free", p.flag, p.port)
		}
	}
	if m.Expect > 0 && len(m.Join) == 0 {
		return errors.New("--bootstrap-expect: give --join, too, the addresses of the nodes that are expected")
	}
	return nil
}

// apply makes the node's configuration of the flags.
func (m *memberFlags) apply(cfg *gateway.Config, cmd *cobra.Command) error {
	cfg.Shards = m.shards
	if m.isolated {
		return m.alone()
	}
	if err := m.check(); err != nil {
		return err
	}
	c := m.ClusterConfig
	if c.Host == "" {
		c.Host = cfg.Bind
	}
	ip := net.ParseIP(c.Host)
	if ip != nil && ip.IsUnspecified() {
		if len(c.Join) > 0 {
			return fmt.Errorf("--bind %s: give --advertise, the address at which the other nodes reach this one", cfg.Bind)
		}
		c.Host, ip = "127.0.0.1", net.IPv4(127, 0, 0, 1) // clients from everywhere, nodes on this machine
	}
	var err error
	if m.gossipKey != "" {
		if c.GossipKey, err = base64.StdEncoding.DecodeString(m.gossipKey); err != nil {
			return fmt.Errorf("--gossip-key: %w", err)
		}
	}
	if m.cert != "" || m.key != "" || m.ca != "" {
		if c.TLS, err = transport.LoadTLS(m.cert, m.key, m.ca); err != nil {
			return fmt.Errorf("--tls-cert, --tls-key, --tls-ca: %w", err)
		}
		cfg.StreamTLS = &gateway.StreamTLS{Client: c.TLS.ClientConfig, Server: c.TLS.ServerConfig()}
	}
	loopback := c.Host == "localhost" || ip != nil && ip.IsLoopback()
	if !loopback && !m.insecure && (c.TLS == nil || c.GossipKey == nil) {
		return errKeys
	}
	c.Progress = startup(cmd.OutOrStdout(), time.Now)
	cfg.Cluster = &c
	return nil
}

const (
	// startupQuiet is how long a start may take without a word.
	startupQuiet = time.Second
	// startupAgain is how often the same is said again: that it still goes on.
	startupAgain = 15 * time.Second
	// startupPause is the least time between two things that are said.
	startupPause = time.Second
)

// startup tells a person what a node waits for, once that takes longer than a start
// usually does, and every so often that it still does.
func startup(w io.Writer, now func() time.Time) func(string) {
	began := now()
	var last, since time.Time
	said := ""
	return func(what string) {
		at := now()
		switch {
		case at.Sub(began) < startupQuiet || at.Sub(last) < startupPause:
		case what != said:
			said, since, last = what, at, at
			fmt.Fprintf(w, "Starting: %s\n", what)
		case at.Sub(last) >= startupAgain:
			last = at
			fmt.Fprintf(w, "Starting, for %.0f s now: %s\n", at.Sub(since).Seconds(), what)
		}
	}
}
