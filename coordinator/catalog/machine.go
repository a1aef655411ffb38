package catalog

// Machine is a State as a replica of the log drives it.
type Machine struct {
	State *State
	// Done is told what became of each entry, right after it; nil: nobody is.
	Done func(index uint64, r Result)
}

// Apply carries an entry out.
func (m *Machine) Apply(index uint64, data []byte) {
	r := m.State.Apply(index, data)
	if m.Done != nil {
		m.Done(index, r)
	}
}

// Snapshot returns the whole state.
func (m *Machine) Snapshot() []byte { return m.State.Snapshot() }

// Restore takes the state that Snapshot has written.
func (m *Machine) Restore(data []byte) error { return m.State.Restore(data) }
