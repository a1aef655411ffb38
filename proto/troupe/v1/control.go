package troupev1

import (
	"errors"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// EnvelopeName is what an Envelope is called on the wire.
const EnvelopeName = "troupe.v1.Envelope"

var errEnvelope = errors.New("not an envelope")

// Size returns how many bytes e takes on the wire.
func (e *Envelope) Size() int { return proto.Size(e) }

// CheckEnvelope tells whether b can be decoded as an Envelope, without decoding
// it: what follows in another's code then cannot fail.
func CheckEnvelope(b []byte) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 || !number.IsValid() {
			return errEnvelope
		}
		b = b[n:]
		if n = protowire.ConsumeFieldValue(number, kind, b); n < 0 {
			return errEnvelope
		}
		if kind == protowire.BytesType && isText(number) {
			if text, _ := protowire.ConsumeBytes(b); !utf8.Valid(text) {
				return errEnvelope
			}
		}
		b = b[n:]
	}
	return nil
}

// isText tells whether the field is a string.
func isText(n protowire.Number) bool { return n == 1 || n == 2 || n == 4 || n == 11 }
