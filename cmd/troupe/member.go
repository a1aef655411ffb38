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
}

func (m *memberFlags) add(f *pflag.FlagSet) {
	f.StringVar(&m.Cluster, "cluster", "troupe", "name of the cluster; nodes of other names are left alone")
	f.StringSliceVar(&m.Join, "join", nil, "addresses of nodes to join, host or host:port (of gossip), separated by commas; none: those on this machine")
	f.IntVar(&m.Expect, "bootstrap-expect", 0, "with --join: how many nodes must be there before they found a cluster; 0: only join one that is there")
	f.BoolVar(&m.isolated, "isolated", false, "join nobody, and let nobody join")
	f.StringVar(&m.Host, "advertise", "", "address at which other nodes and clients reach this one (default: --bind)")
	f.IntVar(&m.GossipPort, "gossip-port", 0, "port for gossip, UDP and TCP (default: the next free one from 7946 on)")
	f.IntVar(&m.ActorPort, "actor-port", 0, "port for messages that steer the cluster (default: the next free one from 7950 on)")
	f.IntVar(&m.StreamPort, "stream-port", 0, "port for data between nodes (default: any free one)")
	f.StringVar(&m.Dir, "dir", "", "folder for the node's identity and its part of the catalog; none: both end with the process")
	f.StringVar(&m.Name, "name", "", "the node's name in the cluster (default: its address and port)")
	f.StringVar(&m.Zone, "zone", "", "where the node is (a rack, a data centre); shards are spread over zones")
	f.StringVar(&m.gossipKey, "gossip-key", "", "key that encrypts gossip, 16, 24 or 32 bytes in base64, the same on all nodes (openssl rand -base64 32)")
	f.StringVar(&m.cert, "tls-cert", "", "certificate of this node for traffic between nodes, PEM; with --tls-key and --tls-ca")
	f.StringVar(&m.key, "tls-key", "", "its private key, PEM")
	f.StringVar(&m.ca, "tls-ca", "", "certificate of the authority that has signed all nodes' certificates, PEM")
	f.BoolVar(&m.insecure, "insecure", false, "let nodes speak in the clear over a network")
}

var errKeys = errors.New("nodes that speak over a network need --gossip-key, --tls-cert, --tls-key and --tls-ca; " +
	"or give --insecure, if nobody else can reach the network")

// apply makes the node's configuration of the flags.
func (m *memberFlags) apply(cfg *gateway.Config, cmd *cobra.Command) error {
	if m.isolated {
		return nil
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
	c.Progress = startup(cmd.OutOrStdout())
	cfg.Cluster = &c
	return nil
}

// startup tells a person what a node waits for, once that takes longer than a start
// usually does.
func startup(w io.Writer) func(string) {
	began, said := time.Now(), ""
	return func(what string) {
		if what != said && time.Since(began) > time.Second {
			said = what
			fmt.Fprintf(w, "Starting: %s\n", what)
		}
	}
}
