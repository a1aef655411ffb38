package keyspace

// Operations on parts of large values.

// open makes a key the one that the operations to come are for. What it holds of
// the value is kept unless the value begins anew.
func (m *Import) open() bool {
	m.leave()
	k, ok := m.key()
	if !ok {
		return false
	}
	a, ok := m.attributes()
	fresh := m.in.byte() != 0
	if !ok || m.in.bad || a.kind == String && a.form == Int || a.kind != String && a.form != formElements {
		return false
	}
	maker, fill := &m.makers[a.kind], 0
	if maker.List != nil {
		fill = m.fill()
	}
	if m.in.bad || a.kind != String && maker.List == nil && maker.Table == nil {
		return false
	}
	r := m.ks.record(&k)
	if r != 0 && (fresh || m.ks.Kind(r) != a.kind) {
		m.ks.Remove(&k, r)
		r = 0
	}
	if r == 0 {
		m.create(&k, a, maker, fill)
	}
	return m.enter(k.clone(), a)
}

// create gives the key an empty value.
func (m *Import) create(k *Key, a attributes, maker *Maker, fill int) {
	m.keys++
	switch {
	case a.kind == String:
		m.ks.PutString(k, 0, a.form, 0, a.expiry)
	case maker.List != nil:
		m.ks.PutObject(k, 0, maker.List(fill), a.expiry)
	default:
		m.ks.PutObject(k, 0, maker.Table(m.ks), a.expiry)
	}
}

func (m *Import) enter(k Key, a attributes) bool {
	m.ks.SetExpiry(&k, m.ks.record(&k), a.expiry)
	r := m.ks.record(&k)
	m.ks.Arena.SetClock(r, a.clock)
	m.at = opened{key: k, kind: a.kind, is: true}
	if a.kind == String {
		if m.ks.IsInt(r) {
			return false
		}
		m.ks.Arena.SetTag(r, tag(String, a.form))
		return true
	}
	o := m.ks.Object(r)
	if mobile, ok := o.(Mobile); !ok || mobile.Flat() != nil {
		return false
	}
	m.at.list, _ = o.(Sequenced)
	m.at.table, _ = o.(Tabled)
	return true
}

// leave ends the work on a key. An object without elements is no value: the key
// goes, and comes back with its next element.
func (m *Import) leave() {
	if !m.at.is {
		return
	}
	if r := m.ks.record(&m.at.key); r != 0 && m.ks.Kind(r) != String && m.ks.Object(r).Len() == 0 {
		m.ks.Remove(&m.at.key, r)
	}
	m.at = opened{}
}

func (m *Import) stringPart(op byte) bool {
	n := m.in.index(maxText)
	r := m.ks.record(&m.at.key)
	had := len(m.ks.Arena.Val(r))
	if m.in.bad || n > had {
		return false
	}
	switch op {
	case opLength:
		m.ks.resizeString(&m.at.key, r, n)
		return true
	case opBytes:
		part := m.in.text(nil)
		if m.in.bad || n+len(part) > maxText {
			return false
		}
		copy(m.ks.resizeString(&m.at.key, r, max(had, n+len(part)))[n:], part)
		return true
	}
	return false
}

func (m *Import) element(op byte) bool {
	name := m.in.text(m.parts[partName])
	switch op {
	case opElement:
		val := m.value()
		return !m.in.bad && m.at.table.Put(name, val)
	case opDrop:
		if !m.in.bad {
			m.at.table.Drop(name)
		}
		return true
	}
	return false
}

func (m *Import) item(op byte) bool {
	l := m.at.list
	switch op {
	case opItem:
		if text := m.value(); !m.in.bad {
			l.InsertAt(m.ks, l.Len(), text)
		}
	case opInsert:
		i := m.in.index(l.Len())
		if text := m.in.text(nil); !m.in.bad {
			l.InsertAt(m.ks, i, text)
		}
	case opRemove:
		i := m.in.index(l.Len())
		if n := m.in.index(l.Len() - i); !m.in.bad {
			l.RemoveAt(m.ks, i, n)
		}
	case opReplace:
		i := m.in.index(l.Len() - 1)
		if text := m.in.text(nil); !m.in.bad {
			l.ReplaceAt(m.ks, i, text)
		}
	default:
		return false
	}
	return true
}
