package zset

import "github.com/troupedb/troupe/shard/engine"

// Commands are the commands of this package.
var Commands = []engine.Command{
	{Row: &zaddRow, Run: zadd},
	{Row: &zcardRow, Run: zcard},
	{Row: &zcountRow, Run: zcount},
	{Row: &zincrbyRow, Run: zincrby},
	{Row: &zlexcountRow, Run: zlexcount},
	{Row: &zmscoreRow, Run: zmscore},
	{Row: &zpopmaxRow, Run: zpopmax},
	{Row: &zpopminRow, Run: zpopmin},
	{Row: &zrandmemberRow, Run: zrandmember},
	{Row: &zrangeRow, Run: zrange},
	{Row: &zrangebylexRow, Run: zrangebylex},
	{Row: &zrangebyscoreRow, Run: zrangebyscore},
	{Row: &zrankRow, Run: zrank},
	{Row: &zremRow, Run: zrem},
	{Row: &zremrangebylexRow, Run: zremrangebylex},
	{Row: &zremrangebyrankRow, Run: zremrangebyrank},
	{Row: &zremrangebyscoreRow, Run: zremrangebyscore},
	{Row: &zrevrangeRow, Run: zrevrange},
	{Row: &zrevrangebylexRow, Run: zrevrangebylex},
	{Row: &zrevrangebyscoreRow, Run: zrevrangebyscore},
	{Row: &zrevrankRow, Run: zrevrank},
	{Row: &zscanRow, Run: zscan},
	{Row: &zscoreRow, Run: zscore},

	{Row: &entriesRow, Run: entries},
	{Row: &scoresRow, Run: scores},
	{Row: &selectRow, Run: selectRange},
	{Row: &storeRow, Run: store},
	{Row: &popRow, Run: popOne},
	{Row: &popManyRow, Run: popMany},
}
