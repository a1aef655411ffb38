package drive

import (
	"fmt"

	"github.com/troupedb/troupe/bench/load/target"
	"github.com/troupedb/troupe/bench/load/workload"
)

// routes says which client is connected where and which keys it may ask for.
//
// A plain client asks for any key. A slot-aware one is connected to one owner of
// slots and draws only keys of that owner, as redis-benchmark's do: its pipelines
// stay whole, and as owners get clients in proportion to their slots, every key
// stays as likely as it is for plain clients.
type routes struct {
	endpoints []target.Endpoint
	// owned makes the sources of the clients of each endpoint; nil: any keys.
	owned []func(workload.Source) *owned
	space workload.Space // which source owned wraps
	dealt []int          // client → endpoint, repeated; nil: in turns
}

// newRoutes places the clients of a job whose requests are routed by a key, or by
// none if it is "".
func newRoutes(job *Job, key string) (*routes, error) {
	if job.Slots == nil {
		return &routes{endpoints: job.Endpoints}, nil
	}
	if key == "" {
		return &routes{endpoints: job.owners()}, nil
	}
	k, ok := workload.NewKey(key)
	if !ok {
		return nil, fmt.Errorf("%s: the key %q has no number", job.Workload.Name, key)
	}
	r := &routes{space: k.Space}
	var weights []int
	for node, e := range job.owners() {
		first, err := newOwned(workload.NewSequence(job.Shape.SpaceSize(k.Space)), key, job.Slots, node, endless)
		if err != nil {
			return nil, err
		}
		fallback, ok := first.first(job.Shape.SpaceSize(k.Space))
		if !ok {
			continue // not one of so few keys is this owner's
		}
		r.endpoints = append(r.endpoints, e)
		weights = append(weights, job.Slots.Owned(node))
		r.owned = append(r.owned, func(from workload.Source) *owned {
			o := *first
			k, _ := workload.NewKey(key) // its buffer is not to be shared by loops
			o.key, o.from, o.tries, o.fallback = k, from, maxDraws, fallback
			return &o
		})
	}
	r.dealt = deal(job.Clients, weights)
	return r, nil
}

// owners are the endpoints of the owners of slots, in the order of Slots.Nodes.
func (j *Job) owners() []target.Endpoint {
	all := make([]target.Endpoint, len(j.Slots.Nodes))
	for i, addr := range j.Slots.Nodes {
		all[i] = j.Endpoints[0] // its user and password
		all[i].Addr = addr
	}
	return all
}

// deal gives each of n clients one of several places, in proportion to their
// weights. Each client goes where most is missing, so that any number of clients
// in a row is spread.
func deal(n int, weights []int) []int {
	total := 0
	for _, w := range weights {
		total += w
	}
	dealt := make([]int, n)
	has := make([]int, len(weights))
	for i := range dealt {
		best, missing := 0, 0
		for p, w := range weights {
			if m := w*(i+1) - has[p]*total; p == 0 || m > missing {
				best, missing = p, m
			}
		}
		dealt[i] = best
		has[best]++
	}
	return dealt
}

func (r *routes) route(client int) int {
	if r.dealt != nil {
		return r.dealt[client]
	}
	return client % len(r.endpoints)
}

func (r *routes) endpoint(client int) target.Endpoint { return r.endpoints[r.route(client)] }

// sources returns the sources of each endpoint's clients within one loop, all
// drawing from the same ones.
func (r *routes) sources(from *workload.Sources) []*workload.Sources {
	all := make([]*workload.Sources, len(r.endpoints))
	for i := range all {
		all[i] = from
		if r.owned != nil {
			own := *from
			own[r.space] = r.owned[i](from[r.space])
			all[i] = &own
		}
	}
	return all
}

const (
	// maxDraws ends the search for a number of an owner that has few of the
	// likely ones. It is far above what an owner with a fair share needs.
	maxDraws = 4096
	// endless is for sequences, where every number comes.
	endless = 1 << 62
)

// owned draws from another source the numbers whose keys one server owns.
type owned struct {
	from     workload.Source
	key      *workload.Key
	slots    *target.SlotMap
	node     int
	tries    int
	fallback uint64 // a number it owns
}

func newOwned(from workload.Source, key string, slots *target.SlotMap, node, tries int) (*owned, error) {
	k, ok := workload.NewKey(key)
	if !ok {
		return nil, fmt.Errorf("the key %q has no number", key)
	}
	return &owned{from: from, key: k, slots: slots, node: node, tries: tries}, nil
}

// Next implements workload.Source.
func (o *owned) Next() uint64 {
	for range o.tries {
		if n := o.from.Next(); o.has(n) {
			return n
		}
	}
	return o.fallback
}

func (o *owned) has(n uint64) bool { return o.slots.Owner(o.key.Of(n)) == o.node }

// count returns how many numbers below end it owns.
func (o *owned) count(end uint64) (sum uint64) {
	for n := range end {
		if o.has(n) {
			sum++
		}
	}
	return sum
}

// first returns the least number below end that it owns.
func (o *owned) first(end uint64) (uint64, bool) {
	for n := range end {
		if o.has(n) {
			return n, true
		}
	}
	return 0, false
}
