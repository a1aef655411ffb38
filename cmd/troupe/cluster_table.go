package main

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway/session"
)

// showStatus writes a status for people.
func showStatus(w io.Writer, st *session.ClusterStatus, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	showCluster(t, st)
	showNodes(t, st, now)
	showMoves(t, st)
	showShards(t, st, now)
	return t.Flush()
}

func showCluster(w io.Writer, st *session.ClusterStatus) {
	if st.ID == "" {
		fmt.Fprintf(w, "A node on its own: start another with `troupe --join HOST` to make a cluster.\n\n")
		return
	}
	var voters []string
	for _, n := range st.Voters {
		voters = append(voters, nameOf(st, n))
	}
	leader := "nobody"
	if st.Leader != 0 {
		leader = nameOf(st, st.Leader)
	}
	fmt.Fprintf(w, "Cluster %s (%s), epoch %d, catalog led by %s; voters: %s\n\n",
		st.Name, short(st.ID), st.Epoch, leader, strings.Join(voters, ", "))
}

func showNodes(w io.Writer, st *session.ClusterStatus, now time.Time) {
	fmt.Fprintln(w, "NODE\tSTATE\tADDRESS\tZONE\tSHARDS\tKEYS\tHEARTBEAT\tLINK\tID")
	for i := range st.Nodes {
		n := &st.Nodes[i]
		name := nodeName(n)
		if n.Number == st.Self {
			name += " *"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", name, nodeState(n, now), nodeAddress(n), dash(n.Zone),
			n.Shards, count(n.Keys), ago(n.Heard, now), linkTo(st, n), short(n.ID))
	}
	fmt.Fprintln(w, "* answers")
}

// nodeState is a state, and since when it is if it is out of the ordinary.
func nodeState(n *session.NodeStatus, now time.Time) string {
	if n.State == directory.Up.String() || n.Since == 0 {
		return n.State
	}
	return n.State + " for " + length(now.Sub(time.UnixMilli(n.Since)))
}

// linkTo tells whether the node that answers is connected with n.
func linkTo(st *session.ClusterStatus, n *session.NodeStatus) string {
	if n.Number == st.Self {
		return "-"
	}
	for _, l := range st.Links {
		if l.Peer == n.Number && l.Up {
			return "up"
		}
	}
	return "none"
}

func showMoves(w io.Writer, st *session.ClusterStatus) {
	if len(st.Moves) == 0 {
		return
	}
	fmt.Fprintln(w, "\nMOVE\tFROM\tTO\tPROGRESS\t\tKEYS LEFT\tSENT\tPHASE")
	for i := range st.Moves {
		m := &st.Moves[i]
		fmt.Fprintf(w, "shard %d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", m.Shard, nameOf(st, m.From), nameOf(st, m.To),
			bar(m), percent(m), count(m.KeysLeft), volume(m.Bytes), dash(m.Phase))
	}
}

// share returns how much of a move is done, from 0 to 1.
func share(m *session.MoveStatus) (done float64, known bool) {
	switch {
	case m.KeysLeft >= 0 && m.KeysSent+m.KeysLeft > 0:
		return float64(m.KeysSent) / float64(m.KeysSent+m.KeysLeft), true
	case m.BytesLeft >= 0 && m.Bytes+m.BytesLeft > 0:
		return float64(m.Bytes) / float64(m.Bytes+m.BytesLeft), true
	}
	return 0, false
}

func percent(m *session.MoveStatus) string {
	if done, known := share(m); known {
		return fmt.Sprintf("%.0f%%", 100*done)
	}
	return "?"
}

func bar(m *session.MoveStatus) string {
	const width = 20
	done, _ := share(m)
	n := int(done * width)
	return "[" + strings.Repeat("#", n) + strings.Repeat("-", width-n) + "]"
}

// shardsApart is up to how many shards each has a line of its own. Beyond that,
// neighbours share one where there is nothing to tell them apart.
const shardsApart = 32

func showShards(w io.Writer, st *session.ClusterStatus, now time.Time) {
	fmt.Fprintln(w, "\nSHARD\tSLOTS\tNODE\tEPOCH\tKEYS\tSTATE")
	for i := 0; i < len(st.Shards); {
		first, last := &st.Shards[i], &st.Shards[i]
		keys, epoch := first.Keys, first.Epoch
		for i++; len(st.Shards) > shardsApart && i < len(st.Shards) && alike(first, &st.Shards[i]); i++ {
			last = &st.Shards[i]
			epoch = max(epoch, last.Epoch)
			if keys += last.Keys; last.Keys < 0 {
				keys = session.Unknown
			}
		}
		shards := strconv.Itoa(first.Shard)
		if last != first {
			shards += "-" + strconv.Itoa(last.Shard)
		}
		fmt.Fprintf(w, "%s\t%d-%d\t%s\t%d\t%s\t%s\n", shards, first.FirstSlot, last.LastSlot, nameOf(st, first.Owner),
			epoch, count(keys), shardState(st, first, now))
	}
}

func alike(a, b *session.ShardStatus) bool {
	return a.Owner == b.Owner && a.Up == b.Up && a.To == 0 && b.To == 0 && a.LostAt == b.LostAt && (a.Keys < 0) == (b.Keys < 0)
}

func shardState(st *session.ClusterStatus, s *session.ShardStatus, now time.Time) string {
	state := "up"
	if !s.Up {
		state = "DOWN"
	}
	if s.To != 0 {
		state += ", moves to " + nameOf(st, s.To)
	}
	switch {
	case s.LostAt != 0 && s.LostKeys == 0:
		state += ", emptied " + ago(s.LostAt, now)
	case s.LostAt != 0:
		state += fmt.Sprintf(", lost about %s keys %s", count(s.LostKeys), ago(s.LostAt, now))
	}
	return state
}

func nameOf(st *session.ClusterStatus, number directory.Number) string {
	if number == 0 {
		return "nobody"
	}
	if n := st.Node(number); n != nil {
		return nodeName(n)
	}
	return fmt.Sprintf("node %d", number)
}

// nodeName is what people call a node.
func nodeName(n *session.NodeStatus) string {
	if n.Name != "" {
		return n.Name
	}
	return nodeAddress(n)
}

func nodeAddress(n *session.NodeStatus) string {
	return net.JoinHostPort(n.Host, strconv.Itoa(n.ClientPort))
}

// short is the beginning of an identity, enough to name it by.
func short(id string) string { return id[:min(len(id), 8)] }

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// count writes a number, with spaces between thousands.
func count(n int64) string {
	if n < 0 {
		return "-"
	}
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + " " + digits[i:]
	}
	return digits
}

func volume(n int64) string {
	const units = "KMGT"
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n)/(1<<10), 0
	for f >= 1<<10 && unit < len(units)-1 {
		f, unit = f/(1<<10), unit+1
	}
	return fmt.Sprintf("%.1f %ciB", f, units[unit])
}

func ago(at int64, now time.Time) string {
	if at == 0 {
		return "-"
	}
	return length(now.Sub(time.UnixMilli(at))) + " ago"
}

// length writes a duration in its largest unit. The clocks of two machines may
// disagree, so one below zero is none.
func length(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}
