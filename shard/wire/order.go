package wire

import (
	"encoding/binary"
	"slices"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/locks"
)

// AppendOrder appends o. Of a step's waiter only what a shard of another node needs
// travels: see engine.Waiter.Remote.
func AppendOrder(dst []byte, o *engine.Order) []byte {
	dst = append(dst, byte(o.Kind))
	dst = binary.AppendUvarint(dst, uint64(o.Saga))
	dst = binary.AppendUvarint(dst, uint64(o.Attempt))
	dst = binary.AppendUvarint(dst, o.Visit)
	dst = binary.AppendUvarint(dst, uint64(o.Now))
	dst = binary.AppendUvarint(dst, o.Epoch)
	switch o.Kind {
	case engine.OrderRun:
		dst = appendRun(dst, o)
	case engine.OrderDecide:
		dst = appendSteps(appendBool(appendBytes(dst, o.Record), o.Hold), o)
	case engine.OrderUndo:
		dst = appendBool(dst, o.Again)
	case engine.OrderCommit:
		dst = appendSteps(appendBool(dst, o.Quiet), o)
	case engine.OrderForget:
		dst = appendBool(dst, o.Quiet)
	}
	return dst
}

func appendSteps(dst []byte, o *engine.Order) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(o.Steps)))
	for i := range o.Steps {
		dst = appendStep(dst, &o.Steps[i])
	}
	return dst
}

func appendRun(dst []byte, o *engine.Order) []byte {
	dst = binary.AppendUvarint(dst, uint64(o.Round))
	dst = appendBool(append(dst, o.Proto), o.Shares)
	dst = binary.AppendUvarint(dst, uint64(len(o.Locks)))
	for i := range o.Locks {
		l := &o.Locks[i]
		dst = appendBytes(dst, []byte(l.Name))
		dst = appendBool(appendBool(append(dst, l.DB), l.All), l.Serve)
	}
	return appendSteps(dst, o)
}

// What a step's first byte says.
const (
	stepRuns  = 0
	stepWaits = 1
)

func appendStep(dst []byte, s *engine.SagaStep) []byte {
	if s.Wait != nil {
		dst = append(dst, stepWaits, byte(s.Wait.Kind))
		dst = binary.AppendUvarint(dst, uint64(s.Wait.Saga))
		dst = binary.AppendUvarint(dst, s.Place)
	} else {
		dst = append(dst, stepRuns)
		dst = binary.AppendUvarint(dst, uint64(s.Cmd.ID))
	}
	dst = append(dst, byte(s.DB))
	dst = binary.AppendUvarint(dst, uint64(s.Key))
	return appendArgs(dst, s.Args)
}

// ParseOrder reads an order, which names memory of b.
func ParseOrder(b []byte, table *command.Table) (*engine.Order, error) {
	return new(Orders).Parse(b, table)
}

// Orders reads orders into memory that it uses again.
type Orders struct {
	order engine.Order
	words [][]byte // of all steps
}

// Parse reads an order, which names memory of b and is valid until the next call.
func (r *Orders) Parse(b []byte, table *command.Table) (*engine.Order, error) {
	in := reader{b: b, words: r.words[:0]}
	o := &r.order
	lockList, stepList := o.Locks[:0], o.Steps[:0]
	clear(stepList[:cap(stepList)])
	*o = engine.Order{
		Locks: lockList, Steps: stepList,
		Kind: engine.OrderKind(in.upTo(uint64(engine.OrderConfirm))), Saga: engine.SagaID(in.uint()),
		Attempt: uint32(in.upTo(1<<32 - 1)), Visit: in.uint(), Now: int64(in.upTo(1<<62 - 1)), Epoch: in.uint(),
	}
	switch o.Kind {
	case engine.OrderRun:
		in.run(o, table)
	case engine.OrderDecide:
		o.Record, o.Hold = in.bytes(), in.byte() != 0
		in.last(o, table)
	case engine.OrderUndo:
		o.Again = in.byte() != 0
	case engine.OrderCommit:
		o.Quiet = in.byte() != 0
		in.last(o, table)
	case engine.OrderForget:
		o.Quiet = in.byte() != 0
	}
	if o.Saga == 0 || o.Epoch == 0 && (o.Kind == engine.OrderRun || o.Kind == engine.OrderDecide || o.Kind == engine.OrderConfirm) {
		in.fail()
	}
	r.words = in.words
	return o, in.end()
}

// keptItems is how many words, steps or locks an order may have had whose memory is
// kept.
const keptItems = 256

// Rest lets go what the orders that were read name, and memory beyond what is used
// often.
func (r *Orders) Rest() {
	if cap(r.words) > keptItems || cap(r.order.Steps) > keptItems || cap(r.order.Locks) > keptItems {
		*r = Orders{}
		return
	}
	clear(r.words[:cap(r.words)])
	clear(r.order.Steps[:cap(r.order.Steps)])
	clear(r.order.Locks[:cap(r.order.Locks)])
	r.order.Record = nil
}

func (r *reader) run(o *engine.Order, table *command.Table) {
	const leastLock = 4 // bytes
	o.Round, o.Proto, o.Shares = uint32(r.upTo(1<<32-1)), r.byte(), r.byte() != 0
	o.Locks = sized(o.Locks, r.count(leastLock))
	for i := range o.Locks {
		l := &o.Locks[i]
		l.Key = locks.Key{Name: string(r.bytes()), DB: r.db()}
		l.All, l.Serve = r.byte() != 0, r.byte() != 0
	}
	r.steps(o, table)
	if o.Proto < 2 || o.Proto > 3 || o.Round == 0 || o.Shares && !reads(o) {
		r.fail()
	}
}

func (r *reader) steps(o *engine.Order, table *command.Table) {
	const leastStep = 5 // bytes
	o.Steps = sized(o.Steps, r.count(leastStep))
	for i := range o.Steps {
		r.step(&o.Steps[i], table)
	}
}

// last reads the last steps of a participant, which are commands on keys.
func (r *reader) last(o *engine.Order, table *command.Table) {
	r.steps(o, table)
	if slices.ContainsFunc(o.Steps, func(s engine.SagaStep) bool { return s.Cmd == nil || s.Key == 0 }) {
		r.fail()
	}
}

// reads tells whether an order to run reads some keys, and does nothing else.
func reads(o *engine.Order) bool {
	return len(o.Locks) == 0 && !slices.ContainsFunc(o.Steps, func(s engine.SagaStep) bool {
		return s.Cmd == nil || s.Key == 0 || s.Wait != nil || s.Cmd.Flags&command.ReadOnly == 0
	})
}

// sized returns list with n zero elements.
func sized[T any](list []T, n int) []T {
	if cap(list) < n {
		return make([]T, n)
	}
	list = list[:n]
	clear(list)
	return list
}

func (r *reader) db() uint8 { return uint8(r.upTo(keyspace.Databases - 1)) }

func (r *reader) step(s *engine.SagaStep, table *command.Table) {
	switch r.byte() {
	case stepRuns:
		s.Cmd = r.command(table)
	case stepWaits:
		s.Wait = &engine.Waiter{Remote: true, Kind: keyspace.Kind(r.upTo(uint64(keyspace.Stream))), Saga: engine.SagaID(r.uint())}
		s.Place = r.uint()
	default:
		r.fail()
		return
	}
	s.DB = int(r.db())
	s.Key = r.upTo(1 << 30)
	from := len(r.words)
	r.words = r.args(r.words)
	s.Args = r.words[from:len(r.words):len(r.words)]
	if r.bad || !sound(s) {
		r.fail()
	}
}

// sound tells whether a step has the words that its command needs, so that no
// handler meets fewer, and its key where the table says.
func sound(s *engine.SagaStep) bool {
	switch {
	case s.Key >= len(s.Args):
		return false
	case s.Wait != nil:
		return s.Key > 0 && s.Wait.Saga != 0
	}
	return s.Key == s.Cmd.KeyPos && s.Cmd.AdmitsArity(len(s.Args))
}
