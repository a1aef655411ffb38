package drive

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/troupedb/troupe/bench/load/resptest"
	"github.com/troupedb/troupe/bench/load/target"
	"github.com/troupedb/troupe/bench/load/workload"
	"github.com/troupedb/troupe/shard/slot"
)

// fakeCluster is three servers, of which any says who owns which slots. The
// boundaries between them may be moved.
type fakeCluster struct {
	servers []*resptest.Server
	bounds  [2]atomic.Int64 // the first slots of the second and the third
	load    func(node int, words []string) string
}

func startCluster(t *testing.T, load func(node int, words []string) string) *fakeCluster {
	t.Helper()
	f := &fakeCluster{load: load}
	f.bounds[0].Store(4096) // a quarter, a half, a quarter
	f.bounds[1].Store(12288)
	f.servers = make([]*resptest.Server, 3)
	for i := range f.servers {
		f.servers[i] = resptest.Start(t, 0, func(words []string) string {
			switch words[0] {
			case "CLUSTER":
				return f.slots()
			case "AUTH":
				return "+OK\r\n"
			}
			return f.load(i, words)
		})
	}
	return f
}

func (f *fakeCluster) slots() string {
	edges := []int64{0, f.bounds[0].Load(), f.bounds[1].Load(), slot.Count}
	var b strings.Builder
	ranges := 0
	for i, s := range f.servers {
		if edges[i] == edges[i+1] {
			continue
		}
		ranges++
		host, port, _ := strings.Cut(s.Addr, ":")
		fmt.Fprintf(&b, "*3\r\n:%d\r\n:%d\r\n*3\r\n$%d\r\n%s\r\n:%s\r\n$2\r\nid\r\n", edges[i], edges[i+1]-1, len(host), host, port)
	}
	return fmt.Sprintf("*%d\r\n%s", ranges, b.String())
}

func (f *fakeCluster) owner(key string) int {
	s := int64(slot.Of([]byte(key)))
	switch {
	case s < f.bounds[0].Load():
		return 0
	case s < f.bounds[1].Load():
		return 1
	}
	return 2
}

// job is one with the password that makes every connection say AUTH.
func (f *fakeCluster) job(t *testing.T, name string, slotAware bool) Job {
	t.Helper()
	job := jobFor(t, f.servers[0].Addr, name, 4, 8, 2)
	job.Endpoints = nil
	for _, s := range f.servers {
		job.Endpoints = append(job.Endpoints, target.Endpoint{Addr: s.Addr, Password: "p"})
	}
	if slotAware {
		var err error
		if job.Slots, err = target.AskSlots(context.Background(), job.Endpoints); err != nil {
			t.Fatal(err)
		}
	}
	return job
}

func (f *fakeCluster) connections() (n []int) {
	for _, s := range f.servers {
		n = append(n, len(s.Commands("AUTH")))
	}
	return n
}

func okEverywhere(int, []string) string { return "+OK\r\n" }

func TestPlainClientsAreSpreadEvenly(t *testing.T) {
	f := startCluster(t, okEverywhere)
	job := f.job(t, "SET", false)
	s := open(t, Builtin{}, job)
	if _, err := s.Round(context.Background(), Limit{Requests: 800}); err != nil {
		t.Fatal(err)
	}
	if got := f.connections(); !slices.Equal(got, []int{3, 3, 2}) {
		t.Fatalf("8 clients at three addresses: %v", got)
	}
	elsewhere := 0
	for i, server := range f.servers {
		for _, words := range server.Commands("SET") {
			if f.owner(words[1]) != i {
				elsewhere++
			}
		}
	}
	if elsewhere < 200 {
		t.Fatalf("only %d of 800 keys went to another than their owner", elsewhere)
	}
}

func TestSlotAwareClientsAskTheOwner(t *testing.T) {
	everyLoop(t, func(t *testing.T, d Builtin) {
		for name, keyAt := range map[string]int{"SET": 1, "LPUSH": 1, "HSET": 1, "ZADD": 1} {
			f := startCluster(t, okEverywhere)
			job := f.job(t, name, true)
			job.Shape.Collections = 200
			before := f.connections()
			s := open(t, d, job)
			if _, err := s.Round(context.Background(), Limit{Requests: 800}); err != nil {
				t.Fatal(err)
			}
			after := f.connections()
			for i, server := range f.servers {
				if got, want := after[i]-before[i], []int{2, 4, 2}[i]; got != want {
					t.Errorf("%s: %d clients at node %d, want %d", name, got, i, want)
				}
				all := server.Commands(name)
				for _, words := range all {
					if f.owner(words[keyAt]) != i {
						t.Fatalf("%s: %q at node %d", name, words[keyAt], i)
					}
				}
				if len(all) == 0 {
					t.Errorf("%s: nothing for node %d", name, i)
				}
			}
		}
	})
}

func TestSeveralKeysGoToAnyOwner(t *testing.T) {
	f := startCluster(t, okEverywhere)
	job := f.job(t, "MSET", true)
	before := f.connections()
	s := open(t, Builtin{}, job)
	if _, err := s.Round(context.Background(), Limit{Requests: 40}); err != nil {
		t.Fatal(err)
	}
	for i, n := range f.connections() {
		if n -= before[i]; n < 2 || n > 3 {
			t.Errorf("%d of 8 clients at node %d", n, i)
		}
	}
}

func TestTaggedRequestsGoToTheirOwner(t *testing.T) {
	f := startCluster(t, func(_ int, words []string) string {
		if words[0] == "EXEC" {
			return "*1\r\n+OK\r\n"
		}
		return "+OK\r\n"
	})
	for _, name := range []string{"MSET", "EXEC", "EVAL", "SUNION"} {
		job := f.job(t, name, true)
		job.Workload = job.Workload.WithTags(job.Shape)
		s := open(t, Builtin{}, job)
		if _, err := s.Round(context.Background(), Limit{Requests: 200}); err != nil {
			t.Fatal(err)
		}
		for i, server := range f.servers {
			for _, words := range server.Commands("") {
				for _, w := range words {
					if strings.HasPrefix(w, "{") && f.owner(w) != i {
						t.Fatalf("%q at node %d", words, i)
					}
				}
			}
		}
	}
}

func TestSlotAwarePrefillWritesEveryKeyAtItsOwner(t *testing.T) {
	f := startCluster(t, okEverywhere)
	job := f.job(t, "GET", true)
	out, err := Builtin{}.Prefill(context.Background(), job, *job.Workload.Prefill)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, server := range f.servers {
		for _, words := range server.Commands("SET") {
			seen[words[1]] = true
			if f.owner(words[1]) != i {
				t.Fatalf("%q at node %d", words[1], i)
			}
		}
	}
	if len(seen) != int(shape.Keys) || out.Requests < int64(shape.Keys) {
		t.Fatalf("%d keys of %d, %+v", len(seen), shape.Keys, out)
	}
}

// TestOwnersOfNoKeyGetNoClients: with a single key, only its owner is asked.
func TestOwnersOfNoKeyGetNoClients(t *testing.T) {
	f := startCluster(t, okEverywhere)
	job := f.job(t, "SET", true)
	job.Shape.Keys = 1
	s := open(t, Builtin{}, job)
	if _, err := s.Round(context.Background(), Limit{Requests: 80}); err != nil {
		t.Fatal(err)
	}
	for i, server := range f.servers {
		if n := len(server.Commands("SET")); (n > 0) != (f.owner("key:000000000000") == i) {
			t.Errorf("%d requests at node %d", n, i)
		}
	}
}

// TestOwnedEndsOnAnUnlikelyNode draws from a source that yields a foreign number
// for ever.
func TestOwnedEndsOnAnUnlikelyNode(t *testing.T) {
	f := startCluster(t, okEverywhere)
	job := f.job(t, "SET", true)
	foreign := f.owner("key:000000000000")
	node := (foreign + 1) % 3
	o, err := newOwned(workload.NewSequence(1), job.Workload.Key, job.Slots, node, maxDraws)
	if err != nil {
		t.Fatal(err)
	}
	var ok bool
	if o.fallback, ok = o.first(1000); !ok || !o.has(o.fallback) {
		t.Fatal("none of a thousand keys is the node's")
	}
	if n := o.Next(); n != o.fallback {
		t.Fatalf("drew %d", n)
	}
}

func TestDealIsInProportionAtEveryStep(t *testing.T) {
	weights := []int{1, 0, 3, 2}
	dealt := deal(600, weights)
	has := make([]int, len(weights))
	for i, p := range dealt {
		has[p]++
		for q, w := range weights {
			if fair := float64(w*(i+1)) / 6; float64(has[q]) > fair+1 || float64(has[q]) < fair-1 {
				t.Fatalf("after %d clients place %d has %d, fair are %.2f", i+1, q, has[q], fair)
			}
		}
	}
}
