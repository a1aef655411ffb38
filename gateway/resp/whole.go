package resp

// whole reads the multibulk at b[0] if it is complete, plain and within the limits,
// which nearly all commands are. It changes nothing but the storage of args; for
// anything else, an unfinished command included, size is 0 and the careful way judges.
func (p *Parser) whole(b []byte, lim *Limits) (args [][]byte, size int) {
	args, size = Whole(p.args[:0], b, lim)
	args = p.keep(args)
	if size == 0 {
		return nil, 0
	}
	return args, size
}

// Whole appends to args the words of the command that b begins with, if that is there
// as a whole, plain (no inline command) and within the limits; size is what it takes of
// b. For anything else size is 0, and the parser, which it does not need, judges. The words alias b.
func Whole(args [][]byte, b []byte, lim *Limits) (all [][]byte, size int) {
	if len(b) == 0 || b[0] != '*' {
		return args, 0
	}
	left, pos := shortLength(b, 1)
	if pos == 0 || left == 0 || lim.checkCount(int64(left)) != nil {
		return args, 0
	}
	maxBulk := lim.MaxBulk
	if lim.Unauthenticated {
		maxBulk = min(maxBulk, UnauthMaxBulk)
	}
	if int64(len(b)) > lim.MaxQuery {
		b = b[:max(lim.MaxQuery, 0)]
	}
	for ; left > 0; left-- {
		if pos >= len(b) || b[pos] != '$' {
			return args, 0
		}
		length, start := shortLength(b, pos+1)
		end := start + length
		if start == 0 || int64(length) > maxBulk || end > len(b)-bulkTrailer {
			return args, 0
		}
		args = append(args, b[start:end:end])
		pos = end + bulkTrailer
	}
	return args, pos
}
