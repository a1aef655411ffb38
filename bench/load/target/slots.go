package target

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/troupedb/troupe/shard/slot"
)

// SlotMap says which server owns which hash slot, as CLUSTER SLOTS told it.
type SlotMap struct {
	// Nodes are the addresses of the owners, in the order of their first slots.
	Nodes []string

	owner [slot.Count]uint16 // an index into Nodes
	owned []int              // slots of each of Nodes
}

// noOwner marks a slot while a map is read.
const noOwner = 1<<16 - 1

// Owner returns the index in Nodes of the server that owns a key.
func (m *SlotMap) Owner(key []byte) int { return int(m.owner[slot.Of(key)]) }

// Owned returns how many slots a server owns.
func (m *SlotMap) Owned(node int) int { return m.owned[node] }

func (m *SlotMap) equal(o *SlotMap) bool {
	return slices.Equal(m.Nodes, o.Nodes) && m.owner == o.owner
}

// Slots asks the server which server owns which slot.
func (e Endpoint) Slots(ctx context.Context) (*SlotMap, error) {
	c, err := e.control(ctx)
	if err != nil {
		return nil, err
	}
	defer c.conn.Close()
	defer context.AfterFunc(ctx, func() { c.conn.Close() })()
	return c.slots(e.Addr)
}

func (c *client) slots(addr string) (*SlotMap, error) {
	reply, err := c.tree("CLUSTER", "SLOTS")
	if err != nil {
		return nil, fmt.Errorf("CLUSTER SLOTS at %s: %w", addr, err)
	}
	m, err := parseSlots(reply, addr)
	if err != nil {
		return nil, fmt.Errorf("CLUSTER SLOTS at %s: %w", addr, err)
	}
	return m, nil
}

// parseSlots reads [[first, last, [host, port, …], replica…]…]. A server that
// does not know its own host leaves it empty and means the one it was asked at.
func parseSlots(reply any, asked string) (*SlotMap, error) {
	ranges, ok := reply.([]any)
	if !ok {
		return nil, fmt.Errorf("%.60v is no list of ranges", reply)
	}
	m := &SlotMap{}
	for s := range m.owner {
		m.owner[s] = noOwner
	}
	for _, r := range ranges {
		first, last, addr, err := parseRange(r, asked)
		if err != nil {
			return nil, err
		}
		node := m.node(addr)
		for s := first; s <= last; s++ {
			if m.owner[s] == noOwner {
				m.owned[node]++
			}
			m.owner[s] = uint16(node)
		}
	}
	for s, o := range m.owner {
		if o == noOwner {
			return nil, fmt.Errorf("nobody owns slot %d: is the cluster whole?", s)
		}
	}
	return m, nil
}

func (m *SlotMap) node(addr string) int {
	for i, n := range m.Nodes {
		if n == addr {
			return i
		}
	}
	m.Nodes = append(m.Nodes, addr)
	m.owned = append(m.owned, 0)
	return len(m.Nodes) - 1
}

func parseRange(r any, asked string) (first, last int, addr string, err error) {
	fields, ok := r.([]any)
	if !ok || len(fields) < 3 {
		return 0, 0, "", fmt.Errorf("%.60v is no range with an owner", r)
	}
	first, errFirst := number(fields[0])
	last, errLast := number(fields[1])
	if errFirst != nil || errLast != nil || first < 0 || last < first || last >= slot.Count {
		return 0, 0, "", fmt.Errorf("%v to %v is no range of slots", fields[0], fields[1])
	}
	owner, ok := fields[2].([]any)
	if !ok || len(owner) < 2 {
		return 0, 0, "", fmt.Errorf("%.60v is no owner", fields[2])
	}
	host, _ := owner[0].(string)
	port, ok := owner[1].(string)
	if !ok {
		return 0, 0, "", fmt.Errorf("%.60v has no port", fields[2])
	}
	if host == "" || host == "?" {
		if host, _, err = net.SplitHostPort(asked); err != nil {
			return 0, 0, "", fmt.Errorf("address %q: %w", asked, err)
		}
	}
	return first, last, net.JoinHostPort(host, port), nil
}

func number(v any) (int, error) {
	text, ok := v.(string)
	if !ok {
		return 0, fmt.Errorf("%v is no number", v)
	}
	return strconv.Atoi(text)
}

// members returns the addresses of the cluster that the server is in, which are
// none when it is in no cluster or does not say. Members that the server itself
// cannot reach are left out.
func (c *client) members() ([]string, error) {
	text, err := c.do("CLUSTER", "NODES")
	var refused ReplyError
	if errors.As(err, &refused) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []string
	for line := range strings.Lines(text) {
		if addr, ok := parseMember(line); ok {
			all = append(all, addr)
		}
	}
	return all, nil
}

// parseMember reads "id ip:port@busport[,hostname] flags …".
func parseMember(line string) (addr string, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return "", false
	}
	for flag := range strings.SplitSeq(fields[2], ",") {
		switch flag {
		case "fail", "handshake", "noaddr":
			return "", false
		}
	}
	addr, _, _ = strings.Cut(fields[1], "@")
	cut := strings.LastIndexByte(addr, ':')
	if cut <= 0 || addr[cut:] == ":0" {
		return "", false // a server that knows no address of itself
	}
	return net.JoinHostPort(addr[:cut], addr[cut+1:]), true
}
