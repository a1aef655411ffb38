package slot

import (
	"testing"

	"pgregory.net/rapid"
)

func TestOf(t *testing.T) {
	// Answers of CLUSTER KEYSLOT.
	for key, want := range map[string]uint16{
		"": 0, "123456789": 12739, "foo": 12182, "bar": 5061, "a": 15495,
		"{foo}bar": 12182, "x{foo}{bar}": 12182, "{}foo": 9500, "foo{": 7673,
		"a-rather-long-key:with-parts:0123456789": 4944,
	} {
		if got := Of([]byte(key)); got != want {
			t.Errorf("%q: slot %d, want %d", key, got, want)
		}
	}
}

func TestCRCBitByBit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOf(rapid.Byte()).Draw(t, "key")
		var want uint16
		for _, b := range key {
			want ^= uint16(b) << 8
			for range 8 {
				if want&0x8000 != 0 {
					want = want<<1 ^ polynomial
				} else {
					want <<= 1
				}
			}
		}
		if got := crc16(key); got != want {
			t.Fatalf("%q: %04x, want %04x", key, got, want)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	key := []byte("key:000000123456")
	for b.Loop() {
		Of(key)
	}
}
