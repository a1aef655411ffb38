package conn

import (
	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/generic"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/slot"
)

// clusterCommands are CLUSTER and what slot-aware clients say beside it. Any node
// carries out any command, so there is never a MOVED: such clients only save
// themselves the way through another node.
var clusterCommands = []session.Command{
	{Row: &askingRow, Run: clusterOK},
	{Row: &readonlyRow, Run: clusterOK},
	{Row: &readwriteRow, Run: clusterOK},
	{Row: &clusterRow},
	{Row: &clusterAddslotsRow, Run: refusal(errSlotsStay)},
	{Row: &clusterAddslotsrangeRow, Run: refusal(errSlotsStay)},
	{Row: &clusterBumpepochRow, Run: refusal(errEpochs)},
	{Row: &clusterCountFailureReportsRow, Run: clusterFailureReports},
	{Row: &clusterDelslotsRow, Run: refusal(errSlotsStay)},
	{Row: &clusterDelslotsrangeRow, Run: refusal(errSlotsStay)},
	{Row: &clusterFailoverRow, Run: refusal(errNoFailover)},
	{Row: &clusterFlushslotsRow, Run: refusal(errSlotsStay)},
	{Row: &clusterForgetRow, Run: clusterForget},
	{Row: &clusterHelpRow, Run: clusterHelp},
	{Row: &clusterInfoRow, Run: clusterInfo},
	{Row: &clusterKeyslotRow, Run: clusterKeyslot},
	{Row: &clusterLinksRow, Run: clusterLinks},
	{Row: &clusterMeetRow, Run: refusal(errMeet)},
	{Row: &clusterMyidRow, Run: clusterMyid},
	{Row: &clusterNodesRow, Run: clusterNodes},
	{Row: &clusterReplicasRow, Run: clusterReplicas},
	{Row: &clusterReplicateRow, Run: refusal(errNoReplication)},
	{Row: &clusterResetRow, Run: refusal(errNoReset)},
	{Row: &clusterSaveconfigRow, Run: clusterOK},
	{Row: &clusterSetConfigEpochRow, Run: refusal(errEpochs)},
	{Row: &clusterSetslotRow, Run: refusal(errSlotsStay)},
	{Row: &clusterShardsRow, Run: clusterShards},
	{Row: &clusterSlavesRow, Run: clusterReplicas},
	{Row: &clusterSlotsRow, Run: clusterSlots},
}

// clusterPrograms are those that look into shards, wherever they are.
var clusterPrograms = []saga.Command{
	{Row: &clusterCountkeysinslotRow, Run: countKeysInSlot},
	{Row: &clusterGetkeysinslotRow, Run: getKeysInSlot},
}

const (
	errInvalidSlot      reply.Error = "ERR Invalid slot"
	errInvalidSlotCount reply.Error = "ERR Invalid slot or number of keys"
	errForgetSelf       reply.Error = "ERR I tried hard but I can't forget myself..."
)

func errUnknownNode(word []byte) reply.Error { return reply.Error("ERR Unknown node " + oneLine(word)) }

var clusterHelpLines = []string{
	"COUNT-FAILURE-REPORTS <node-id>",
	"    1 if the node is held to be down, else 0.",
	"COUNTKEYSINSLOT <slot>",
	"    How many keys a slot has, whichever node has the slot.",
	"FORGET <node-id>",
	"    Removes a node that is down. Data that only it had is given up.",
	"GETKEYSINSLOT <slot> <count>",
	"    Names of keys of a slot, whichever node has the slot.",
	"INFO",
	"    The state of the cluster in figures.",
	"KEYSLOT <key>",
	"    The slot of a key.",
	"LINKS",
	"    The connections between this node and the others.",
	"MYID",
	"    The identity of this node.",
	"NODES",
	"    All nodes and their slots, one line each:",
	"    <id> <ip:port> <flags> <master> <pings> <pongs> <epoch> <link> <slot> ...",
	"REPLICAS <node-id>",
	"    The replicas of a node: none.",
	"SHARDS",
	"    The nodes, each with its ranges of slots.",
	"SLOTS",
	"    The ranges of slots, each with its node.",
	"ADDSLOTS, BUMPEPOCH, DELSLOTS, FAILOVER, MEET, REPLICATE, RESET, SETSLOT, ...",
	"    Refused: nodes join and shards move by themselves. See TROUPE HELP and",
	"    `troupe cluster --help`.",
}

func clusterHelp(_ *session.Session, r *session.LocalCall) { help(r, clusterHelpLines) }

// clusterOK answers what needs nothing done: any node may read and write any key
// at any time, and the catalog is saved with each change.
func clusterOK(_ *session.Session, r *session.LocalCall) { r.Out.OK() }

func clusterKeyslot(_ *session.Session, r *session.LocalCall) { r.Out.Int(int64(slot.Of(r.Args[2]))) }

func clusterMyid(s *session.Session, r *session.LocalCall) {
	r.Out.BulkString(viewOf(s).me.ID)
}

// clusterReplicas is REPLICAS and SLAVES.
func clusterReplicas(s *session.Session, r *session.LocalCall) {
	v := viewOf(s)
	if v.byID(r.Args[2]) == nil {
		r.Out.Error(errUnknownNode(r.Args[2]))
		return
	}
	r.Out.Array(0)
}

// clusterFailureReports shows the catalog's verdict, the only one that counts.
func clusterFailureReports(s *session.Session, r *session.LocalCall) {
	v := viewOf(s)
	switch m := v.byID(r.Args[2]); {
	case m == nil:
		r.Out.Error(errUnknownNode(r.Args[2]))
	case m.State == directory.Down:
		r.Out.Int(1)
	default:
		r.Out.Int(0)
	}
}

func clusterForget(s *session.Session, r *session.LocalCall) {
	v := viewOf(s)
	switch m := v.byID(r.Args[2]); {
	case m == nil:
		r.Out.Error(errUnknownNode(r.Args[2]))
	case m.Number == v.dir.Self:
		r.Out.Error(errForgetSelf)
	default:
		forgetNode(s, r, m)
	}
}

// countKeysInSlot asks the slot's shard, as all programs over shards do: what
// sagas have not committed does not count.
func countKeysInSlot(t *saga.Tx) {
	in, ok := num.ParseInt(t.Args[2])
	switch {
	case !ok:
		t.Out.Error(reply.ErrNotInteger)
	case in < 0 || in >= slot.Count:
		t.Out.Error(errInvalidSlot)
	default:
		t.Into(slotStep(t, generic.SlotLenName, uint16(in), nil, t.Args[2]))
	}
}

func getKeysInSlot(t *saga.Tx) {
	in, okSlot := num.ParseInt(t.Args[2])
	count, okCount := num.ParseInt(t.Args[3])
	switch {
	case !okSlot || !okCount:
		t.Out.Error(reply.ErrNotInteger)
	case in < 0 || in >= slot.Count || count < 0:
		t.Out.Error(errInvalidSlotCount)
	default:
		t.Into(slotStep(t, generic.SlotKeysName, uint16(in), nil, t.Args[2], t.Args[3]))
	}
}

func slotStep(t *saga.Tx, name string, in uint16, args ...[]byte) []saga.Step {
	steps := t.Steps(1)
	steps[0] = saga.Step{Cmd: t.Find(name), Args: args, Shard: t.Env().Slots.Shard(in)}
	return steps
}
