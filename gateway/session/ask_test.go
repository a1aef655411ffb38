package session

import (
	"bytes"
	"testing"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

func TestQuestions(t *testing.T) {
	for _, args := range [][]string{nil, {""}, {"a", "", "\x00b\r\n"}, {string(make([]byte, 300))}} {
		var words [][]byte
		for _, a := range args {
			words = append(words, []byte(a))
		}
		b := appendQuestion(nil, &command.Info{ID: 300}, words)
		id, got, err := parseQuestion(b)
		if err != nil || id != 300 || len(got) != len(words) {
			t.Fatalf("%q: %d %q %v", args, id, got, err)
		}
		for i := range got {
			if !bytes.Equal(got[i], words[i]) {
				t.Errorf("word %d of %q: %q", i, args, got[i])
			}
		}
		if len(args) > 0 && len(args[len(args)-1]) > 0 {
			if _, _, err := parseQuestion(b[:len(b)-1]); err == nil {
				t.Errorf("%q: a cut question is taken", args)
			}
		}
	}
}

func FuzzParseQuestion(f *testing.F) {
	f.Add([]byte{3, 1, 'a', 0})
	f.Add([]byte{0x80})
	f.Add([]byte{0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, args, err := parseQuestion(b)
		size := 0
		for _, a := range args {
			size += len(a)
		}
		if err == nil && size > len(b) {
			t.Errorf("%q has %d bytes of words", b, size)
		}
	})
}

// What nodes answer counts once, until it is enough.
func TestGathering(t *testing.T) {
	said := func(n int64) []byte {
		w := reply.Writer{}
		w.Int(n)
		return w.Buf
	}
	for _, c := range []struct {
		name    string
		enough  func(reply.Value) bool
		answers []int64 // -1: none
		sum     int64
		after   int // how many answers it takes
	}{
		{"all", nil, []int64{1, 2, 4}, 7, 3},
		{"one is silent", nil, []int64{1, -1, 4}, 5, 3},
		{"enough", func(v reply.Value) bool { return v.Int == 2 }, []int64{1, 2, 4}, 3, 2},
	} {
		called := 0
		var got Answers
		g := newGathering([]directory.Number{1, 2, 3}, c.enough, func(a Answers) { called, got = called+1, a })
		for i, n := range c.answers {
			if (called > 0) != (i >= c.after) {
				t.Errorf("%s: called %d times after %d answers", c.name, called, i)
			}
			g.take(i, said(n), n >= 0)
		}
		g.end() // the timer
		if called != 1 || got.Sum() != c.sum {
			t.Errorf("%s: called %d times, sum %d", c.name, called, got.Sum())
		}
	}
}

func TestSkipValue(t *testing.T) {
	for _, v := range []string{"+OK\r\n", "$-1\r\n", "*-1\r\n", "_\r\n", "*2\r\n*1\r\n$1\r\na\r\n:1\r\n", "%1\r\n+a\r\n*0\r\n", "=5\r\ntxt:a\r\n"} {
		if got := skipValue([]byte(v + ":7\r\n")); string(got) != ":7\r\n" {
			t.Errorf("%q leaves %q", v, got)
		}
	}
}
