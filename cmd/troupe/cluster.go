package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/troupedb/troupe/gateway/session"
)

// clusterCommand is `troupe cluster`. Any node answers for the whole cluster.
func clusterCommand() *cobra.Command {
	node := &remote{}
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Show and steer a cluster",
		Long: "Asks a node, any of the cluster, to show or change the cluster.\n" +
			"A NODE is named by its name, its identity or the beginning of that, or host:port, as `status` shows them.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	f := cmd.PersistentFlags()
	f.StringVar(&node.host, "host", "127.0.0.1", "address of a node")
	f.IntVar(&node.port, "port", 6379, "port of that node")
	f.StringVar(&node.pass, "pass", "", "password of the cluster (requirepass)")
	cmd.AddCommand(statusCommand(node), rebalanceCommand(node), drainCommand(node), forgetCommand(node), moveCommand(node))
	return cmd
}

func statusCommand(node *remote) *cobra.Command {
	var asJSON, watch bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show nodes, shards and moves under way",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			defer node.close()
			show := showStatus
			if asJSON {
				show = showJSON
			}
			out := c.OutOrStdout()
			if watch {
				return watchStatus(c.Context(), node, out, show)
			}
			st, err := node.status()
			if err != nil {
				return err
			}
			return show(out, st, time.Now())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write it for programs")
	cmd.Flags().BoolVar(&watch, "watch", false, "show it anew each second, until Ctrl-C")
	return cmd
}

func showJSON(w io.Writer, st *session.ClusterStatus, _ time.Time) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(st)
}

func rebalanceCommand(node *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "rebalance",
		Short: "Spread the shards evenly over the nodes",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			defer node.close()
			moves, err := node.ask("TROUPE", "REBALANCE")
			if err != nil {
				return err
			}
			switch moves {
			case "0":
				fmt.Fprintln(c.OutOrStdout(), "The shards are spread evenly: none has to move.")
			default:
				fmt.Fprintf(c.OutOrStdout(), "Shards that move: %s. Follow them with `troupe cluster status --watch`.\n", moves)
			}
			return nil
		},
	}
}

func forgetCommand(node *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "forget NODE",
		Short: "Remove a node that is down, and give up the data that only it had",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			defer node.close()
			if _, err := node.ask("TROUPE", "FORGET", args[0]); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "Node %s is forgotten. The shards that it had begin empty on other nodes.\n", args[0])
			return nil
		},
	}
}

func moveCommand(node *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "move SHARD NODE",
		Short: "Move a shard to a node, while it serves",
		Args:  cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := strconv.Atoi(args[0]); err != nil {
				return fmt.Errorf("%q is no number of a shard: see `troupe cluster status`", args[0])
			}
			defer node.close()
			if _, err := node.ask("TROUPE", "MOVE", args[0], args[1]); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "Shard %s goes to %s. Follow it with `troupe cluster status --watch`.\n", args[0], args[1])
			return nil
		},
	}
}

func drainCommand(node *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "drain NODE",
		Short: "Make a node hand its shards over, and wait until it is empty",
		Long: "Makes a node hand its shards over to the others, while it serves, and shows how far that has come until it is empty.\n" +
			"Ctrl-C stops the showing, not the node's work.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			defer node.close()
			return drain(c.Context(), node, args[0], c.OutOrStdout())
		},
	}
}

// pollEvery is how often a drain's progress is looked at.
const pollEvery = 500 * time.Millisecond

func drain(ctx context.Context, node *remote, word string, out io.Writer) error {
	st, err := node.status()
	if err != nil {
		return err
	}
	if found := findNode(st, word); found != nil {
		word = found.ID // which stays its own, whatever else changes
	}
	if _, err := node.ask("TROUPE", "DRAIN", word); err != nil {
		return err
	}
	p := progress{w: out, live: isTerminal(out)}
	for {
		st, err := node.status()
		if err != nil {
			return p.end(err)
		}
		n := findNode(st, word)
		switch {
		case n == nil:
			return p.end(nil, "The node has left the cluster.")
		case n.State == "down":
			return p.end(fmt.Errorf("node %s went down with %d shards still on it: start it again, or give them up with "+
				"`troupe cluster forget %[1]s`", nodeName(n), n.Shards))
		case n.Shards == 0:
			return p.end(nil, fmt.Sprintf("Node %s is empty: it can be stopped now, and nothing is lost.", nodeName(n)))
		}
		p.show(drainLine(st, n))
		select {
		case <-ctx.Done():
			return p.end(nil, fmt.Sprintf("Node %s goes on with it: see `troupe cluster status --watch`.", nodeName(n)))
		case <-time.After(pollEvery):
		}
	}
}

// drainLine is how far a drain has come.
func drainLine(st *session.ClusterStatus, n *session.NodeStatus) string {
	line := fmt.Sprintf("%s: %d shards left", nodeName(n), n.Shards)
	for i := range st.Moves {
		if m := &st.Moves[i]; m.From == n.Number {
			line += fmt.Sprintf(", shard %d → %s %s", m.Shard, nameOf(st, m.To), percent(m))
		}
	}
	return line
}

// findNode finds a node as the server does: by name, identity, the beginning of
// one, or address.
func findNode(st *session.ClusterStatus, word string) *session.NodeStatus {
	var found *session.NodeStatus
	for i := range st.Nodes {
		n := &st.Nodes[i]
		if n.ID == word || n.Name == word {
			return n
		}
		if strings.HasPrefix(n.ID, word) || nodeAddress(n) == word {
			if found != nil {
				return nil
			}
			found = n
		}
	}
	return found
}

// progress shows one line that changes: in place on a terminal, else each time
// that it says something new.
type progress struct {
	w    io.Writer
	live bool
	last string
}

func (p *progress) show(line string) {
	switch {
	case line == p.last:
	case p.live:
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
	default:
		fmt.Fprintln(p.w, line)
	}
	p.last = line
}

// end closes the line and says what has come of it.
func (p *progress) end(err error, words ...string) error {
	if p.live && p.last != "" {
		fmt.Fprintln(p.w)
	}
	for _, w := range words {
		fmt.Fprintln(p.w, w)
	}
	return err
}

// watchStatus shows the status each second until the context ends. A node that
// does not answer for a while is waited for.
func watchStatus(ctx context.Context, node *remote, out io.Writer, show func(io.Writer, *session.ClusterStatus, time.Time) error) error {
	live := isTerminal(out)
	for {
		var page strings.Builder
		st, err := node.status()
		if err == nil {
			err = show(&page, st, time.Now())
		}
		if err != nil {
			page.Reset()
			fmt.Fprintln(&page, err)
		}
		if live {
			fmt.Fprint(out, "\x1b[H\x1b[2J")
		}
		if _, err := fmt.Fprintln(out, page.String()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
