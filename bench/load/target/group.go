package target

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Group is one side of a comparison: the servers that together are one store. A
// single server is a group of one. What it costs is the sum over all processes,
// those included that the load is not sent to directly.
type Group struct {
	// Name is what reports call the side: "target", or which peer.
	Name string
	// Endpoints are where the load goes.
	Endpoints []Endpoint
	// Servers are all members, those at Endpoints first. Two addresses of one
	// process are one server.
	Servers []*Server
	// Silent are members that the others name but that did not answer. What they
	// cost is missing.
	Silent []string
}

// AttachGroup connects to the servers at the endpoints and to all other members
// of the clusters they are in. A pid of 0 means to find the processes out.
func AttachGroup(ctx context.Context, name string, endpoints []Endpoint, pid int) (*Group, error) {
	g := &Group{Name: name, Endpoints: endpoints}
	var others []string
	for _, e := range endpoints {
		s, err := Attach(ctx, name, e, pid)
		if err == nil {
			var members []string
			members, err = s.control.members()
			g.add(s)
			others = append(others, members...)
		}
		if err != nil {
			g.Close()
			return nil, err
		}
	}
	if pid != 0 {
		return g, nil // the caller has said which process counts
	}
	for _, addr := range others {
		e := Endpoint{Addr: addr, Username: endpoints[0].Username, Password: endpoints[0].Password}
		if g.knows(addr) {
			continue
		}
		s, err := Attach(ctx, name, e, 0)
		if err != nil {
			g.Silent = append(g.Silent, addr)
			continue
		}
		g.add(s)
	}
	return g, ctx.Err()
}

// add takes a server in unless it is the process of another.
func (g *Group) add(s *Server) {
	same := func(o *Server) bool {
		if s.PID != 0 && o.PID != 0 {
			return s.PID == o.PID
		}
		return s.id != "" && s.id == o.id
	}
	if slices.ContainsFunc(g.Servers, same) {
		s.Close()
		return
	}
	g.Servers = append(g.Servers, s)
}

func (g *Group) knows(addr string) bool {
	return slices.Contains(g.Silent, addr) ||
		slices.ContainsFunc(g.Servers, func(s *Server) bool { return s.Addr == addr })
}

// Close ends the control connections.
func (g *Group) Close() {
	for _, s := range g.Servers {
		s.Close()
	}
}

// Addr is every address that the load goes to, with commas.
func (g *Group) Addr() string {
	all := make([]string, len(g.Endpoints))
	for i, e := range g.Endpoints {
		all[i] = e.Addr
	}
	return strings.Join(all, ",")
}

// Version is that of the servers, or all that differ.
func (g *Group) Version() string {
	var all []string
	for _, s := range g.Servers {
		if !slices.Contains(all, s.Version) {
			all = append(all, s.Version)
		}
	}
	return strings.Join(all, ", ")
}

// PIDs are the processes that are known.
func (g *Group) PIDs() []int {
	var all []int
	for _, s := range g.Servers {
		if s.PID != 0 {
			all = append(all, s.PID)
		}
	}
	return all
}

// Source is the least trusted of the servers' sources: half a sum is none.
func (g *Group) Source() string {
	source := SourceKernel
	for _, s := range g.Servers {
		if s.Source == SourceNone || source == SourceKernel {
			source = s.Source
		}
	}
	return source
}

// Slots asks the servers, until one says, which of them owns which slot.
func (g *Group) Slots(ctx context.Context) (*SlotMap, error) {
	return AskSlots(ctx, g.Endpoints)
}

// AskSlots asks one endpoint after another which server owns which slot.
func AskSlots(ctx context.Context, endpoints []Endpoint) (*SlotMap, error) {
	var errs []error
	for _, e := range endpoints {
		m, err := e.Slots(ctx)
		if err == nil {
			return m, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// Keys returns how many keys each server says that there are. In a Redis Cluster
// those are its own, at a Troupe node those of the whole cluster.
func (g *Group) Keys() ([]int64, error) {
	all := make([]int64, 0, len(g.Servers))
	for _, s := range g.Servers {
		if s.replica {
			continue
		}
		n, err := s.Keys()
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

// Flush deletes everything the servers hold.
func (g *Group) Flush() error {
	for _, s := range g.Servers {
		if s.replica {
			continue
		}
		if err := s.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// Meter reads the CPU time of all servers. Between two readings lies CPU.
func (g *Group) Meter() ([]Meter, error) {
	all := make([]Meter, len(g.Servers))
	for i, s := range g.Servers {
		var err error
		if all[i], err = s.Meter(); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Addr, err)
		}
	}
	return all, nil
}

// CPU returns the CPU time of all servers together between two readings, or 0
// when that of one is unknown.
func (g *Group) CPU(from, to []Meter) (sum time.Duration) {
	if g.Source() == SourceNone {
		return 0
	}
	for i, s := range g.Servers {
		sum += s.CPU(from[i], to[i])
	}
	return sum
}

// Memory returns the resident memory of all servers together, zeros when that of
// one is unknown. The peaks need not have been at the same moment.
func (g *Group) Memory() (sum Memory, err error) {
	for _, s := range g.Servers {
		m, err := s.Memory()
		if err != nil {
			return Memory{}, fmt.Errorf("%s: %w", s.Addr, err)
		}
		if m.RSS == 0 {
			return Memory{}, nil
		}
		sum.RSS += m.RSS
		sum.Peak += m.Peak
	}
	return sum, nil
}
