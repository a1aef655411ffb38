package target

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

const (
	// dialTimeout is ample for any network that a load test makes sense on.
	dialTimeout = 5 * time.Second
	// replyTimeout covers a FLUSHALL of tens of millions of keys.
	replyTimeout = 2 * time.Minute
	// maxControlReplyBytes bounds a bulk on the control connection: INFO is a few KiB.
	maxControlReplyBytes = 16 << 20
)

// Endpoint is where a server listens and how to log in.
type Endpoint struct {
	Addr     string // host:port
	Username string // "" logs in as the default user
	Password string // "" does not log in
}

// ReplyError is an error reply of the server.
type ReplyError string

func (e ReplyError) Error() string { return string(e) }

// Dial connects and logs in. Its errors say what to do next.
func (e Endpoint) Dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	c, err := d.DialContext(ctx, "tcp", e.Addr)
	if err != nil {
		return nil, fmt.Errorf("nothing answers at %s: start a server there or name another with --host and --port (%w)", e.Addr, err)
	}
	if e.Password == "" {
		return c, nil
	}
	auth := []string{"AUTH", e.Password}
	if e.Username != "" {
		auth = []string{"AUTH", e.Username, e.Password}
	}
	if _, err := roundTrip(c, bufio.NewReader(c), auth); err != nil {
		c.Close()
		return nil, fmt.Errorf("logging in at %s: %w; check the user name and password", e.Addr, err)
	}
	return c, nil
}

// client is a control connection: one command, one reply, rarely used.
type client struct {
	conn net.Conn
	r    *bufio.Reader
}

func (e Endpoint) control(ctx context.Context) (*client, error) {
	c, err := e.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return &client{conn: c, r: bufio.NewReader(c)}, nil
}

// do sends one command and returns the text of a status, integer or bulk reply.
func (c *client) do(words ...string) (string, error) {
	return roundTrip(c.conn, c.r, words)
}

func roundTrip(c net.Conn, r *bufio.Reader, words []string) (string, error) {
	if err := c.SetDeadline(time.Now().Add(replyTimeout)); err != nil {
		return "", fmt.Errorf("setting the deadline of %s: %w", words[0], err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := io.WriteString(c, b.String()); err != nil {
		return "", fmt.Errorf("sending %s: %w", words[0], err)
	}
	text, err := readReply(r)
	if err == nil {
		err = c.SetDeadline(time.Time{})
	}
	var refused ReplyError
	if err != nil && !errors.As(err, &refused) {
		return "", fmt.Errorf("reading the reply of %s: %w", words[0], err)
	}
	return text, err
}

func readReply(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("an empty line is no RESP reply")
	}
	switch line[0] {
	case '+', ':':
		return line[1:], nil
	case '-':
		return "", ReplyError(line[1:])
	case '$':
		n, err := strconv.Atoi(line[1:])
		if err != nil || n < 0 || n > maxControlReplyBytes {
			return "", fmt.Errorf("bulk length %q", line)
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(r, b); err != nil {
			return "", err
		}
		return string(b[:n]), nil
	}
	return "", fmt.Errorf("%.40q is not a RESP reply: is this a Redis server?", line)
}
