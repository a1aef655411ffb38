package wire

import (
	"encoding/binary"

	"github.com/troupedb/troupe/shard/engine"
)

// AppendAnswer appends a.
func AppendAnswer(dst []byte, a *engine.Answer) []byte {
	dst = append(dst, byte(a.Kind))
	dst = binary.AppendUvarint(dst, uint64(a.Saga))
	dst = binary.AppendUvarint(dst, uint64(a.Shard))
	dst = binary.AppendUvarint(dst, uint64(a.Attempt))
	dst = binary.AppendUvarint(dst, a.Visit)
	switch a.Kind {
	case engine.AnswerRan, engine.AnswerFailed:
		dst = binary.AppendUvarint(dst, uint64(a.Round))
		dst = appendBool(dst, a.Wrote)
		dst = binary.AppendUvarint(dst, a.Errs)
		dst = appendBytes(dst, a.Out)
		dst = binary.AppendUvarint(dst, uint64(len(a.Ends)))
		for _, end := range a.Ends {
			dst = binary.AppendUvarint(dst, uint64(end))
		}
	case engine.AnswerDecided:
		dst = appendBytes(dst, a.Record)
	case engine.AnswerHanded:
		dst = appendBytes(append(dst, byte(a.DB)), a.Key)
		dst = binary.AppendUvarint(dst, a.Place)
	}
	return dst
}

// ParseAnswer reads an answer of one of the cluster's shards. It names memory of b.
func ParseAnswer(b []byte, shards int) (*engine.Answer, error) {
	a := &engine.Answer{}
	return a, ParseAnswerInto(a, b, shards)
}

// ParseAnswerInto is ParseAnswer into an answer whose list of ends is used again.
func ParseAnswerInto(a *engine.Answer, b []byte, shards int) error {
	in := reader{b: b}
	*a = engine.Answer{
		Ends: a.Ends[:0],
		Kind: engine.AnswerKind(in.upTo(uint64(engine.AnswerHanded))), Saga: engine.SagaID(in.uint()),
		Shard: in.upTo(uint64(shards - 1)), Attempt: uint32(in.upTo(1<<32 - 1)), Visit: in.uint(),
	}
	switch a.Kind {
	case engine.AnswerRan, engine.AnswerFailed:
		in.ran(a)
	case engine.AnswerDecided:
		a.Record = in.bytes()
	case engine.AnswerHanded:
		a.DB = int(in.db())
		a.Key = in.bytes()
		a.Place = in.uint()
	case engine.AnswerLost: // no shard says so
		in.fail()
	}
	return in.end()
}

func (r *reader) ran(a *engine.Answer) {
	a.Round, a.Wrote, a.Errs, a.Out = uint32(r.upTo(1<<32-1)), r.byte() != 0, r.uint(), r.bytes()
	a.Ends = sized(a.Ends, r.count(1))
	last := 0
	for i := range a.Ends {
		end := r.upTo(uint64(len(a.Out)))
		if end < last {
			r.fail()
			return
		}
		a.Ends[i], last = end, end
	}
}
