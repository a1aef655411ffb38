package glob

// Match reports whether pattern matches all of s. With nocase, ASCII letters
// match in either case.
func Match(pattern, s []byte, nocase bool) bool {
	if len(s) == 0 {
		return len(pattern) == 0
	}
	p, i := 0, 0
	// The last star seen: what follows it in the pattern, and the next byte of s
	// from which that rest is tried. -1: no star yet.
	retryP, retryI := -1, 0
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			p = skipStars(pattern, p)
			if p == len(pattern) {
				return true
			}
			retryP, retryI = p, i
			continue
		}
		if p < len(pattern) {
			if next, ok := matchOne(pattern, p, s[i], nocase); ok {
				p, i = next, i+1
				continue
			}
		}
		if retryP < 0 {
			return false
		}
		retryI++
		p, i = retryP, retryI
	}
	return skipStars(pattern, p) == len(pattern)
}

// skipStars returns the first position at or after p that holds no star.
func skipStars(pattern []byte, p int) int {
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p
}

// matchOne matches c against the element at p, which is no star, and returns
// where the next element starts.
func matchOne(pattern []byte, p int, c byte, nocase bool) (next int, ok bool) {
	switch pattern[p] {
	case '?':
		return p + 1, true
	case '[':
		return matchClass(pattern, p+1, c, nocase)
	case '\\':
		if p+1 < len(pattern) {
			p++
		}
	}
	return p + 1, equal(pattern[p], c, nocase)
}

// matchClass matches c against the class whose inside starts at p.
func matchClass(pattern []byte, p int, c byte, nocase bool) (next int, ok bool) {
	not := p < len(pattern) && pattern[p] == '^'
	if not {
		p++
	}
	match := false
	for ; p < len(pattern) && pattern[p] != ']'; p++ {
		switch left := len(pattern) - p; {
		case pattern[p] == '\\' && left >= 2:
			p++
			match = match || pattern[p] == c
		case left >= 3 && pattern[p+1] == '-':
			match = match || inRange(pattern[p], pattern[p+2], c, nocase)
			p += 2
		default:
			match = match || equal(pattern[p], c, nocase)
		}
	}
	// An unterminated class has consumed the pattern; p stays within it.
	return min(p+1, len(pattern)), match != not
}

// inRange compares as Redis does: as signed bytes, ends in either order, and
// folded only after they were ordered.
func inRange(from, to, c byte, nocase bool) bool {
	if int8(from) > int8(to) {
		from, to = to, from
	}
	if nocase {
		from, to, c = lower(from), lower(to), lower(c)
	}
	return int8(from) <= int8(c) && int8(c) <= int8(to)
}

func equal(a, b byte, nocase bool) bool {
	return a == b || nocase && lower(a) == lower(b)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// LiteralPrefix returns the bytes that every match must start with (compared
// byte for byte, so without nocase), a part of pattern. exact reports that
// pattern has no special byte at all: it matches only itself.
func LiteralPrefix(pattern []byte) (prefix []byte, exact bool) {
	for i, c := range pattern {
		switch c {
		case '*', '?', '[', '\\':
			return pattern[:i], false
		}
	}
	return pattern, true
}
