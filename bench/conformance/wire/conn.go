package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// Bounds on a reply: the server is under test and may announce anything.
const (
	maxBulkBytes = 64 << 20 // the largest reply of any case is a few MiB
	maxElems     = 4 << 20
	maxDepth     = 64 // deeper than any reply that Redis can make
)

// Conn is one client connection. It is not safe for concurrent use.
type Conn struct {
	net net.Conn
	in  *bufio.Reader
}

// Dial connects to addr ("host:port") within timeout.
func Dial(addr string, timeout time.Duration) (*Conn, error) {
	c, err := net.DialTimeout("tcp", addr, timeout)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &Conn{net: c, in: bufio.NewReader(c)}, nil
}

// Close closes the connection.
func (c *Conn) Close() error { return c.net.Close() }

// Send writes one command as an array of bulk strings.
func (c *Conn) Send(args ...[]byte) error {
	return c.SendRaw(Command(args...))
}

// SendRaw writes bytes as they are.
func (c *Conn) SendRaw(b []byte) error {
	_, err := c.net.Write(b)
	return err
}

// Do sends one command of strings and reads its reply.
func (c *Conn) Do(timeout time.Duration, args ...string) (Value, error) {
	raw := make([][]byte, len(args))
	for i, a := range args {
		raw[i] = []byte(a)
	}
	if err := c.Send(raw...); err != nil {
		return Value{}, err
	}
	return c.Read(timeout)
}

// Read reads one reply. The error is net.Error with Timeout() when none came in time, io.EOF when the server closed.
func (c *Conn) Read(timeout time.Duration) (Value, error) {
	if err := c.net.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return Value{}, err
	}
	return c.read(0)
}

// Ready tells whether a byte of a reply (or the end of the stream) arrives within wait.
func (c *Conn) Ready(wait time.Duration) bool {
	if err := c.net.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return true
	}
	_, err := c.in.Peek(1)
	var ne net.Error
	return !(errors.As(err, &ne) && ne.Timeout())
}

// Command encodes a command as an array of bulk strings.
func Command(args ...[]byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n", len(a))
		b.Write(a)
		b.WriteString("\r\n")
	}
	return b.Bytes()
}

func (c *Conn) read(depth int) (Value, error) {
	if depth > maxDepth {
		return Value{}, errors.New("reply nested too deeply")
	}
	line, err := c.line()
	if err != nil {
		return Value{}, err
	}
	if len(line) == 0 {
		return Value{}, errors.New("empty reply line")
	}
	v := Value{Kind: line[0]}
	switch v.Kind {
	case Simple, Error, Int, Double, Bool, BigNumber, Null:
		v.Text = line[1:]
		return v, nil
	case Bulk, Verbatim, BlobError:
		return c.readBlob(v, line[1:])
	case Array, Map, Set, Push, Attribute:
		return c.readAggregate(v, line[1:], depth)
	}
	return Value{}, fmt.Errorf("reply begins with %q", line)
}

func (c *Conn) readBlob(v Value, count []byte) (Value, error) {
	n, err := length(count, maxBulkBytes)
	if err != nil || n < 0 {
		v.Nil = n < 0
		return v, err
	}
	buf := make([]byte, n+2)
	if _, err := io.ReadFull(c.in, buf); err != nil {
		return Value{}, err
	}
	if !bytes.HasSuffix(buf, []byte("\r\n")) {
		return Value{}, errors.New("bulk string does not end in CRLF")
	}
	v.Text = buf[:n]
	return v, nil
}

func (c *Conn) readAggregate(v Value, count []byte, depth int) (Value, error) {
	n, err := length(count, maxElems)
	if err != nil || n < 0 {
		v.Nil = n < 0
		return v, err
	}
	switch v.Kind {
	case Map:
		n *= 2
	case Attribute:
		n = n*2 + 1
	}
	for range n {
		e, err := c.read(depth + 1)
		if err != nil {
			return Value{}, err
		}
		v.Elems = append(v.Elems, e)
	}
	return v, nil
}

// length parses an announced count: -1 is nil, anything below or beyond most is a defect of the server.
func length(b []byte, most int) (int, error) {
	n, err := strconv.Atoi(string(b))
	if err != nil || n < -1 || n > most {
		return 0, fmt.Errorf("reply announces length %q", b)
	}
	return n, nil
}

func (c *Conn) line() ([]byte, error) {
	line, err := c.in.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	if len(line) < 2 || line[len(line)-2] != '\r' {
		return nil, fmt.Errorf("reply line %q does not end in CRLF", line)
	}
	return line[:len(line)-2], nil
}
