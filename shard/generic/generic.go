package generic

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
)

// Commands returns the commands of this package. Values of compound types are
// made from their images by loaders.
func Commands(loaders *keyspace.Loaders) []engine.Command {
	return []engine.Command{
		{Row: &expireRow, Run: expire},
		{Row: &expireatRow, Run: expireat},
		{Row: &expiretimeRow, Run: expiretime},
		{Row: &memoryRow},
		{Row: &memoryUsageRow, Run: memoryUsage},
		{Row: &objectRow},
		{Row: &objectEncodingRow, Run: objectEncoding},
		{Row: &objectFreqRow, Run: objectFreq},
		{Row: &objectIdletimeRow, Run: objectIdletime},
		{Row: &objectRefcountRow, Run: objectRefcount},
		{Row: &persistRow, Run: persist},
		{Row: &pexpireRow, Run: pexpire},
		{Row: &pexpireatRow, Run: pexpireat},
		{Row: &pexpiretimeRow, Run: pexpiretime},
		{Row: &pttlRow, Run: pttl},
		{Row: &ttlRow, Run: ttl},
		{Row: &typeRow, Run: typeOf},

		{Row: &stepDelRow, Run: stepDel},
		{Row: &stepExistsRow, Run: stepExists},
		{Row: &stepTouchRow, Run: stepTouch},
		{Row: &stepRenameRow, Run: stepRename},
		{Row: &stepMoveRow, Run: stepMove},
		{Row: &stepImageRow, Run: stepImage},
		{Row: &stepPutRow, Run: func(c *engine.Ctx) { stepPut(c, loaders) }},
		{Row: &stepDropRow, Run: stepDrop},
		{Row: &stepWatchRow, Run: stepWatch},
		{Row: &stepUnwatchRow, Run: stepUnwatch},
		{Row: &stepUnchangedRow, Run: stepUnchanged},

		{Row: &stepCensusRow, Run: stepCensus},
		{Row: &stepFlushDBRow, Run: stepFlushDB},
		{Row: &stepFlushAllRow, Run: stepFlushAll},
		{Row: &stepSwapDBRow, Run: stepSwapDB},
		{Row: &stepKeysRow, Run: stepKeys},
		{Row: &stepScanRow, Run: stepScan},
		{Row: &stepRandomKeyRow, Run: stepRandomKey},
		{Row: &stepSlotLenRow, Run: stepSlotLen},
		{Row: &stepSlotKeysRow, Run: stepSlotKeys},
	}
}

// keyStep is the row of a step on one key, its first argument.
func keyStep(name string, arity int, flags command.Flag, access command.KeyAccess) command.Row {
	return command.Row{
		Name: name, Group: command.GroupGeneric, Arity: arity, Flags: flags | command.Internal,
		Keys: command.Key1(access), Route: command.RouteSingle,
	}
}

// shardStep is the row of a step on a whole shard.
func shardStep(name string, arity int, flags command.Flag) command.Row {
	return command.Row{
		Name: name, Group: command.GroupGeneric, Arity: arity, Flags: flags | command.Internal,
		Route: command.RouteBroadcast,
	}
}
