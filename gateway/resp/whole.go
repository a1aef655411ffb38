package resp

// whole reads the multibulk at b[0] if it is complete, plain and within the limits,
// which nearly all commands are. It changes nothing but the storage of args; for
// anything else, an unfinished command included, size is 0 and the careful way judges.
func (p *Parser) whole(b []byte, lim *Limits) (args [][]byte, size int) {
	if b[0] != '*' {
		return nil, 0
	}
	left, pos := shortLength(b, 1)
	if pos == 0 || left == 0 || lim.checkCount(int64(left)) != nil {
		return nil, 0
	}
	maxBulk := lim.MaxBulk
	if lim.Unauthenticated {
		maxBulk = min(maxBulk, UnauthMaxBulk)
	}
	if int64(len(b)) > lim.MaxQuery {
		b = b[:max(lim.MaxQuery, 0)]
	}
	args = p.args[:0]
	for ; left > 0; left-- {
		if pos >= len(b) || b[pos] != '$' {
			break
		}
		length, start := shortLength(b, pos+1)
		end := start + length
		if start == 0 || int64(length) > maxBulk || end > len(b)-bulkTrailer {
			break
		}
		args = append(args, b[start:end:end])
		pos = end + bulkTrailer
	}
	args = p.keep(args)
	if left > 0 {
		return nil, 0
	}
	return args, pos
}
