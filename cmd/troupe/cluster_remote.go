package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/troupedb/troupe/bench/conformance/wire"
	"github.com/troupedb/troupe/gateway/session"
)

// Waits for a node: to take a connection, and to answer, for which it may have to
// wait for the election of a catalog's leader.
const (
	dialWait   = 3 * time.Second
	answerWait = 20 * time.Second
)

// remote is a node that the command line talks to. It connects when it is first
// asked, and again after the connection was lost.
type remote struct {
	host string
	port int
	pass string
	conn *wire.Conn
}

func (r *remote) addr() string { return net.JoinHostPort(r.host, strconv.Itoa(r.port)) }

func (r *remote) close() {
	if r.conn != nil {
		_ = r.conn.Close() // nothing is unsent
		r.conn = nil
	}
}

// ask sends a command and returns the text of its reply.
func (r *remote) ask(words ...string) (string, error) {
	if r.conn == nil {
		if err := r.connect(); err != nil {
			return "", err
		}
	}
	return r.do(words...)
}

func (r *remote) connect() error {
	c, err := wire.Dial(r.addr(), dialWait)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no node answers at %s: start one with `troupe`, or name another with --host and --port", r.addr())
	case err != nil:
		return fmt.Errorf("no node answers at %s (%w): is --host right, and can it be reached from here?", r.addr(), err)
	}
	r.conn = c
	if r.pass == "" {
		return nil
	}
	if _, err = r.do("AUTH", r.pass); err != nil {
		r.close()
	}
	return err
}

func (r *remote) do(words ...string) (string, error) {
	v, err := r.conn.Do(answerWait, words...)
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		r.close()
		return "", fmt.Errorf("the node at %s has not answered within %v: ask another with --host and --port", r.addr(), answerWait)
	case err != nil:
		r.close()
		return "", fmt.Errorf("the node at %s has ended the connection (%w): ask another with --host and --port", r.addr(), err)
	case v.Kind == wire.Error:
		return "", r.refused(string(v.Text))
	}
	return string(v.Text), nil
}

// refused says what an error of the node means for who typed the command.
func (r *remote) refused(text string) error {
	code, rest, _ := strings.Cut(text, " ")
	switch {
	case code == "NOAUTH":
		return fmt.Errorf("the node at %s wants a password: give it with --pass, or in TROUPE_PASS", r.addr())
	case code == "WRONGPASS", strings.Contains(text, "AUTH <password> called without any password"):
		return fmt.Errorf("the node at %s does not take this password: %s", r.addr(), rest)
	case strings.HasPrefix(rest, "unknown command"):
		return fmt.Errorf("what answers at %s is no node of Troupe: name one with --host and --port", r.addr())
	case code == "ERR":
		return errors.New(rest)
	}
	return errors.New(text)
}

func (r *remote) status() (*session.ClusterStatus, error) {
	text, err := r.ask("TROUPE", "STATUS")
	if err != nil {
		return nil, err
	}
	st := &session.ClusterStatus{}
	if err := json.Unmarshal([]byte(text), st); err != nil {
		return nil, fmt.Errorf("the node at %s speaks of its cluster in a way that this program does not know (%w): are both of one version?", r.addr(), err)
	}
	return st, nil
}
