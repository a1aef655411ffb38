package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// maxDevNodes bounds what one terminal is to start.
const maxDevNodes = 32

// devFlags are those that `troupe dev` gives each node a value of its own for, as
// far as a node has them.
var devFlags = []string{"port", "gossip-port", "actor-port", "stream-port", "join", "bootstrap-expect", "dir", "name"}

// devCommand is `troupe dev`: all nodes of a cluster as children of one process.
func devCommand() *cobra.Command {
	var nodes, port int
	var dir string
	node := nodeCommand()
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Start a whole cluster in this terminal, to try things with",
		Long: "Starts a cluster of several nodes on this machine, each a process of its own, and stops them with Ctrl-C.\n" +
			"Flags of `troupe node` that are given go to every node.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if nodes < 1 || nodes > maxDevNodes {
				return fmt.Errorf("--nodes %d: give a number from 1 to %d", nodes, maxDevNodes)
			}
			if dir == "" {
				made, err := os.MkdirTemp("", "troupe-dev-")
				if err != nil {
					return err
				}
				defer os.RemoveAll(made)
				dir = made
			}
			d, err := newDev(c, node.Flags(), nodes, port, dir)
			if err != nil {
				return err
			}
			return d.run(c.Context())
		},
	}
	f := cmd.Flags()
	f.IntVar(&nodes, "nodes", 3, "how many nodes")
	f.IntVar(&port, "port", 6379, "port of the first node; the others take the ports after it")
	f.StringVar(&dir, "dir", "", "folder for what the nodes keep; none: a temporary one that goes with them")
	node.Flags().VisitAll(func(flag *pflag.Flag) {
		if f.Lookup(flag.Name) == nil && !isDevFlag(flag.Name) {
			f.AddFlag(flag)
		}
	})
	return cmd
}

func isDevFlag(name string) bool {
	for _, f := range devFlags {
		if f == name {
			return true
		}
	}
	return false
}

// newDev prepares the children. node is what a node can be told.
func newDev(c *cobra.Command, node *pflag.FlagSet, nodes, port int, dir string) (*dev, error) {
	if err := checkPorts(port, nodes); err != nil {
		return nil, err
	}
	inner, err := freePorts(3 * nodes) // three for each node
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	var all []string // flags that every node gets
	node.VisitAll(func(f *pflag.Flag) {
		if f.Changed && !isDevFlag(f.Name) {
			all = append(all, "--"+f.Name+"="+f.Value.String())
		}
	})
	var join []string
	for i := range nodes {
		join = append(join, "127.0.0.1:"+inner[3*i])
	}
	d := &dev{out: c.OutOrStdout()}
	if f := node.Lookup("requirepass"); f != nil {
		d.pass = f.Value.String()
	}
	for i := range nodes {
		name := "node-" + strconv.Itoa(i+1)
		args := []string{"node"}
		for j, value := range []string{
			strconv.Itoa(port + i), inner[3*i], inner[3*i+1], inner[3*i+2], strings.Join(join, ","), strconv.Itoa(nodes),
			filepath.Join(dir, name), name,
		} {
			if node.Lookup(devFlags[j]) != nil {
				args = append(args, "--"+devFlags[j]+"="+value)
			}
		}
		cmd := exec.Command(program, append(args, all...)...)
		apart(cmd)
		d.children = append(d.children, &child{name: name, port: port + i, cmd: cmd})
	}
	return d, nil
}

// checkPorts tells before anything is started which port is taken.
func checkPorts(first, count int) error {
	if first < 1 || first+count-1 > 65535 {
		return fmt.Errorf("--port %d: a port is a number from 1 to 65535, and %d in a row are needed", first, count)
	}
	for port := first; port < first+count; port++ {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			return fmt.Errorf("port %d is taken: give the first of %d free ones in a row with --port", port, count)
		}
		l.Close()
	}
	return nil
}

// freePorts finds ports that nobody listens on now.
func freePorts(count int) (ports []string, err error) {
	for range count {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close() // all at the end, so that no port is found twice
		_, port, _ := net.SplitHostPort(l.Addr().String())
		ports = append(ports, port)
	}
	return ports, nil
}

// errStopped ends a wait because the user wants the cluster to stop.
var errStopped = errors.New("stopped")

// run starts the children and stays until they have ended.
func (d *dev) run(ctx context.Context) error {
	defer d.stop()
	for _, c := range d.children {
		if err := d.start(c); err != nil {
			return err
		}
	}
	switch err := d.awaitReady(ctx); {
	case errors.Is(err, errStopped):
		return nil
	case err != nil:
		return err
	}
	d.greet()
	return d.supervise(ctx)
}
