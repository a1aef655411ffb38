package resp

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// smallLimits are low enough for short streams to reach all of them.
func smallLimits(unauth bool) Limits {
	return Limits{MaxArgs: 20, MaxBulk: 40, MaxInline: 50, MaxQuery: 300, Unauthenticated: unauth}
}

func drawCuts(t *rapid.T, length int) []int {
	cuts := rapid.SliceOfN(rapid.IntRange(0, length), 0, 12).Draw(t, "cuts")
	slices.Sort(cuts)
	return cuts
}

// Any stream of valid commands comes out as it went in, however it is cut.
func TestValidStreamsInAnyCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		arg := rapid.StringMatching(`[\x00-\xff]{0,20}|[a-z]{0,3}|x{90,110}`)
		commands := rapid.SliceOfN(rapid.SliceOfN(arg, 1, 14), 0, 8).Draw(t, "commands")
		var stream []byte
		for _, c := range commands {
			stream = append(stream, rapid.SampledFrom([]string{"", "\r\n", "*0\r\n", "*-1\r\n"}).Draw(t, "before")...)
			stream = append(stream, encode(c...)...)
		}
		lim := DefaultLimits()
		want := outcome{commands: commands}
		if got := feed(stream, &lim, drawCuts(t, len(stream))...); got.String() != want.String() {
			t.Fatalf("got %v\nwant %v", got, want)
		}
	})
}

// Any stream at all means the same in any cut, and what the model says.
func TestAnyStreamInAnyCut(t *testing.T) {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{
			"*1\r\n", "*2\r\n", "*11\r\n", "*0\r\n", "*-1\r\n", "$4\r\nPING\r\n", "$0\r\n\r\n", "$3\r\n", "$99\r\n",
			"*", "$", "\r", "\n", "\r\n", "\x00", "PING", " ", "\"", "'", `\`, `\x4`, "1", "9", "0", "-",
		}),
		rapid.StringMatching(`[*$0-9a-c \r\n"'\\-]{1,8}`),
		rapid.StringMatching(`[ -~]{30,60}`),
	)
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		for _, s := range rapid.SliceOfN(piece, 0, 40).Draw(t, "pieces") {
			stream = append(stream, s...)
		}
		lim := smallLimits(rapid.Bool().Draw(t, "unauth"))
		want := model(stream, &lim)
		if got := feed(stream, &lim, drawCuts(t, len(stream))...); got.String() != want.String() {
			t.Fatalf("%q: got %v\nwant %v", stream, got, want)
		}
	})
}
