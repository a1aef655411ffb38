package locks

// Key names what is locked: one key, or with All every key of a database.
type Key struct {
	Name string
	DB   uint8
	All  bool
}

// conflict tells whether two keys cannot be held by two owners at once.
func conflict(a, b Key) bool {
	return a.DB == b.DB && (a.All || b.All || a.Name == b.Name)
}

// Table is the locks of a shard. Its zero value is empty.
type Table struct {
	held    map[Key]uint64 // owner
	waiting []wait         // in the order of arrival
}

type wait struct {
	key    Key
	ticket uint64
}

// Len returns how many locks are held.
func (t *Table) Len() int { return len(t.held) }

// Held tells whether somebody holds a lock that conflicts with key, or waits
// for one: who comes later waits too.
func (t *Table) Held(key Key) bool {
	for k := range t.held {
		if conflict(k, key) {
			return true
		}
	}
	for _, w := range t.waiting {
		if conflict(w.key, key) {
			return true
		}
	}
	return false
}

// Wait queues ticket at key.
func (t *Table) Wait(key Key, ticket uint64) {
	t.waiting = append(t.waiting, wait{key, ticket})
}
