package saga

import (
	"bytes"
	"testing"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

// maxFuzzedLines bounds the commands of one input, so that no input takes long.
const maxFuzzedLines = 16

// FuzzArguments sends any words to any command that touches keys: each must
// answer exactly one well-formed reply and never panic, whatever the state that
// the commands before it have left. An input is lines of words parted by spaces;
// the command is the first word, or if it is none, one drawn by its bytes.
//
//	go test -fuzz FuzzArguments ./coordinator/saga
func FuzzArguments(f *testing.F) {
	for _, seed := range []string{
		"SET k v EX 9223372036854775807\nGETRANGE k -9223372036854775808 9223372036854775807",
		"SETRANGE k 536870911 x\nSETBIT k 4294967295 1\nBITFIELD k SET u63 #99999999999 1 OVERFLOW FAIL INCRBY i64 0 -1",
		"ZADD z nan a\nZADD z +inf a -inf b\nZINCRBY z -inf a\nZRANGEBYSCORE z (inf -inf LIMIT -1 -1",
		"ZUNIONSTORE d 99999999999999999999 a b\nZUNION 2 a b WEIGHTS nan 1 AGGREGATE SUM\nZMPOP -1 a MIN",
		"LPUSH l a b c\nLPOS l a RANK -9223372036854775808 COUNT 0 MAXLEN 0\nLRANGE l -1 9223372036854775807\nLMPOP 2 l l LEFT COUNT 0",
		"SADD s 1 2 3\nSRANDMEMBER s -9223372036854775808\nSPOP s 18446744073709551615\nSINTERCARD 2 s s LIMIT -1\nSMOVE s s 1",
		"HSET h f\nHINCRBYFLOAT h f 1e400\nHRANDFIELD h -3 WITHVALUES\nHSCAN h 99999999999999999999 COUNT 0",
		"EXPIRE k 9223372036854775807\nPEXPIREAT k -1\nSCAN 18446744073709551615 COUNT 9223372036854775807 MATCH [a-\nCOPY k k DB 16",
		"EVAL return 99\nEVAL x -1\nEVAL return 9223372036854775808 k\nRENAME a a\nLCS a b IDX LEN",
		"MSET a 1 a 2 b\nMSETNX a 1 a 1\nBITOP NOT d a b\nOBJECT ENCODING\nMEMORY USAGE k SAMPLES -1",
	} {
		f.Add([]byte(seed))
	}
	n := newLocalNode(f, 3)
	var fuzzed []*command.Info
	for _, info := range n.env.Table.Top() {
		if info.Route != command.RouteLocal && info.Route != command.RouteRefuse && info.Flags&command.NoScript == 0 {
			fuzzed = append(fuzzed, info)
		}
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		n.t = t
		n.run([][]byte{[]byte("FLUSHALL")})
		lines := bytes.SplitN(input, []byte("\n"), maxFuzzedLines+1)
		for _, line := range lines[:min(len(lines), maxFuzzedLines)] {
			words := bytes.Split(line, []byte(" "))
			if n.env.Table.Lookup(words[0]) == nil {
				sum := 0
				for _, b := range words[0] {
					sum += int(b)
				}
				words[0] = []byte(fuzzed[sum%len(fuzzed)].Name)
			}
			n.oneReply(t, words)
		}
	})
}

// oneReply runs a command, if a gateway would, and checks the form of its reply.
func (n *localNode) oneReply(t *testing.T, words [][]byte) {
	info, refused := n.env.Table.Resolve(words)
	if refused != "" || info.Route == command.RouteLocal {
		return
	}
	for _, proto := range []uint8{reply.RESP2, reply.RESP3} {
		out := &reply.Writer{Proto: proto}
		if info.Route == command.RouteSingle {
			n.single(info, words, out)
		} else {
			call := &Call{Cmd: info, Args: words, Now: n.now, Out: out, Local: localConn{}}
			if !n.runner.Inline(call) {
				return // a script that takes long, which goes by messages
			}
		}
		rest := out.Buf
		for owed := 1; owed > 0; owed-- {
			if len(rest) == 0 {
				t.Fatalf("%q: a reply ends early: %q", words, out.Buf)
			}
			var v reply.Value
			if v, rest = reply.Parse(rest); v.Len > 0 {
				owed += v.Len
			}
		}
		if len(rest) != 0 {
			t.Fatalf("%q: more than one reply: %q", words, out.Buf)
		}
	}
}
