package resp

// ProtocolError ends a connection: the caller sends [ProtocolError.AppendReply] and
// closes.
type ProtocolError struct {
	text   string
	silent bool
}

// The errors a request can end in, with redis-server's texts.
var (
	ErrMultibulkLength = &ProtocolError{text: "Protocol error: invalid multibulk length"}
	ErrBulkLength      = &ProtocolError{text: "Protocol error: invalid bulk length"}
	ErrUnauthMultibulk = &ProtocolError{text: "Protocol error: unauthenticated multibulk length"}
	ErrUnauthBulk      = &ProtocolError{text: "Protocol error: unauthenticated bulk length"}
	ErrMultibulkHeader = &ProtocolError{text: "Protocol error: too big mbulk count string"}
	ErrBulkHeader      = &ProtocolError{text: "Protocol error: too big bulk count string"}
	ErrInlineSize      = &ProtocolError{text: "Protocol error: too big inline request"}
	ErrUnbalanced      = &ProtocolError{text: "Protocol error: unbalanced quotes in request"}
	// ErrQuerySize is sent to nobody: Redis closes such a connection without a word.
	ErrQuerySize = &ProtocolError{text: "query buffer limit reached", silent: true}
)

// errNoBulk is the error for a byte where the '$' of a bulk header belongs. A line
// break is shown as a space, so that the error stays one line.
func errNoBulk(got byte) *ProtocolError {
	if got == '\r' || got == '\n' {
		got = ' '
	}
	return &ProtocolError{text: "Protocol error: expected '$', got '" + string([]byte{got}) + "'"}
}

// Error is the text without RESP framing.
func (e *ProtocolError) Error() string { return e.text }

// Silent reports that the peer is told nothing before the connection closes.
func (e *ProtocolError) Silent() bool { return e.silent }

// AppendReply appends the RESP error to send before closing, or nothing if Silent.
func (e *ProtocolError) AppendReply(dst []byte) []byte {
	if e.silent {
		return dst
	}
	dst = append(dst, "-ERR "...)
	dst = append(dst, e.text...)
	return append(dst, "\r\n"...)
}
