package saga

import (
	"fmt"
	"testing"
)

// transfer is the script of the load named EVAL: it changes two keys.
const transfer = "redis.call('DECRBY',KEYS[1],1) return redis.call('INCRBY',KEYS[2],1)"

// benchTransfers returns calls of transfer, by its text or its SHA1, whose keys lie
// on many shards.
func benchTransfers(n *localNode, command, script string, count int) []*Call {
	calls := make([]*Call, count)
	for i := range calls {
		calls[i] = benchCall(n, command+" script 2 from to")
		calls[i].Args[1] = []byte(script)
		calls[i].Args[3] = fmt.Appendf(nil, "account:%012d", i)
		calls[i].Args[4] = fmt.Appendf(nil, "account:%012d", (i*31+7)%count)
	}
	return calls
}

func BenchmarkTransfer(b *testing.B) {
	n := newLocalNode(b, 16)
	n.config.Notify = 0
	sha, err := n.env.Scripts.Load([]byte(transfer))
	if err != nil {
		b.Fatal(err)
	}
	for command, script := range map[string]string{"EVAL": transfer, "EVALSHA": sha} {
		b.Run(command, func(b *testing.B) {
			calls := benchTransfers(n, command, script, 1<<12)
			for _, c := range calls {
				n.inline(c)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				c := calls[i%len(calls)]
				c.Out.Buf = c.Out.Buf[:0]
				if !n.runner.Inline(c) {
					b.Fatal("not inline")
				}
			}
		})
	}
}
