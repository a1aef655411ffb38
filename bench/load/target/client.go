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
		return nil, fmt.Errorf("nothing answers at %s: start a server there or name another with --host and --port, or --addrs (%w)", e.Addr, err)
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

// tree sends one command and returns its reply whole: a string for a status,
// integer or bulk, nil for a null, and []any for an array.
func (c *client) tree(words ...string) (any, error) {
	if err := send(c.conn, words); err != nil {
		return nil, err
	}
	v, err := readTree(c.r, 0)
	return v, received(c.conn, words, err)
}

func roundTrip(c net.Conn, r *bufio.Reader, words []string) (string, error) {
	if err := send(c, words); err != nil {
		return "", err
	}
	text, err := readReply(r)
	return text, received(c, words, err)
}

func send(c net.Conn, words []string) error {
	if err := c.SetDeadline(time.Now().Add(replyTimeout)); err != nil {
		return fmt.Errorf("setting the deadline of %s: %w", words[0], err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := io.WriteString(c, b.String()); err != nil {
		return fmt.Errorf("sending %s: %w", words[0], err)
	}
	return nil
}

// received ends what send began. A ReplyError leaves the connection usable.
func received(c net.Conn, words []string, err error) error {
	var refused ReplyError
	if err != nil && !errors.As(err, &refused) {
		return fmt.Errorf("reading the reply of %s: %w", words[0], err)
	}
	return errors.Join(err, c.SetDeadline(time.Time{}))
}

func readReply(r *bufio.Reader) (string, error) {
	v, err := readTree(r, maxReplyDepth)
	if err != nil {
		return "", err
	}
	text, ok := v.(string)
	if !ok {
		return "", errors.New("a null where a text was expected")
	}
	return text, nil
}

const (
	// maxReplyDepth is deeper than any reply that is asked for here.
	maxReplyDepth = 8
	// maxReplyElements bounds one array: one for each slot, at most.
	maxReplyElements = 1 << 15
)

func readTree(r *bufio.Reader, depth int) (any, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return nil, errors.New("an empty line is no RESP reply")
	}
	switch line[0] {
	case '+', ':':
		return line[1:], nil
	case '-':
		return nil, ReplyError(line[1:])
	case '$':
		return readBulk(r, line)
	case '*':
		if depth < maxReplyDepth {
			return readArray(r, line, depth)
		}
	}
	return nil, fmt.Errorf("%.40q is not a RESP reply: is this a Redis server?", line)
}

func readBulk(r *bufio.Reader, line string) (any, error) {
	if line == "$-1" {
		return nil, nil
	}
	n, err := strconv.Atoi(line[1:])
	if err != nil || n < 0 || n > maxControlReplyBytes {
		return nil, fmt.Errorf("bulk length %q", line)
	}
	b := make([]byte, n+2)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	return string(b[:n]), nil
}

func readArray(r *bufio.Reader, line string, depth int) (any, error) {
	if line == "*-1" {
		return nil, nil
	}
	n, err := strconv.Atoi(line[1:])
	if err != nil || n < 0 || n > maxReplyElements {
		return nil, fmt.Errorf("array length %q", line)
	}
	all := make([]any, n)
	for i := range all {
		if all[i], err = readTree(r, depth+1); err != nil {
			return nil, err
		}
	}
	return all, nil
}
