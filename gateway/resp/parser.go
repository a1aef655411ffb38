package resp

import (
	"bytes"
	"math"
	"slices"
)

// keptArgs is how many arguments' storage (40 bytes each) a parser keeps while it waits
// for input; what a larger command needed is given back. Everyday commands fit.
const keptArgs = 128

// bulkTrailer is the two bytes after a bulk. Like Redis, nobody checks that they are \r\n.
const bulkTrailer = 2

// Parser reads the requests of one connection. The zero value is ready for use. It
// keeps the progress of a partial command, so a command that arrives one byte a read
// costs time linear in its size. Not safe for concurrent use.
type Parser struct {
	args  [][]byte // what Next returned last
	used  int      // how much of args' storage may point into the caller's buffer
	spans []span   // the arguments of the command in progress

	pos     int   // offset of the line or bulk in progress
	left    int   // arguments of the multibulk still to come
	bulk    int64 // length of the bulk at pos; valid when inBulk
	inBulk  bool  // the header before pos was read, its bulk was not
	scanned int   // bytes from pos on that hold no line end
	nul     bool  // a NUL stands before the line's end, see lineEnd

	held   int // length of the partial command that the caller must bring back
	failed *ProtocolError
}

// span is an argument as offsets from the start of its command.
type span struct{ start, end int }

// Next reads one command from buf.
//
// A command is complete when args is not empty: args alias buf, and they and their
// storage are valid until the next call. When args is empty and err is nil, more bytes
// are needed. In both cases the first n bytes of buf are done with, and buf of the next
// call must begin with what followed them, at any address. Empty lines and multibulks
// of no arguments are consumed without a command.
//
// An error is final: the parser returns it from then on. Quoted inline arguments are
// decoded in place, so Next may change the bytes that it consumes.
func (p *Parser) Next(buf []byte, lim *Limits) (args [][]byte, n int, err *ProtocolError) {
	if p.failed != nil {
		return nil, 0, p.failed
	}
	if len(buf) < p.held {
		panic("resp: the caller lost bytes of a partial command")
	}
	if p.pos == 0 {
		p.spans = p.spans[:0]
	}
	for n < len(buf) {
		b := buf[n:]
		if p.pos == 0 {
			if args, size := p.whole(b, lim); size > 0 {
				p.rewind()
				p.held = 0
				return args, n + size, nil
			}
		}
		size, err := p.command(b, lim)
		if err != nil {
			p.failed = err
			p.releaseArgs()
			return nil, n, err
		}
		if size == 0 {
			break
		}
		n += size
		if len(p.spans) > 0 {
			p.held = 0
			return p.arguments(b), n, nil
		}
	}
	p.held = len(buf) - n
	p.releaseArgs()
	return nil, n, nil
}

// Missing is how many bytes the argument in progress still lacks, its two trailing bytes
// included, or 0 when none is announced. The peer chose the figure: see [ReadRoom].
func (p *Parser) Missing() int64 {
	if !p.inBulk {
		return 0
	}
	have := int64(p.held - p.pos)
	if p.bulk-have > math.MaxInt64-bulkTrailer {
		return math.MaxInt64
	}
	return p.bulk - have + bulkTrailer
}

// Reset makes the parser ready for another connection.
func (p *Parser) Reset() {
	p.rewind()
	p.spans = p.spans[:0]
	p.left, p.inBulk, p.held, p.failed = 0, false, 0, nil
	p.releaseArgs()
}

// command reads on in the command at b[0] and returns its size when it is complete,
// else 0.
func (p *Parser) command(b []byte, lim *Limits) (int, *ProtocolError) {
	if b[0] != '*' {
		return p.inline(b, lim)
	}
	if p.pos == 0 {
		if err := p.multibulkHeader(b, lim); err != nil || p.pos == 0 {
			return 0, err
		}
	}
	for p.left > 0 {
		if !p.inBulk {
			if err := p.bulkHeader(b, lim); err != nil || !p.inBulk {
				return 0, err
			}
		}
		if ok, err := p.bulkBody(b, lim); !ok {
			return 0, err
		}
	}
	size := p.pos
	p.rewind()
	return size, nil
}

// multibulkHeader reads the count line and moves pos past it; pos stays 0 while the
// line is unfinished.
func (p *Parser) multibulkHeader(b []byte, lim *Limits) *ProtocolError {
	count, next, ok, err := p.length(b, '*', lim, ErrMultibulkHeader)
	if next == 0 {
		return err
	}
	if !ok {
		return ErrMultibulkLength
	}
	if err := lim.checkCount(count); err != nil {
		return err
	}
	p.advance(next)
	p.left = int(max(count, 0))
	return nil
}

// bulkHeader reads the length line at pos; inBulk stays false while it is unfinished.
func (p *Parser) bulkHeader(b []byte, lim *Limits) *ProtocolError {
	length, next, ok, err := p.length(b, '$', lim, ErrBulkHeader)
	if next == 0 {
		return err
	}
	if b[p.pos] != '$' {
		return errNoBulk(b[p.pos])
	}
	if !ok {
		return ErrBulkLength
	}
	if err := lim.checkBulk(length); err != nil {
		return err
	}
	p.advance(next)
	p.bulk, p.inBulk = length, true
	return nil
}

// bulkBody takes the bulk at pos and reports whether all of it had arrived. Every
// comparison subtracts on the side of what has arrived: an announced length can be so
// large that adding to it wraps.
func (p *Parser) bulkBody(b []byte, lim *Limits) (bool, *ProtocolError) {
	tooLong := p.bulk > lim.MaxQuery-int64(p.pos)-bulkTrailer
	if tooLong && int64(len(b)) > lim.MaxQuery {
		return false, ErrQuerySize
	}
	if tooLong || int64(len(b)-p.pos-bulkTrailer) < p.bulk {
		return false, nil
	}
	end := p.pos + int(p.bulk)
	p.spans = append(p.spans, span{p.pos, end})
	p.advance(end + bulkTrailer)
	p.inBulk = false
	p.left--
	return true, nil
}

// length reads the number after the type byte of the header line at pos. next is the
// offset after the line, 0 while it is unfinished; ok tells whether it is a number.
// Redis finds the line's end before it looks at the type, so a line of another type
// than kind ends as any other, and the caller judges the type.
func (p *Parser) length(b []byte, kind byte, lim *Limits, tooLong *ProtocolError) (v int64, next int, ok bool, err *ProtocolError) {
	if p.pos < len(b) && b[p.pos] == kind {
		if v, next := shortLength(b, p.pos+1); next > 0 {
			return int64(v), next, true, nil
		}
	}
	end, err := p.lineEnd(b[p.pos:], '\r', lim.MaxInline, tooLong)
	if end < 0 || p.pos+end+1 >= len(b) {
		return 0, 0, false, err
	}
	line := b[p.pos : p.pos+end]
	v, ok = parseInt(line[min(1, end):]) // a line that is empty lacks even its type byte
	return v, p.pos + end + 2, ok, nil
}

// lineEnd finds the byte that ends the line, or answers -1. It remembers how far it
// looked. Redis searches with strchr: a NUL hides the end, so such a line only grows
// until it is too long.
func (p *Parser) lineEnd(line []byte, end byte, maxLen int, tooLong *ProtocolError) (int, *ProtocolError) {
	window := line
	if len(line) > maxLen {
		window = line[:maxLen+1]
	}
	if fresh := window[min(p.scanned, len(window)):]; !p.nul {
		i := bytes.IndexByte(fresh, end)
		before := fresh
		if i >= 0 {
			before = fresh[:i]
		}
		p.nul = bytes.IndexByte(before, 0) >= 0
		p.scanned += len(before)
		if i >= 0 && !p.nul {
			return p.scanned, nil
		}
	}
	if len(line) > maxLen {
		return -1, tooLong
	}
	return -1, nil
}

// advance makes pos the start of the next line or bulk.
func (p *Parser) advance(pos int) {
	p.pos, p.scanned, p.nul = pos, 0, false
}

// rewind makes pos the start of the next command.
func (p *Parser) rewind() {
	p.advance(0)
}

// arguments turns the spans of a complete command at b into arguments. Their capacity ends
// with them, so appending to one cannot reach the next.
func (p *Parser) arguments(b []byte) [][]byte {
	args := slices.Grow(p.args[:0], len(p.spans))
	for _, s := range p.spans {
		args = append(args, b[s.start:s.end:s.end])
	}
	return p.keep(args)
}

// keep makes args what Next returns.
func (p *Parser) keep(args [][]byte) [][]byte {
	p.args = args
	p.used = max(p.used, len(args))
	return args
}

// releaseArgs forgets the caller's buffer and gives back the storage of a large command.
// The spans of a large command in progress stay.
func (p *Parser) releaseArgs() {
	clear(p.args[:p.used])
	p.args, p.used = p.args[:0], 0
	if cap(p.args) > keptArgs {
		p.args = nil
	}
	if cap(p.spans) > keptArgs && len(p.spans) <= keptArgs {
		p.spans = append(make([]span, 0, keptArgs), p.spans...)
	}
}
