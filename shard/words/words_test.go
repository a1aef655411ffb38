package words

import (
	"bytes"
	"fmt"
	"testing"
)

// TestList: what was cloned stays what it was, whatever comes after it and whatever
// becomes of what it was cloned from.
func TestList(t *testing.T) {
	var l List
	for round := range 3 {
		var kept [][][]byte
		size := 0
		for i := range 100 {
			args := [][]byte{nil, fmt.Appendf(nil, "key%d", i), bytes.Repeat([]byte{byte(i)}, i*round)}
			kept = append(kept, l.Clone(args))
			size += len(args[1]) + len(args[2])
			for _, a := range args {
				clear(a)
			}
		}
		if l.Size() != size {
			t.Errorf("round %d: %d bytes, want %d", round, l.Size(), size)
		}
		for i, args := range kept {
			if len(args) != 3 || len(args[0]) != 0 || string(args[1]) != fmt.Sprint("key", i) || !bytes.Equal(args[2], bytes.Repeat([]byte{byte(i)}, i*round)) {
				t.Fatalf("round %d: %d is %q", round, i, args)
			}
			_ = append(args[1], "overwrites nothing"...)
		}
		l.Reset()
	}
}

func TestListAllocatesNothing(t *testing.T) {
	var l List
	args := [][]byte{[]byte("mget"), []byte("key")}
	if n := testing.AllocsPerRun(100, func() {
		for range 10 {
			l.Clone(args)
		}
		l.Reset()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
