package engine

import (
	"slices"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/locks"
	"github.com/troupedb/troupe/shard/words"
)

// SagaID is the identity of a saga and its age: the smaller, the older. It is
// never 0, and a saga that runs again keeps it.
type SagaID uint64

// Order is a message from the coordinator of a saga to a participant. Orders may
// be lost, doubled and overtake each other; the coordinator sends one again until
// it has the answer. An order is not changed once it is sent, and shares no
// memory with the program that it comes from.
type Order struct {
	Kind    OrderKind
	Saga    SagaID
	Attempt uint32 // counts the saga's runs
	Visit   uint64 // which participant is meant, as its answers say; 0: not known yet
	Now     int64  // Unix milliseconds
	// Epoch is the shard's, as the coordinator knows it: under another one OrderRun,
	// OrderDecide and OrderConfirm are refused. 0: whatever it is.
	Epoch uint64

	// Steps are run. Those of OrderDecide and OrderCommit are on keys that the
	// participant has locked, and nobody asks for their replies.
	Steps []SagaStep

	// Of OrderRun.
	Round uint32 // counts the attempt's OrderRun at this shard, from 1 on
	Proto uint8  // protocol version of the replies
	Locks []Lock // that Steps do not name
	// Shares says that Steps only read keys, so that others may too, and that the saga
	// has no other orders here.
	Shares bool

	// Sink, if not nil, gets the answers that the saga gives while the order is being
	// carried out, in place of the coordinators: for an order that has come over a
	// stream, which can take them back. Such answers are valid during the call only,
	// and so is the order, with all that it names.
	Sink Coordinators

	Again bool // of OrderUndo: the saga will run again
	// Quiet, of OrderCommit and OrderForget, says that no answer is wanted: if the order
	// is lost, the participant's reminder finds that out.
	Quiet bool

	// Record, of OrderDecide, is what the home participant keeps and gives to
	// whoever asks. It is the coordinators' matter what it says.
	Record []byte
	// Hold, of OrderDecide, makes the home participant keep the record only, and
	// commit its own part when it is told. So a decision is known at two nodes, the
	// coordinator's and the participant's, before anybody can see it.
	Hold bool
}

// Own returns a copy that shares no memory with o but strings and waiters.
func (o *Order) Own() *Order {
	own := *o
	own.Sink = nil
	own.Locks, own.Steps, own.Record = slices.Clone(o.Locks), slices.Clone(o.Steps), slices.Clone(o.Record)
	for i := range own.Steps {
		own.Steps[i].Args = words.Clone(own.Steps[i].Args)
	}
	return &own
}

// OrderKind tells what an Order asks for.
type OrderKind uint8

const (
	// OrderRun asks for locks and then for steps. Answer: AnswerRan or AnswerFailed.
	OrderRun OrderKind = iota
	// OrderDecide makes the saga's end a commit, at the participant that the
	// coordinator has chosen for its home, which runs the last steps and commits its
	// own part. Answer: AnswerDecided or AnswerGone.
	OrderDecide
	// OrderCommit runs the last steps and makes the changes final. Answer: AnswerCommitted.
	OrderCommit
	// OrderUndo takes the changes back. Answer: AnswerUndone.
	OrderUndo
	// OrderForget drops the decision, and undoes the home participant if it has not
	// committed. Answer: AnswerForgotten.
	OrderForget
	// OrderResolve asks, after a coordinator's crash, what is known of the saga,
	// and shuts the door: to a decision that has not been made, and to OrderRun of a
	// coordinator that lives after all. Answer: AnswerDecided, AnswerPrepared or
	// AnswerAbsent; AnswerElsewhere of a shard that is not here, so it is to be asked
	// again.
	OrderResolve
	// OrderConfirm asks whether the participant is still there with all its locks.
	// Answer: AnswerConfirmed or AnswerUndone.
	OrderConfirm
)

// Lock is a key that a saga wants for itself. Serve says that waiters of the key
// are to be looked at when the saga ends, as it was handed to a waiter.
type Lock struct {
	locks.Key
	Serve bool
}

// SagaStep is one engine command of a saga. Cmd is a row of the table that all
// shards share: on the wire its name.
type SagaStep struct {
	Cmd  *command.Info
	DB   int
	Key  int // position of the key in Args, 0: the whole shard
	Args [][]byte
	// Wait, if not nil, is queued at the key instead of running Cmd, at Place if
	// that is not 0. It is the one thing here that is shared with the gateway.
	Wait  *Waiter
	Place uint64
}

// Answer is a message from a participant to the coordinator of a saga.
type Answer struct {
	Kind    AnswerKind
	Saga    SagaID
	Shard   int
	Attempt uint32
	Visit   uint64

	// Of AnswerRan.
	Round uint32
	Wrote bool   // something would have to be undone
	Out   []byte // the replies of the steps, one after the other
	Ends  []int  // where each ends in Out
	Errs  uint64 // error replies in Out

	Record []byte // of AnswerDecided

	// Of AnswerHanded: the key that was locked for a waiter, and where that stood.
	DB    int
	Key   []byte
	Place uint64
}

// Own returns a copy that shares no memory with a.
func (a *Answer) Own() *Answer {
	own := *a
	own.Out, own.Ends, own.Record, own.Key = slices.Clone(a.Out), slices.Clone(a.Ends), slices.Clone(a.Record), slices.Clone(a.Key)
	return &own
}

// AnswerKind tells what an Answer says.
type AnswerKind uint8

const (
	// AnswerRan: the locks are there and the steps have run.
	AnswerRan AnswerKind = iota
	// AnswerFailed: a step ended in a defect of the shard; undo everything.
	AnswerFailed
	// AnswerDecided: the decision to commit is recorded here.
	AnswerDecided
	// AnswerGone: there is no such participant and there will be none, so nothing
	// can be decided.
	AnswerGone
	// AnswerCommitted: the changes are final.
	AnswerCommitted
	// AnswerUndone: nothing of the attempt is left.
	AnswerUndone
	// AnswerForgotten: the decision is not kept any more.
	AnswerForgotten
	// AnswerPrepared: there is a participant, which waits for Commit or Undo.
	AnswerPrepared
	// AnswerAbsent: nothing is known here of the saga, and nothing can be decided.
	AnswerAbsent
	// AnswerWound: an older saga waits for a lock of this one, which must undo
	// itself and run again if it waits for one in its turn.
	AnswerWound
	// AnswerWaits: the order waits for locks that others have.
	AnswerWaits
	// AnswerElsewhere: the shard is not here, or no longer under the epoch of the
	// order, so the order has done nothing.
	AnswerElsewhere
	// AnswerLost: the participant is gone with its node's process, or that node is
	// down and must not decide or commit anything any more. No shard says this of
	// itself: whoever was to send the order knows it from the directory.
	AnswerLost
	// AnswerConfirmed: the participant is there, and so are all its locks.
	AnswerConfirmed
	// AnswerHanded: a key is locked for a waiter of the saga, which is on another
	// node and is to be told.
	AnswerHanded
	// AnswerUnreachable: the node of the shard does not answer just now. As with
	// AnswerLost no shard says it.
	AnswerUnreachable
)

// Coordinators takes the answers to the coordinator of their saga. Answer is
// called while the shard runs; it must not block or call back.
//
// Whoever has no coordinator for the saga any more sends what Orphan says.
type Coordinators interface {
	Answer(a *Answer)
}

// Orphan returns the order that ends what a belongs to when the saga is over
// and unknown: a participant that a late copy of an order has made, or a decision
// that all have followed. It is nil if nothing is left to end.
func Orphan(a *Answer) *Order {
	switch a.Kind {
	case AnswerRan, AnswerFailed, AnswerWound, AnswerWaits:
		return &Order{Kind: OrderUndo, Saga: a.Saga, Attempt: a.Attempt, Visit: a.Visit}
	case AnswerHanded:
		return &Order{Kind: OrderUndo, Saga: a.Saga, Attempt: 1}
	case AnswerDecided:
		return &Order{Kind: OrderForget, Saga: a.Saga}
	default:
		return nil
	}
}
