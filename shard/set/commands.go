package set

import "github.com/troupedb/troupe/shard/engine"

// Commands are the commands of this package.
var Commands = []engine.Command{
	{Row: &diffRow, Run: diff},
	{Row: &interRow, Run: inter},
	{Row: &saddRow, Run: sadd},
	{Row: &scardRow, Run: scard},
	{Row: &sismemberRow, Run: sismember},
	{Row: &smembersRow, Run: smembers},
	{Row: &smismemberRow, Run: smismember},
	{Row: &spopRow, Run: spop},
	{Row: &srandmemberRow, Run: srandmember},
	{Row: &sremRow, Run: srem},
	{Row: &sscanRow, Run: sscan},
	{Row: &storeRow, Run: store},
}

// find returns the key's set for reading, nil if there is no key. If the key
// holds another type it writes the error.
func find(c *engine.Ctx) (s *Set, ok bool) {
	s, _, ok = engine.Object[*Set](c)
	return s, ok
}
