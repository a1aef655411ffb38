package conn

import (
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"time"

	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/admin"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var debugRow = command.Row{
	Name:       "debug",
	Group:      command.GroupServer,
	Since:      "1.0.0",
	Summary:    "Tools for those who work on the server",
	Complexity: "Depends on the subcommand",
	Arity:      -2,
	Flags:      command.Admin | command.NoScript | command.Loading | command.Stale,
	Route:      command.RouteLocal,
	SysCmd:     true,
}

// Names of the programs of DEBUG.
const (
	debugDigestName = "~debugdigest"
	debugObjectName = "~debugobject"
)

const (
	errSleepInMulti reply.Error = "ERR DEBUG SLEEP cannot be part of a transaction here: it would stop other clients of its event loop"
	errProtocolType reply.Error = "ERR Wrong protocol type name. Please use one of the following: " +
		"string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"
	errNeedsResp3 reply.Error = "ERR RESP2 is not supported by this command"
)

var debugHelpLines = []string{
	"DIGEST-VALUE <key> [<key> ...]",
	"    A signature of the value of each key.",
	"LOG <message>",
	"    Writes the message to the node's log.",
	"OBJECT <key>",
	"    Where and how the value of the key is kept.",
	"PROTOCOL <type>",
	"    A value of that type: string, integer, double, bignum, null, array, set, map,",
	"    attrib, push, verbatim, true, false.",
	"SET-ACTIVE-EXPIRE <0|1>",
	"    Whether expired keys are removed before anybody asks for them.",
	"SLEEP <seconds>",
	"    Makes this connection wait.",
}

func debug(s *session.Session, r *session.LocalCall) {
	n := len(r.Args)
	switch {
	case n == 2 && is(r, 1, "help"):
		help(r, debugHelpLines)
	case n == 3 && is(r, 1, "sleep"):
		debugSleep(s, r)
	case n == 3 && is(r, 1, "object"):
		runProgram(s, r, debugObjectName)
	case n > 2 && is(r, 1, "digest-value"):
		runProgram(s, r, debugDigestName)
	case n == 3 && is(r, 1, "set-active-expire"):
		debugExpire(s, r)
	case n == 3 && is(r, 1, "log"):
		slog.Warn("DEBUG LOG", "message", string(r.Args[2]))
		r.Out.OK()
	case n == 3 && is(r, 1, "protocol"):
		debugProtocol(r.Out, string(r.Args[2]))
	default:
		r.Out.Error(badSubcommand("DEBUG", r.Args[1]))
	}
}

// runProgram runs one of this package's programs on what follows the subcommand.
func runProgram(s *session.Session, r *session.LocalCall, name string) {
	cmd := s.Server.Env.Find(name)
	if r.Tx != nil {
		r.Tx.Then(cmd, r.Args[1:])
		return
	}
	s.Delegate(r, &saga.Call{Cmd: cmd, Args: r.Args[1:], DB: *r.DB})
}

// debugIsWide: what concerns keys is for all nodes.
func debugIsWide(args [][]byte) bool { return len(args) == 3 && sameWord(args[1], "set-active-expire") }

func debugExpire(s *session.Session, r *session.LocalCall) {
	s.AskOthers(r, func(r *session.LocalCall, a session.Answers) {
		setActiveExpire(s.Server, r.Args[2])
		if silent := s.Server.Silent(a); silent != "" {
			r.Out.Error(errSilent(silent, "it was not told"))
			return
		}
		r.Out.OK()
	})
}

// debugHere is for DEBUG SET-ACTIVE-EXPIRE, which is all that other nodes ask for.
func debugHere(srv *session.Server, args [][]byte, w *reply.Writer) {
	setActiveExpire(srv, args[2])
	w.OK()
}

func setActiveExpire(srv *session.Server, word []byte) {
	off := leadingInt(word) == 0
	srv.EachShard(func(e *engine.Engine) { e.KS.ActiveExpiryOff = off })
}

// leadingInt reads the digits that arg begins with, as C's atoi does.
func leadingInt(arg []byte) (n int) {
	for _, b := range arg {
		if b < '0' || b > '9' || n > math.MaxInt32 {
			break
		}
		n = n*10 + int(b-'0')
	}
	return n
}

// maxSleep bounds DEBUG SLEEP to what a Duration holds with ease.
const maxSleep = 24 * time.Hour

// debugSleep makes the client wait, and nobody else: an event loop never sleeps.
// What is no number counts as 0, as in Redis.
func debugSleep(s *session.Session, r *session.LocalCall) {
	if r.Tx != nil {
		r.Out.Error(errSleepInMulti)
		return
	}
	secs, err := strconv.ParseFloat(string(r.Args[2]), 64)
	if err != nil || !(secs > 0) {
		r.Out.OK()
		return
	}
	answer := s.Postpone()
	time.AfterFunc(time.Duration(min(secs, maxSleep.Seconds())*float64(time.Second)), func() {
		answer((*reply.Writer).OK)
	})
}

// debugProtocol replies with a value of the type, to try clients with.
func debugProtocol(w *reply.Writer, name string) {
	switch name {
	case "string":
		w.BulkString("Hello World")
	case "integer":
		w.Int(12345)
	case "double":
		w.Double(3.141)
	case "bignum":
		w.BigNumber("1234567999999999999999999999999999999")
	case "null":
		w.Null()
	case "verbatim":
		w.Verbatim("txt", []byte("This is a verbatim\nstring"))
	case "true", "false":
		w.Bool(name == "true")
	default:
		debugAggregate(w, name)
	}
}

func debugAggregate(w *reply.Writer, name string) {
	switch {
	case name == "array":
		w.Array(3)
		threeInts(w)
	case name == "set":
		w.Set(3)
		threeInts(w)
	case name == "map":
		w.Map(3)
		for i := range 3 {
			w.Int(int64(i))
			w.Bool(i == 1)
		}
	case name == "attrib":
		if w.Resp3() {
			w.Raw([]byte("|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n"))
		}
		w.BulkString("Some real reply following the attribute")
	case name == "push" && !w.Resp3():
		w.Error(errNeedsResp3)
	case name == "push":
		w.Push(2)
		w.BulkString("server-cpu-usage")
		w.Int(42)
		w.BulkString("Some real reply following the push reply")
	default:
		w.Error(errProtocolType)
	}
}

func threeInts(w *reply.Writer) {
	for i := range 3 {
		w.Int(int64(i))
	}
}

// ~debugobject <key> is DEBUG OBJECT.
var debugObjectRow = command.Row{
	Name: debugObjectName, Group: command.GroupServer, Arity: 2,
	Flags: command.Internal, Keys: command.Key1(command.RO), Route: command.RouteSaga,
}

func debugObject(t *saga.Tx) {
	key := t.Args[1]
	var n []int64
	reply.Elements(t.Ask(t.Find(admin.DescribeName), nil, key), func(v reply.Value) { n = append(n, v.Int) })
	if len(n) == 0 {
		t.Out.Error(reply.ErrNoSuchKey)
		return
	}
	object := []saga.Step{
		{Cmd: t.Find("object|encoding"), Args: [][]byte{nil, nil, key}, Key: 2},
		{Cmd: t.Find("object|refcount"), Args: [][]byte{nil, nil, key}, Key: 2},
	}
	t.Do(object)
	encoding, _ := reply.Parse(object[0].Reply)
	refcount, _ := reply.Parse(object[1].Reply)
	t.Out.Simple(fmt.Sprintf("Value at:%#x refcount:%d encoding:%s serializedlength:%d lru:%d lru_seconds_idle:%d",
		n[0], refcount.Int, encoding.Bulk, n[1], n[2], n[3]))
}
