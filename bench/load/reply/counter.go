package reply

import (
	"bytes"
	"errors"
	"fmt"
)

const (
	// maxLineBytes bounds one header or simple-string line. Redis caps its own
	// inline lines at the same 64 KiB, so a longer one is not RESP.
	maxLineBytes = 64 << 10
	// maxOwed bounds the elements one reply may announce. It is far above any
	// reply a load asks for and keeps the arithmetic away from overflow.
	maxOwed = 1 << 32
	// maxBulkBytes is Redis's own default proto-max-bulk-len.
	maxBulkBytes = 512 << 20
	// maxNumberDigits holds the longest length field that maxOwed allows.
	maxNumberDigits = 11
)

// ErrProtocol is wrapped by every error of Feed: the bytes are not RESP2.
var ErrProtocol = errors.New("not a RESP2 reply")

// Counter counts the replies of one connection. The zero value is ready.
type Counter struct {
	// Replies is the number of complete top-level replies seen.
	Replies int64
	// Errors is the number of error replies, nested ones included.
	Errors int64
	// Nulls is the number of null bulks and null arrays, nested ones included.
	Nulls int64
	// FirstError is the text of the first error reply, without the dash.
	FirstError string

	owed int64  // elements missing from the current top-level reply; 0 between replies
	skip int64  // bytes missing from the current bulk, its CRLF included
	line []byte // the beginning of a line whose end has not arrived
}

// Feed consumes p and returns how many top-level replies it completed.
// After an error the Counter must not be used again.
func (c *Counter) Feed(p []byte) (int, error) {
	before := c.Replies
	for len(p) > 0 {
		if c.skip > 0 {
			n := min(c.skip, int64(len(p)))
			c.skip -= n
			p = p[n:]
			if c.skip == 0 {
				c.element()
			}
			continue
		}
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			return int(c.Replies - before), c.carry(p)
		}
		line := p[:end+1]
		p = p[end+1:]
		if len(c.line) > 0 {
			if err := c.carry(line); err != nil {
				return int(c.Replies - before), err
			}
			line = c.line
		}
		err := c.header(line)
		c.line = c.line[:0]
		if err != nil {
			return int(c.Replies - before), err
		}
	}
	return int(c.Replies - before), nil
}

// Partial tells whether a reply has begun that is not complete.
func (c *Counter) Partial() bool {
	return c.owed > 0 || c.skip > 0 || len(c.line) > 0
}

func (c *Counter) carry(p []byte) error {
	if len(c.line)+len(p) > maxLineBytes {
		return fmt.Errorf("%w: a line of more than %d bytes", ErrProtocol, maxLineBytes)
	}
	c.line = append(c.line, p...)
	return nil
}

// header takes one whole line, LF included.
func (c *Counter) header(line []byte) error {
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return fmt.Errorf("%w: %q", ErrProtocol, line)
	}
	body := line[1 : len(line)-2]
	if c.owed == 0 {
		c.owed = 1
	}
	switch line[0] {
	case '+', ':':
		c.element()
		return nil
	case '-':
		c.Errors++
		if c.FirstError == "" {
			c.FirstError = string(body)
		}
		c.element()
		return nil
	case '$':
		return c.bulk(line, body)
	case '*':
		return c.array(line, body)
	}
	return fmt.Errorf("%w: type byte %q in %q", ErrProtocol, line[0], line)
}

func (c *Counter) bulk(line, body []byte) error {
	n, ok := length(body)
	if !ok || n > maxBulkBytes {
		return fmt.Errorf("%w: bulk length in %q", ErrProtocol, line)
	}
	if n < 0 {
		c.Nulls++
		c.element()
		return nil
	}
	c.skip = n + 2
	return nil
}

func (c *Counter) array(line, body []byte) error {
	n, ok := length(body)
	if !ok || c.owed+n > maxOwed {
		return fmt.Errorf("%w: array length in %q", ErrProtocol, line)
	}
	if n < 0 {
		c.Nulls++
		n = 0
	}
	c.owed += n
	c.element()
	return nil
}

// element notes that one element of the current reply is complete.
func (c *Counter) element() {
	c.owed--
	if c.owed == 0 {
		c.Replies++
	}
}

// length reads a RESP length: -1 or a non-negative decimal.
func length(body []byte) (int64, bool) {
	if len(body) == 2 && body[0] == '-' && body[1] == '1' {
		return -1, true
	}
	if len(body) == 0 || len(body) > maxNumberDigits {
		return 0, false
	}
	var n int64
	for _, b := range body {
		if b < '0' || b > '9' {
			return 0, false
		}
		n = n*10 + int64(b-'0')
	}
	return n, true
}
