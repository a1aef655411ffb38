package saga

import (
	"math"
	"time"

	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/reply"
)

// maxTimeout bounds how long a command waits, in milliseconds: 292 years, the
// most that fits a timer.
const maxTimeout = math.MaxInt64 / int64(time.Millisecond)

// readTimeout reads argument i, seconds with a fraction, as milliseconds rounded
// up; 0 is no timeout. Otherwise it writes the error. What an int64 of
// milliseconds cannot hold is "negative", as it becomes in Redis.
func readTimeout(t *Tx, i int) (ms int64, ok bool) {
	if ms, ok = parseTimeout(t.Args[i]); !ok {
		t.Out.Error(reply.ErrTimeoutNum)
		return 0, false
	}
	if ms < 0 {
		t.Out.Error(reply.ErrTimeoutNeg)
		return 0, false
	}
	return min(ms, maxTimeout), true
}

// parseTimeout returns milliseconds, negative ones for what is out of range.
func parseTimeout(text []byte) (ms int64, ok bool) {
	if n, isInt := num.ParseInt(text); isInt && n <= math.MaxInt64/1000 {
		return max(n, -1) * 1000, true // a double would round it
	}
	seconds, ok := readSeconds(text)
	wait := math.Ceil(seconds * 1000)
	if wait < 0 || wait >= math.MaxInt64 {
		wait = -1
	}
	return int64(wait), ok
}

// readSeconds reads a number that Redis reads as a long double. Of what only that
// can hold the size matters, not the digits.
func readSeconds(text []byte) (seconds float64, ok bool) {
	if seconds, ok = num.ParseFloat(text); ok {
		return seconds, true
	}
	long, ok := num.ParseLongDouble(text)
	if !ok {
		return 0, false
	}
	digits, err := num.AddLong(nil, &long, new(num.LongDouble))
	if err != nil {
		return 0, false
	}
	if _, tiny := num.ParseFloat(digits); !tiny {
		seconds = math.Inf(1)
	} else {
		seconds = math.SmallestNonzeroFloat64
	}
	if text[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}
