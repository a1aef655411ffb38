package keyspace

import (
	"encoding/binary"

	"github.com/troupedb/troupe/shard/data"
)

// Values that travel whole.

// whole tells whether the value in record r travels in one operation. It looks at
// no more of it than that.
func (x *Export) whole(r data.Ref) bool {
	if x.ks.Kind(r) == String {
		return len(x.ks.Arena.Val(r)) <= wholeBytes
	}
	o := x.ks.Object(r).(Mobile)
	if flat := o.Flat(); flat != nil {
		return len(flat) <= wholeBytes
	}
	if o.Len() > wholeBytes/elementBytes {
		return false
	}
	left := wholeBytes
	fits := func(n int) bool {
		left -= n + elementBytes
		x.work -= keyWork
		return left >= 0
	}
	if l, ok := o.(Sequenced); ok {
		l.Items(0, func(text []byte) bool { return fits(len(text)) })
		return left >= 0
	}
	o.(Tabled).Table().Each(func(r data.Ref) bool {
		return fits(len(x.ks.Arena.Key(r)) + len(x.ks.Arena.Val(r)))
	})
	return left >= 0
}

// value appends a value that is whole, behind its attributes.
func (x *Export) value(r data.Ref) {
	x.attributes(r)
	if x.ks.Kind(r) == String {
		x.out = appendText(x.out, x.ks.Arena.Val(r))
		return
	}
	o := x.ks.Object(r).(Mobile)
	if flat := o.Flat(); flat != nil {
		x.out = appendText(x.out, flat)
		return
	}
	if l, ok := o.(Sequenced); ok {
		x.out = binary.AppendVarint(x.out, int64(l.Fill()))
		x.number(l.Len())
		l.Items(0, func(text []byte) bool {
			x.out = appendText(x.out, text)
			return true
		})
		return
	}
	t := o.(Tabled).Table()
	x.number(t.Len())
	t.Each(func(r data.Ref) bool {
		x.out = appendText(appendText(x.out, x.ks.Arena.Key(r)), x.ks.Arena.Val(r))
		return true
	})
}
