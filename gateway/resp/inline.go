package resp

// inline reads one line as a command and returns its size in bytes, 0 when the line
// has not ended. An empty line leaves no spans.
func (p *Parser) inline(b []byte, lim *Limits) (int, *ProtocolError) {
	newline, err := p.lineEnd(b, '\n', lim.MaxInline, ErrInlineSize)
	if newline < 0 {
		return 0, err
	}
	line := b[:newline]
	if newline > 0 && line[newline-1] == '\r' {
		line = line[:newline-1]
	}
	if !p.split(line) {
		return 0, ErrUnbalanced
	}
	p.rewind()
	return newline + 1, nil
}

// split appends the spans of the line's arguments and reports whether its quotes are
// balanced. Quoted text is decoded in place: it never grows, and its bytes are consumed
// with the line.
func (p *Parser) split(line []byte) bool {
	for i := 0; ; {
		for i < len(line) && isSpace(line[i]) {
			i++
		}
		if i == len(line) {
			return true
		}
		end, next, ok := token(line, i)
		if !ok {
			return false
		}
		p.spans = append(p.spans, span{i, end})
		i = next
	}
}

// token reads the argument that starts at line[i]. It ends before a blank or after a
// closing quote; end bounds its decoded bytes, next is where reading goes on.
func token(line []byte, i int) (end, next int, ok bool) {
	for ; i < len(line); i++ {
		switch line[i] {
		// \v and \f separate arguments but do not end one, as in Redis.
		case ' ', '\t', '\r', '\n':
			return i, i, true
		case '"':
			return doubleQuoted(line, i)
		case '\'':
			return singleQuoted(line, i)
		}
	}
	return i, i, true
}

// doubleQuoted decodes from the '"' at line[i], writing from there on.
func doubleQuoted(line []byte, i int) (end, next int, ok bool) {
	w := i
	for i++; i < len(line); i++ {
		c := line[i]
		if c == '"' {
			return w, i + 1, closesArgument(line, i)
		}
		if c == '\\' && i+1 < len(line) {
			i++
			c = unescape(line[i])
			if v, ok := hexByte(line[i:]); ok {
				c = v
				i += 2
			}
		}
		line[w] = c
		w++
	}
	return 0, 0, false
}

// singleQuoted decodes from the single quote at line[i], where only \' is an escape.
func singleQuoted(line []byte, i int) (end, next int, ok bool) {
	w := i
	for i++; i < len(line); i++ {
		c := line[i]
		if c == '\'' {
			return w, i + 1, closesArgument(line, i)
		}
		if c == '\\' && i+1 < len(line) && line[i+1] == '\'' {
			i++
			c = '\''
		}
		line[w] = c
		w++
	}
	return 0, 0, false
}

// closesArgument reports whether the quote at line[i] is followed by a blank or the
// end, as a closing quote must be.
func closesArgument(line []byte, i int) bool {
	return i+1 == len(line) || isSpace(line[i+1])
}

// isSpace is C's isspace in the C locale.
func isSpace(c byte) bool {
	return c == ' ' || ('\t' <= c && c <= '\r')
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
}

// hexByte reads the xHH of an escape \xHH.
func hexByte(s []byte) (v byte, ok bool) {
	if len(s) < 3 || s[0] != 'x' {
		return 0, false
	}
	high, ok1 := hexDigit(s[1])
	low, ok2 := hexDigit(s[2])
	return high<<4 | low, ok1 && ok2
}

func hexDigit(c byte) (v byte, ok bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
