package resp

import "math"

// The limits of redis-server 7.0.15, and why each exists.
const (
	// MaxMultibulk is the largest argument count a header may announce. Announcing
	// costs nothing here: storage grows with the arguments that arrive.
	MaxMultibulk = math.MaxInt32
	// UnauthMaxArgs is the argument count for a peer that has not authenticated: AUTH
	// and HELLO need no more, so a stranger can hold only a little memory.
	UnauthMaxArgs = 10
	// UnauthMaxBulk is the size of one argument, in bytes, before authentication.
	UnauthMaxBulk = 16 * 1024
	// MaxInlineSize is the longest line, in bytes, that may lack its end: an inline
	// command, or the header of a multibulk or bulk.
	MaxInlineSize = 64 * 1024
	// DefaultMaxBulk is the default of proto-max-bulk-len, in bytes.
	DefaultMaxBulk = 512 << 20
	// DefaultMaxQuery is the default of client-query-buffer-limit, in bytes.
	DefaultMaxQuery = 1 << 30
)

// Limits bound one connection's requests. They are read at each call of
// [Parser.Next], so CONFIG SET and AUTH take effect at the next header.
//
// Two differences from Redis, both to be bounded and independent of how the stream
// was cut. A line longer than MaxInline is always refused; Redis takes it when its end
// comes in the same read. MaxQuery counts a whole command; Redis counts only what it
// has not yet split into arguments.
type Limits struct {
	// MaxArgs is the highest announced argument count.
	MaxArgs int
	// MaxBulk is the longest argument in bytes (proto-max-bulk-len).
	MaxBulk int64
	// MaxInline is the longest line in bytes, its end not counted.
	MaxInline int
	// MaxQuery is the longest multibulk command in bytes (client-query-buffer-limit).
	// A caller holds at most MaxQuery + MaxInline bytes of a partial command, and
	// what its last read brought.
	MaxQuery int64
	// Unauthenticated adds UnauthMaxArgs and UnauthMaxBulk.
	Unauthenticated bool
}

// DefaultLimits are those of a redis-server with its default configuration.
func DefaultLimits() Limits {
	return Limits{
		MaxArgs:   MaxMultibulk,
		MaxBulk:   DefaultMaxBulk,
		MaxInline: MaxInlineSize,
		MaxQuery:  DefaultMaxQuery,
	}
}

// checkCount judges the count of a multibulk header.
func (l *Limits) checkCount(count int64) *ProtocolError {
	switch {
	case count > int64(l.MaxArgs):
		return ErrMultibulkLength
	case l.Unauthenticated && count > UnauthMaxArgs:
		return ErrUnauthMultibulk
	}
	return nil
}

// checkBulk judges the length of a bulk header.
func (l *Limits) checkBulk(length int64) *ProtocolError {
	switch {
	case length < 0 || length > l.MaxBulk:
		return ErrBulkLength
	case l.Unauthenticated && length > UnauthMaxBulk:
		return ErrUnauthBulk
	}
	return nil
}

// minRead is the least room for a read in bytes: redis-server's own I/O unit.
const minRead = 16 * 1024

// ReadRoom is how many bytes of free space a caller should offer the next read when it
// holds held bytes of a partial command and [Parser.Missing] reported missing. A
// buffer sized this way at most doubles with each read it has filled, so an
// announcement alone never makes it grow.
func ReadRoom(held int, missing int64) int {
	room := max(held, minRead)
	if missing > 0 && missing < int64(room) {
		room = max(int(missing), minRead)
	}
	return room
}
