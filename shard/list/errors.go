package list

import "github.com/troupedb/troupe/shard/reply"

// The error texts of Redis that only commands on lists answer with.
const (
	errNotPositive reply.Error = "ERR value is out of range, must be positive"
	errPosCount    reply.Error = "ERR COUNT can't be negative"
	errPosMaxLen   reply.Error = "ERR MAXLEN can't be negative"
	errPosRank     reply.Error = "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list"
)
