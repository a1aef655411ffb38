package resp

import (
	"bytes"
	"fmt"
	"strings"
)

// encode is a multibulk request.
func encode(args ...string) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(a), a)
	}
	return b
}

// outcome is what a stream of bytes came to.
type outcome struct {
	commands [][]string
	err      string // text of the error that ended it
	rest     int    // bytes of a partial command, when no error ended it
}

func (o outcome) String() string {
	var b strings.Builder
	for _, c := range o.commands {
		fmt.Fprintf(&b, "%.300q\n", c)
	}
	if o.err != "" {
		return b.String() + "error: " + o.err
	}
	return b.String() + fmt.Sprintf("rest: %d", o.rest)
}

func copyArgs(args [][]byte) []string {
	c := make([]string, len(args))
	for i, a := range args {
		c[i] = string(a)
	}
	return c
}

// feed gives stream to a parser in chunks that end at cuts and at the stream's end. The
// unread tail moves to a new buffer before each chunk, and the old one is spoilt.
func feed(stream []byte, lim *Limits, cuts ...int) (o outcome) {
	var p Parser
	var tail []byte
	from := 0
	for _, to := range append(cuts, len(stream)) {
		buf := append(bytes.Clone(tail), stream[from:to]...)
		from = to
		var n int
		n, o.err = feedBuffer(&p, buf, lim, &o)
		if o.err != "" {
			return o
		}
		tail = bytes.Clone(buf[n:])
		for i := range buf {
			buf[i] = 0xEE
		}
	}
	o.rest = len(tail)
	return o
}

// feedBuffer calls Next until it wants more and returns how much of buf is consumed.
func feedBuffer(p *Parser, buf []byte, lim *Limits, o *outcome) (consumed int, errText string) {
	for {
		args, n, err := p.Next(buf[consumed:], lim)
		if n < 0 || n > len(buf)-consumed {
			panic(fmt.Sprintf("Next consumed %d of %d bytes", n, len(buf)-consumed))
		}
		consumed += n
		if err != nil {
			return consumed, err.Error()
		}
		if len(args) == 0 {
			return consumed, ""
		}
		o.commands = append(o.commands, copyArgs(args))
	}
}

// everyByte are the cuts that make each chunk one byte.
func everyByte(stream []byte) []int {
	cuts := make([]int, 0, len(stream))
	for i := 1; i < len(stream); i++ {
		cuts = append(cuts, i)
	}
	return cuts
}
