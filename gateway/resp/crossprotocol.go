package resp

import "bytes"

// IsCrossProtocol reports that a command's name is one that only a browser lured into
// talking HTTP to this port would send: POST, or a Host: header. The caller closes the
// connection without a reply, so that the request's body never runs as commands.
func IsCrossProtocol(name []byte) bool {
	switch len(name) {
	case len("post"):
		return bytes.EqualFold(name, []byte("post"))
	case len("host:"):
		return bytes.EqualFold(name, []byte("host:"))
	}
	return false
}
