package peer

import "github.com/troupedb/troupe/actors/directory"

// Link is one stream, as CLUSTER LINKS shows it.
type Link struct {
	Peer    directory.Number
	Inbound bool  // the peer has opened it
	Up      bool  // false: it is being dialled
	Since   int64 // Unix milliseconds
	Unsent  int   // bytes
}

// Links returns the streams of this node, in the order of peers.
func (n *Net) Links() (links []Link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for number := range directory.Number(directory.MaxMembers + 1) {
		list := n.ready[number].Load()
		if d := n.dialled[number]; d != nil && (list == nil || len(*list) == 0) {
			links = append(links, Link{Peer: number})
		}
		if list == nil {
			continue
		}
		for _, s := range *list {
			links = append(links, Link{Peer: number, Up: true, Since: s.since, Unsent: int(s.conn.Unsent())})
		}
	}
	return links
}
