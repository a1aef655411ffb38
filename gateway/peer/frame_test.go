package peer

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestFramesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var want []frame
		for range rapid.IntRange(1, 5).Draw(t, "frames") {
			f := frame{
				kind(rapid.IntRange(int(kindHello), int(kindEnd)-1).Draw(t, "kind")), rapid.Uint64().Draw(t, "id"),
				rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "content"),
			}
			out, start := begin(stream, f.kind, f.id)
			stream = append(out, f.content...)
			finish(stream, start)
			want = append(want, f)
		}
		rest := stream
		for _, w := range want {
			for cut := range len(encode(w.kind, w.id, w.content)) {
				if _, n, err := next(rest[:cut], MaxFrame); n != 0 || err != nil {
					t.Fatalf("%d bytes of %x: took %d, %v", cut, rest, n, err)
				}
			}
			f, n, err := next(rest, MaxFrame)
			if err != nil || f.kind != w.kind || f.id != w.id || string(f.content) != string(w.content) {
				t.Fatalf("got %v, %d, %v; want %v", f, n, err, w)
			}
			rest = rest[n:]
		}
		if len(rest) > 0 {
			t.Fatalf("%x is left", rest)
		}
	})
}

func TestMalformedFrames(t *testing.T) {
	long := append([]byte{0, 0, 0, 0, byte(kindReply)}, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1)
	finish(long, 0)
	for name, c := range map[string]struct {
		in   []byte
		most int
		want error
	}{
		"nothing in it":         {binary.LittleEndian.AppendUint32(nil, 0), MaxFrame, errFrame},
		"a byte in it":          {append(binary.LittleEndian.AppendUint32(nil, 1), 1), MaxFrame, errFrame},
		"kind 0":                {encode(0, 1, nil), MaxFrame, errFrame},
		"a kind that is none":   {encode(kindEnd, 1, nil), MaxFrame, errFrame},
		"the last kind":         {encode(255, 1, nil), MaxFrame, errFrame},
		"an identity too long":  {long, MaxFrame, errFrame},
		"an identity cut":       {append(binary.LittleEndian.AppendUint32(nil, 2), byte(kindReply), 128), MaxFrame, errFrame},
		"longer than it may be": {encode(kindReply, 1, make([]byte, 99)), 100, errTooLarge},
		"announced too long":    {binary.LittleEndian.AppendUint32(nil, MaxFrame+1), MaxFrame, errTooLarge},
		"announced for ever":    {binary.LittleEndian.AppendUint32(nil, math.MaxUint32), MaxFrame, errTooLarge},
		"as long as it may be":  {encode(kindReply, 1, make([]byte, 98)), 100, nil},
		"announced, not there":  {binary.LittleEndian.AppendUint32(nil, MaxFrame), MaxFrame, nil},
	} {
		if _, _, err := next(c.in, c.most); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func FuzzNext(f *testing.F) {
	f.Add([]byte{})
	f.Add(encode(kindRequest, 300, []byte("content")))
	f.Fuzz(func(t *testing.T, in []byte) {
		f, n, err := next(in, MaxFrame)
		if err != nil || n == 0 {
			return
		}
		if n > len(in) || len(f.content) > n {
			t.Fatalf("took %d of %d bytes", n, len(in))
		}
		again, m, err := next(encode(f.kind, f.id, f.content), MaxFrame)
		if err != nil || m == 0 || again.kind != f.kind || again.id != f.id || string(again.content) != string(f.content) {
			t.Fatalf("%v comes back as %v, %v", f, again, err)
		}
	})
}
