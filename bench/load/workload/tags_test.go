package workload

import (
	"bytes"
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/slot"
)

// keys finds the keys of requests: every word with a hash tag.
func keys(commands [][]string) (all []string) {
	for _, words := range commands {
		for _, w := range words {
			if strings.HasPrefix(w, "{") {
				all = append(all, w)
			}
		}
	}
	return all
}

// TestTaggedRequestsLieInOneSlot looks at each request of a pipeline by itself:
// all keys of one have one slot, requests differ, and no key is there twice.
func TestTaggedRequestsLieInOneSlot(t *testing.T) {
	for name, wantKeys := range map[string]int{"MSET": 10, "MGET": 10, "SUNION": 2, "EXEC": 4, "EVAL": 2} {
		w, err := ByName(name, shape)
		if err != nil {
			t.Fatal(err)
		}
		w = w.WithTags(shape)
		tpl := Compile(w.Request, 20)
		buf := bytes.Clone(tpl.Bytes)
		tpl.Patch(buf, shape.Sources(0, 1))
		commands := words(t, buf)
		slots := map[uint16]bool{}
		for i := range tpl.Requests {
			request := keys(commands[i*len(w.Request) : (i+1)*len(w.Request)])
			of := map[uint16]bool{}
			different := map[string]bool{}
			for _, k := range request {
				of[slot.Of([]byte(k))] = true
				different[k] = true
				slots[slot.Of([]byte(k))] = true
			}
			if len(of) != 1 || len(different) != wantKeys || len(request) != wantKeys {
				t.Fatalf("%s: keys %q in %d slots", name, request, len(of))
			}
		}
		if len(slots) < 5 {
			t.Errorf("%s: 20 requests in %d slots", name, len(slots))
		}
	}
}

// TestTaggedReadsHitWhatIsPrefilled for the one that must.
func TestTaggedReadsHitWhatIsPrefilled(t *testing.T) {
	w, err := ByName("MGET", shape)
	if err != nil {
		t.Fatal(err)
	}
	w = w.WithTags(shape)
	fill := Compile(w.Prefill.Request, int(shape.SpaceSize(w.Prefill.Over)))
	from := shape.Sources(0, 1)
	from[w.Prefill.Over] = NewSequence(shape.SpaceSize(w.Prefill.Over))
	buf := bytes.Clone(fill.Bytes)
	fill.Patch(buf, from)
	there := map[string]bool{}
	for _, k := range keys(words(t, buf)) {
		there[k] = true
	}
	if len(there) != int(shape.Keys) {
		t.Fatalf("%d keys", len(there))
	}
	tpl := Compile(w.Request, 50)
	buf = bytes.Clone(tpl.Bytes)
	tpl.Patch(buf, shape.Sources(0, 2))
	for _, k := range keys(words(t, buf)) {
		if !there[k] {
			t.Fatalf("%s was not written", k)
		}
	}
}

// TestKeyIsWhereTheRequestGoes: the key that a workload names is the one of its
// request with the same number, and the only one where no tag binds several.
func TestKeyIsWhereTheRequestGoes(t *testing.T) {
	for _, name := range Names() {
		w, err := ByName(name, shape)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range []Workload{w, w.WithTags(shape)} {
			if w.Key == "" {
				continue
			}
			k, ok := NewKey(w.Key)
			if !ok {
				t.Fatalf("%s: %q", name, w.Key)
			}
			from := shape.Sources(0, 1)
			from[k.Space] = NewSequence(1)
			tpl := Compile(w.Request, 1)
			buf := bytes.Clone(tpl.Bytes)
			tpl.Patch(buf, from)
			if key := "\r\n" + string(k.Of(0)) + "\r\n"; !strings.Contains(string(buf), key) {
				t.Errorf("%s: no %q in %q", name, key, buf)
			}
			from[k.Space] = listed{7, 7, 7}.source()
			tpl.Patch(buf, from)
			if key := "\r\n" + string(k.Of(7)) + "\r\n"; !strings.Contains(string(buf), key) {
				t.Errorf("%s: no %q in %q", name, key, buf)
			}
		}
	}
	if _, ok := NewKey("key:__rand_other"); ok {
		t.Error("a word without a placeholder is a key")
	}
}
