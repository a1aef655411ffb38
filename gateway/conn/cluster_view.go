package conn

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/reply"
)

// view is the directory as a client of this node is to see it.
type view struct {
	dir     *directory.Directory
	members []directory.Member
	me      *directory.Member // this node, in members if it is one
	links   []session.Link
}

// viewOf fills in what a node on its own does not say of itself in its directory:
// the client knows it by the address that it has come to.
func viewOf(s *session.Session) view {
	v := view{dir: s.Server.Env.Where.Load()}
	v.members = slices.Clone(v.dir.Members)
	if c := s.Server.Cluster; c != nil {
		v.links = c.Links()
	}
	if v.me = v.member(v.dir.Self); v.me == nil {
		v.me = &directory.Member{Number: v.dir.Self}
	}
	if v.me.ID == "" {
		v.me.ID = s.Server.RunID
	}
	if v.me.ClientPort == 0 {
		v.me.ClientPort = s.Server.Port
	}
	if local, err := netip.ParseAddrPort(s.Conn.Local); v.me.Host == "" && err == nil {
		v.me.Host = local.Addr().Unmap().String()
	}
	return v
}

// member returns the member with this number, nil if there is none.
func (v *view) member(n directory.Number) *directory.Member {
	return v.where(func(m *directory.Member) bool { return m.Number == n })
}

// byID finds a member as CLUSTER names it, nil if there is none.
func (v *view) byID(id []byte) *directory.Member {
	return v.where(func(m *directory.Member) bool { return m.ID == string(id) })
}

func (v *view) where(is func(*directory.Member) bool) *directory.Member {
	for i := range v.members {
		if is(&v.members[i]) {
			return &v.members[i]
		}
	}
	return nil
}

// find finds a member as people name it: by name, identity, the beginning of one,
// or address. It is nil for what names none, or several.
func (v *view) find(word []byte) *directory.Member {
	const shortest = 4 // digits of an identity
	w := string(word)
	var found []*directory.Member
	for i := range v.members {
		m := &v.members[i]
		switch {
		case m.ID == w || m.Name == w && w != "":
			return m
		case address(m) == w, net.JoinHostPort(m.Host, strconv.Itoa(m.ClientPort)) == w, len(w) >= shortest && strings.HasPrefix(m.ID, w):
			found = append(found, m)
		}
	}
	if len(found) != 1 {
		return nil
	}
	return found[0]
}

func address(m *directory.Member) string { return fmt.Sprintf("%s:%d", m.Host, m.ClientPort) }

// called is what people call a member.
func called(m *directory.Member) string {
	switch {
	case m.Name != "":
		return m.Name
	case m.Host != "":
		return address(m)
	}
	return m.ID
}

// span is a range of slots with one owner.
type span struct {
	first, last int
	owner       directory.Number
}

// spans are all ranges, as long as can be, in the order of slots.
func (v *view) spans() (list []span) {
	for i, p := range v.dir.Places {
		first, count := directory.Range(i, len(v.dir.Places))
		if n := len(list); n > 0 && list[n-1].owner == p.Owner {
			list[n-1].last = first + count - 1
			continue
		}
		list = append(list, span{first, first + count - 1, p.Owner})
	}
	return list
}

// epoch is what Redis calls the configuration epoch of a node: it grows when the
// node is given a shard.
func (v *view) epoch(n directory.Number) (newest uint64) {
	for _, p := range v.dir.Places {
		if p.Owner == n {
			newest = max(newest, p.Epoch)
		}
	}
	return newest
}

// linked tells whether this node is connected with the member, and when it heard
// of it last, Unix milliseconds.
func (v *view) linked(m *directory.Member) (up bool, heard int64) {
	for _, l := range v.links {
		if l.Peer == m.Number {
			up, heard = up || l.Up, max(heard, l.Heard)
		}
	}
	return up, heard
}

func clusterInfo(s *session.Session, r *session.LocalCall) {
	v := viewOf(s)
	assigned, failed, size := 0, 0, map[directory.Number]bool{}
	for _, sp := range v.spans() {
		owner := v.dir.Member(sp.owner)
		if owner == nil {
			continue
		}
		n := sp.last - sp.first + 1
		assigned += n
		size[sp.owner] = true
		if owner.State == directory.Down {
			failed += n
		}
	}
	state := "ok"
	if assigned < directory.SlotCount || failed > 0 {
		state = "fail"
	}
	r.Out.Verbatim("txt", fmt.Appendf(nil, "cluster_state:%s\r\n"+
		"cluster_slots_assigned:%d\r\n"+
		"cluster_slots_ok:%d\r\n"+
		"cluster_slots_pfail:0\r\n"+
		"cluster_slots_fail:%d\r\n"+
		"cluster_known_nodes:%d\r\n"+
		"cluster_size:%d\r\n"+
		"cluster_current_epoch:%d\r\n"+
		"cluster_my_epoch:%d\r\n"+
		"cluster_stats_messages_sent:0\r\n"+
		"cluster_stats_messages_received:0\r\n"+
		"total_cluster_links_buffer_limit_exceeded:0\r\n",
		state, assigned, assigned-failed, failed, len(v.members), len(size), v.dir.Epoch, v.epoch(v.dir.Self)))
}

// clusterNodes shows a shard that moves at the node that serves it: there is
// nothing that clients have to do differently meanwhile.
func clusterNodes(s *session.Session, r *session.LocalCall) {
	v := viewOf(s)
	spans := v.spans()
	var out []byte
	for i := range v.members {
		m := &v.members[i]
		flags, link := "master", "connected"
		var heard int64
		if m.Number == v.dir.Self {
			flags = "myself,master"
		} else {
			var up bool
			if up, heard = v.linked(m); !up {
				link = "disconnected"
			}
		}
		if m.State == directory.Down {
			flags += ",fail"
		}
		out = fmt.Appendf(out, "%s %s@%d %s - 0 %d %d %s", m.ID, address(m), m.GossipPort, flags, heard, v.epoch(m.Number), link)
		for _, sp := range spans {
			if sp.owner != m.Number {
				continue
			}
			if out = fmt.Appendf(out, " %d", sp.first); sp.last > sp.first {
				out = fmt.Appendf(out, "-%d", sp.last)
			}
		}
		out = append(out, '\n')
	}
	r.Out.Verbatim("txt", out)
}

// clusterSlots shows the slots of a node that is down with that node, as Redis
// does: CLUSTER SHARDS and NODES say that it is down.
func clusterSlots(s *session.Session, r *session.LocalCall) {
	v := viewOf(s)
	spans := slices.DeleteFunc(v.spans(), func(sp span) bool { return v.member(sp.owner) == nil })
	r.Out.Array(len(spans))
	for _, sp := range spans {
		m := v.member(sp.owner)
		r.Out.Array(3)
		r.Out.Int(int64(sp.first))
		r.Out.Int(int64(sp.last))
		r.Out.Array(4)
		r.Out.BulkString(m.Host)
		r.Out.Int(int64(m.ClientPort))
		r.Out.BulkString(m.ID)
		r.Out.Map(0)
	}
}

// clusterShards shows what Redis calls shards: a node with its replicas and all
// its slots.
func clusterShards(s *session.Session, r *session.LocalCall) {
	v := viewOf(s)
	spans := v.spans()
	r.Out.Array(len(v.members))
	for i := range v.members {
		m := &v.members[i]
		var bounds []int
		for _, sp := range spans {
			if sp.owner == m.Number {
				bounds = append(bounds, sp.first, sp.last)
			}
		}
		r.Out.Map(2)
		r.Out.BulkString("slots")
		r.Out.Array(len(bounds))
		for _, b := range bounds {
			r.Out.Int(int64(b))
		}
		r.Out.BulkString("nodes")
		r.Out.Array(1)
		writeShardNode(r.Out, m)
	}
}

func writeShardNode(w *reply.Writer, m *directory.Member) {
	health := "online"
	if m.State == directory.Down {
		health = "fail"
	}
	w.Map(7)
	w.BulkString("id")
	w.BulkString(m.ID)
	w.BulkString("port")
	w.Int(int64(m.ClientPort))
	for _, pair := range [][2]string{{"ip", m.Host}, {"endpoint", m.Host}, {"role", "master"}} {
		w.BulkString(pair[0])
		w.BulkString(pair[1])
	}
	w.BulkString("replication-offset")
	w.Int(0)
	w.BulkString("health")
	w.BulkString(health)
}

func clusterLinks(s *session.Session, r *session.LocalCall) {
	v := viewOf(s)
	links := slices.DeleteFunc(slices.Clone(v.links), func(l session.Link) bool { return !l.Up || v.member(l.Peer) == nil })
	r.Out.Array(len(links))
	for _, l := range links {
		direction, events := "to", "r"
		if l.Inbound {
			direction = "from"
		}
		if l.Unsent > 0 {
			events = "rw"
		}
		r.Out.Map(6)
		r.Out.BulkString("direction")
		r.Out.BulkString(direction)
		r.Out.BulkString("node")
		r.Out.BulkString(v.member(l.Peer).ID)
		r.Out.BulkString("create-time")
		r.Out.Int(l.Since)
		r.Out.BulkString("events")
		r.Out.BulkString(events)
		r.Out.BulkString("send-buffer-allocated")
		r.Out.Int(int64(l.Allocated))
		r.Out.BulkString("send-buffer-used")
		r.Out.Int(int64(l.Unsent))
	}
}
