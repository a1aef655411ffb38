package conn

import (
	"crypto/sha256"
	"crypto/subtle"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

var authRow = command.Row{
	Name:       "auth",
	Group:      command.GroupConnection,
	Since:      "1.0.0",
	Summary:    "Proves who the client is",
	Complexity: "O(N), N the user's passwords",
	Arity:      -2,
	Flags:      command.NoScript | command.Loading | command.Stale | command.Fast | command.NoAuth | command.AllowBusy,
	ACL:        command.CatConnection,
	Route:      command.RouteLocal,
	Args: []command.Arg{
		{Name: "username", Type: command.ArgString, Since: "6.0.0", Optional: true},
		{Name: "password", Type: command.ArgString},
	},
	History: []command.Change{
		{Since: "6.0.0", What: "Takes a user's name before the password."},
	},
}

const (
	errWrongPass reply.Error = "WRONGPASS invalid username-password pair or user is disabled."
	errNoPass    reply.Error = "ERR AUTH <password> called without any password configured for the default user. " +
		"Are you sure your configuration is correct?"
)

// defaultUser is the one user there is.
const defaultUser = "default"

func auth(s *session.Session, r *session.LocalCall) {
	name, password := []byte(defaultUser), r.Args[1]
	switch {
	case len(r.Args) > 3:
		r.Out.Error(reply.ErrSyntax)
		return
	case len(r.Args) == 3:
		name, password = r.Args[1], r.Args[2]
	case s.Server.Limits.Load().Password == "":
		r.Out.Error(errNoPass)
		return
	}
	if !authenticate(s, name, password) {
		r.Out.Error(errWrongPass)
		return
	}
	r.Out.OK()
}

// authenticate lets the client in if it names the user and the password. Without
// a password any is right, as in Redis.
func authenticate(s *session.Session, name, password []byte) bool {
	wanted := s.Server.Limits.Load().Password
	if string(name) != defaultUser || wanted != "" && !samePassword(password, wanted) {
		return false
	}
	s.Authed = true
	s.Refresh()
	return true
}

// samePassword compares in a time that tells neither length nor content.
func samePassword(given []byte, wanted string) bool {
	a, b := sha256.Sum256(given), sha256.Sum256([]byte(wanted))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
