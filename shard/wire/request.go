package wire

import (
	"encoding/binary"
	"hash/fnv"
	"slices"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
)

// Fingerprint tells tables apart: nodes whose tables differ would take one command
// for another.
func Fingerprint(table *command.Table) uint64 {
	h := fnv.New64a()
	for _, info := range table.All() {
		h.Write([]byte(info.FullName))
		h.Write([]byte{0})
	}
	return h.Sum64()
}

// Request is a command on one key as it travels to the shard's node.
type Request struct {
	Cmd   *command.Info
	DB    int
	Proto uint8
	Epoch uint64 // of the shard
	Slot  uint16
	Args  [][]byte
}

// AppendRequest appends r.
func AppendRequest(dst []byte, r *Request) []byte {
	dst = binary.AppendUvarint(dst, uint64(r.Cmd.ID))
	dst = append(dst, byte(r.DB), r.Proto)
	dst = binary.AppendUvarint(dst, r.Epoch)
	dst = binary.AppendUvarint(dst, uint64(r.Slot))
	return appendArgs(dst, r.Args)
}

// ParseRequest reads a request into r, whose Args are used again.
func ParseRequest(b []byte, table *command.Table, r *Request) error {
	in := reader{b: b}
	r.Cmd = in.command(table)
	r.DB = int(in.byte())
	r.Proto = in.byte()
	r.Epoch = in.uint()
	r.Slot = uint16(in.upTo(slot.Count - 1))
	r.Args = in.args(r.Args[:0])
	// From another node nothing is asked of a shard whatever its epoch.
	if r.DB >= keyspace.Databases || r.Proto < 2 || r.Proto > 3 || r.Epoch == 0 {
		in.fail()
	}
	if err := in.end(); err != nil {
		return err
	}
	// The key must be where the table says, in the slot that the frame says.
	if key := r.Cmd.KeyPos; r.Cmd.Route != command.RouteSingle || key <= 0 || key >= len(r.Args) ||
		!r.Cmd.AdmitsArity(len(r.Args)) || slot.Of(r.Args[key]) != r.Slot {
		return ErrMalformed
	}
	return nil
}

func (r *reader) command(table *command.Table) *command.Info {
	id := r.upTo(uint64(table.Len() - 1))
	return table.ByID(id)
}

func appendArgs(dst []byte, args [][]byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(args)))
	for _, a := range args {
		dst = appendBytes(dst, a)
	}
	return dst
}

// args reads words, without copying them. A nil word and an empty one are the same.
func (r *reader) args(into [][]byte) [][]byte {
	n := r.count(1)
	into = slices.Grow(into, n)
	for range n {
		into = append(into, r.bytes())
	}
	return into
}

// Run returns the request as an engine takes it.
func (r *Request) Run(out *reply.Writer, now int64) engine.Request {
	return engine.Request{
		Cmd: r.Cmd, DB: r.DB, Slot: r.Slot, Key: r.Cmd.KeyPos, Args: r.Args, Out: out, Now: now, Epoch: r.Epoch,
	}
}
