package conn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/troupedb/troupe/gateway"
)

func TestPingEchoSelectTime(t *testing.T) {
	c := dial(t, node(t))
	c.expect("PING", "+PONG")
	c.expect("PING x", `"x"`)
	c.expect("PING x y", "-ERR wrong number of arguments for 'ping' command")
	c.expect("ECHO ''", `""`)
	c.expect("SELECT 16", "-ERR DB index is out of range")
	c.expect("SELECT x", "-ERR value is not an integer or out of range")
	c.expect("SELECT 2147483648", "-ERR value is out of range, value must between -2147483648 and 2147483647")
	c.expect("SELECT 1", "+OK")
	c.expect("SET k one", "+OK")
	c.expect("SELECT 0", "+OK")
	c.expect("GET k", "nil")
	c.match("TIME", `^\["\d{10}" "\d{1,6}"\]$`)
}

func TestQuitEndsTheConnectionAndThePipeline(t *testing.T) {
	g := node(t)
	c := dial(t, g)
	c.send("QUIT")
	c.send("SET k v")
	if got := c.read() + " " + c.read(); got != "+OK closed" {
		t.Error(got)
	}
	dial(t, g).expect("EXISTS k", ":0")
}

func TestReset(t *testing.T) {
	c := dial(t, node(t))
	c.do("HELLO 3")
	c.expect("GET missing", "nil")
	c.expect("SELECT 3", "+OK")
	c.expect("CLIENT SETNAME me", "+OK")
	c.expect("CLIENT NO-EVICT ON", "+OK")
	c.expect("MULTI", "+OK")
	c.expect("RESET", "+RESET")
	c.expect("DISCARD", "-ERR DISCARD without MULTI")
	c.match("CLIENT INFO", "name= .* flags=N db=0 .* resp=2")
}

func TestAuth(t *testing.T) {
	g := node(t, func(c *gateway.Config) { c.RequirePass = "secret" })
	c := dial(t, g)
	c.expect("GET k", "-NOAUTH Authentication required.")
	c.match("HELLO 3", "^-NOAUTH HELLO must be called with the client already authenticated")
	c.expect("AUTH wrong", "-WRONGPASS invalid username-password pair or user is disabled.")
	c.expect("AUTH somebody secret", "-WRONGPASS invalid username-password pair or user is disabled.")
	c.expect("AUTH a b c", "-ERR syntax error")
	c.expect("HELLO 3 AUTH default secret SETNAME ''", `["server" "redis" "version" "7.0.15" "proto" :3 "id" :1025 "mode" "standalone" "role" "master" "modules" []]`)
	c.expect("GET k", "nil")
	c.expect("RESET", "+RESET")
	c.expect("GET k", "-NOAUTH Authentication required.")
	c.expect("AUTH default secret", "+OK")
	c.expect("CONFIG SET requirepass ''", "+OK")
	dial(t, g).expect("GET k", "nil")
	c.match("AUTH secret", "^-ERR AUTH <password> called without any password configured")
	c.expect("AUTH default anything", "+OK")
}

// What comes in one piece with AUTH is parsed with the limits of those who are in.
func TestAuthLiftsLimitsAtOnce(t *testing.T) {
	c := dial(t, node(t, func(c *gateway.Config) { c.RequirePass = "secret" }))
	big := strings.Repeat("x", 20000)
	fmt.Fprintf(c.c, "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s\r\n", len(big), big)
	if got := c.read() + " " + c.read(); got != "+OK +OK" {
		t.Error(got)
	}
}

func TestHelloInTransactionSwitchesProtocol(t *testing.T) {
	c := dial(t, node(t))
	c.expect("HELLO 4", "-NOPROTO unsupported protocol version")
	c.expect("HELLO x", "-ERR Protocol version is not an integer or out of range")
	c.expect("HELLO 3 AUTH default", "-ERR Syntax error in HELLO option 'AUTH'")
	c.expect("MULTI", "+OK")
	c.expect("HELLO 3", "+QUEUED")
	c.match("EXEC", `^\[\["server" .* "proto" :3 `)
	c.match("CLIENT INFO", "resp=3")
}

func TestCommandIntrospection(t *testing.T) {
	g := node(t)
	c := dial(t, g)
	c.expect("COMMAND COUNT", fmt.Sprintf(":%d", len(g.Server.Table.Top())))
	c.expect("COMMAND GETKEYS MSET a 1 b 2", `["a" "b"]`)
	c.expect("COMMAND LIST FILTERBY PATTERN config|se*", `["config|set"]`)
	c.expect("COMMAND INFO nothing", "[nil]")
	c.match("COMMAND DOCS get", `^\["get" \["summary" `)
	c.match("COMMAND HELP", "COMMAND <subcommand>")
	c.match("COMMAND LIST FILTERBY PATTERN ~*", `^\[\]$`)
}

func TestFunctionsAreEmptyAndCanBeEmptied(t *testing.T) {
	c := dial(t, node(t))
	c.expect("FUNCTION FLUSH", "+OK")
	c.expect("FUNCTION FLUSH async", "+OK")
	c.expect("FUNCTION FLUSH now", "-ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
	c.expect("FUNCTION LIST LIBRARYNAME x WITHCODE", "[]")
	c.expect("FUNCTION LIST LIBRARYNAME", "-ERR library name argument was not given")
	c.expect("FUNCTION LOAD x", "-ERR unknown subcommand 'LOAD'. Try FUNCTION HELP.")
}

func TestShutdown(t *testing.T) {
	g := node(t)
	c := dial(t, g)
	c.expect("SHUTDOWN ABORT", "-ERR No shutdown in progress.")
	c.match("SHUTDOWN SAVE", "^-ERR this version holds data in memory only")
	c.expect("SHUTDOWN SAVE NOSAVE", "-ERR syntax error")
	select {
	case <-g.ShutdownAsked():
		t.Fatal("asked to end by a refused command")
	default:
	}
	c.expect("SHUTDOWN NOSAVE", "closed")
	<-g.ShutdownAsked()
}
