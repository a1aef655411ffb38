package membership

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/serf/serf"
)

// Status is what is thought of a member. It is hearsay: who is a member, and who
// owns what, the catalog decides.
type Status uint8

// The states of a member.
const (
	Alive Status = iota
	// Failed: it did not answer for about a second.
	Failed
	// Left: it said goodbye.
	Left
)

var statusNames = [...]string{"alive", "failed", "left"}

func (s Status) String() string { return statusNames[s] }

// Member is a node as it described itself.
type Member struct {
	Name, ID string
	// Addr is an IP address.
	Addr                                          string
	GossipPort, ActorPort, StreamPort, ClientPort int
	Zone                                          string
	Cluster, ClusterID                            string
	Incarnation                                   uint64
	Isolated                                      bool
	Status                                        Status
}

// GossipAddr is where the member can be joined.
func (m *Member) GossipAddr() string { return net.JoinHostPort(m.Addr, strconv.Itoa(m.GossipPort)) }

// wireVersion is of the tags. A node with another one is not understood.
const wireVersion = "1"

// The tags, short as all of them share 512 bytes.
const (
	tagVersion, tagCluster, tagClusterID = "v", "c", "i"
	tagID, tagIncarnation, tagPorts      = "n", "k", "p"
	tagZone, tagIsolated                 = "z", "x"
)

func (c *Config) tags(clusterID string) map[string]string {
	tags := map[string]string{
		tagVersion: wireVersion, tagCluster: c.Cluster, tagClusterID: clusterID, tagID: c.ID,
		tagIncarnation: strconv.FormatUint(c.Incarnation, 36),
		tagPorts:       fmt.Sprintf("%d,%d,%d", c.ClientPort, c.ActorPort, c.StreamPort),
		tagZone:        c.Zone,
	}
	if c.Isolated {
		tags[tagIsolated] = "1"
	}
	return tags
}

// parseMember reads what a node says of itself, and trusts none of it.
func parseMember(s *serf.Member) (Member, error) {
	t := s.Tags
	m := Member{Name: s.Name, Addr: s.Addr.String(), GossipPort: int(s.Port), ID: t[tagID], Zone: t[tagZone],
		Cluster: t[tagCluster], ClusterID: t[tagClusterID], Isolated: t[tagIsolated] != ""}
	bad := func(what string) (Member, error) {
		return Member{}, fmt.Errorf("the node %.*q at %s is no Troupe node of this version: %s", maxName, m.Name, m.GossipAddr(), what)
	}
	switch {
	case t[tagVersion] != wireVersion:
		return bad("its version")
	case !plainName(m.Name) || !plainName(m.Cluster) || m.Zone != "" && !plainName(m.Zone):
		return bad("its names")
	case !isHexID(m.ID) || m.ClusterID != "" && !isHexID(m.ClusterID):
		return bad("its identities")
	}
	var err error
	if m.Incarnation, err = strconv.ParseUint(t[tagIncarnation], 36, 64); err != nil {
		return bad("its incarnation")
	}
	ports := strings.Split(t[tagPorts], ",")
	if len(ports) != 3 {
		return bad("its ports")
	}
	for i, to := range []*int{&m.ClientPort, &m.ActorPort, &m.StreamPort} {
		port, err := strconv.ParseUint(ports[i], 10, 16)
		if err != nil {
			return bad("its ports")
		}
		*to = int(port)
	}
	switch s.Status {
	case serf.StatusFailed:
		m.Status = Failed
	case serf.StatusLeft:
		m.Status = Left
	default: // one that is leaving still answers
		m.Status = Alive
	}
	return m, nil
}

// parseMembers returns the members in the order of their names.
func parseMembers(all []serf.Member) []Member {
	list := make([]Member, 0, len(all))
	for i := range all {
		if m, err := parseMember(&all[i]); err == nil {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b Member) int { return cmp.Compare(a.Name, b.Name) })
	return list
}
