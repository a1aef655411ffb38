package keyspace

// names is a queue of distinct names. Its zero value is empty.
type names struct {
	in    map[string]struct{}
	order []string
	head  int
}

// add puts a name at the end, unless it is in the queue, and tells whether.
func (q *names) add(name []byte) bool {
	if _, there := q.in[string(name)]; there {
		return false
	}
	if q.in == nil {
		q.in = map[string]struct{}{}
	}
	s := string(name)
	q.in[s] = struct{}{}
	q.order = append(q.order, s)
	return true
}

func (q *names) has(name []byte) bool {
	_, there := q.in[string(name)]
	return there
}

func (q *names) len() int { return len(q.order) - q.head }

// pop takes the first name out; there must be one.
func (q *names) pop() string {
	s := q.order[q.head]
	q.order[q.head] = ""
	q.head++
	delete(q.in, s)
	switch {
	case q.head == len(q.order):
		q.order, q.head = q.order[:0], 0
	case q.head > len(q.order)/2 && q.head >= 64:
		n := copy(q.order, q.order[q.head:])
		clear(q.order[n:])
		q.order, q.head = q.order[:n], 0
	}
	return s
}

// Marks is which elements of a large table have changed since they travelled.
type Marks struct {
	db *exportDB // whose account the names are on
	// pos: the elements whose place in a scan is before it have travelled, or are
	// in names.
	pos   uint64
	names names
}

// Changed tells that an element, whose name hashes to h, is new, changed or gone.
// A nil Marks does not care.
func (m *Marks) Changed(h uint64, name []byte) {
	if m != nil {
		m.changed(h, name)
	}
}

func (m *Marks) changed(h uint64, name []byte) {
	if scanPlace(h) < m.pos {
		m.add(name)
	}
}

func (m *Marks) add(name []byte) {
	if m.names.add(name) {
		m.db.pending++
	}
}

func (m *Marks) pop() []byte {
	m.db.pending--
	return []byte(m.names.pop())
}

// close takes the marks off the account.
func (m *Marks) close() {
	m.db.pending -= m.names.len()
	*m = Marks{}
}
