package saga

var zsetCommands = []Command{
	{Row: &bzmpopRow, Run: bzmpop},
	{Row: &bzpopmaxRow, Run: bzpopmax},
	{Row: &bzpopminRow, Run: bzpopmin},
	{Row: &zdiffRow, Run: zdiff},
	{Row: &zdiffstoreRow, Run: zdiffstore},
	{Row: &zinterRow, Run: zinter},
	{Row: &zintercardRow, Run: zintercard},
	{Row: &zinterstoreRow, Run: zinterstore},
	{Row: &zmpopRow, Run: zmpop},
	{Row: &zrangestoreRow, Run: zrangestore},
	{Row: &zunionRow, Run: zunion},
	{Row: &zunionstoreRow, Run: zunionstore},
}
