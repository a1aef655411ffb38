package command

// unknown tells that no rule finds the spec's keys.
func (s *KeySpec) unknown() bool {
	return s.Begin == Begin{} && s.Find == Find{}
}

// needsFinder tells that the row's specs alone do not say which keys there are
// and what becomes of them.
func (r *Row) needsFinder() bool {
	for i := range r.Keys {
		if r.Keys[i].unknown() || r.Keys[i].insufficient() {
			return true
		}
	}
	return false
}

// insufficient tells that the spec itself says that it finds too few keys, or
// that what becomes of them depends on the arguments.
func (s *KeySpec) insufficient() bool { return s.Access&(Incomplete|VariableFlags) != 0 }

// plainRange tells that the spec is a range at a fixed index.
func (s *KeySpec) plainRange() bool {
	return s.Begin.Index > 0 && !s.Find.ByCount
}

// fixedKey is the position of the only key of a command that always has exactly
// this one; 0 for any other command.
func (r *Row) fixedKey() int {
	if len(r.Keys) != 1 {
		return 0
	}
	spec := &r.Keys[0]
	if !spec.plainRange() || spec.Find.Last != 0 || spec.Access&(NotKey|Incomplete) != 0 {
		return 0
	}
	return spec.Begin.Index
}

// legacyKeys is the one range that COMMAND INFO gave for a command's keys before
// there were key specs: last is absolute, or negative from the end.
type legacyKeys struct{ first, last, step int }

// legacy joins the row's specs into one range. movable tells that the range
// does not cover all keys.
func (r *Row) legacy() (keys legacyKeys, movable bool) {
	if len(r.Keys) == 0 {
		return legacyKeys{}, false
	}
	if only := &r.Keys[0]; len(r.Keys) == 1 && only.plainRange() {
		keys = legacyKeys{only.Begin.Index, only.lastPos(), only.Find.Step}
		return keys, only.Access&Incomplete != 0
	}
	for i := range r.Keys {
		spec := &r.Keys[i]
		if !spec.plainRange() || spec.Find.Step != 1 || !keys.follows(spec) {
			movable = true
			continue
		}
		movable = movable || spec.Access&Incomplete != 0
		if keys.first == 0 {
			keys = legacyKeys{spec.Begin.Index, spec.lastPos(), 1}
			continue
		}
		// From the end is later than any position from the beginning.
		if keys.last >= 0 && (spec.lastPos() < 0 || spec.lastPos() > keys.last) {
			keys.last = spec.lastPos()
		}
	}
	return keys, movable || keys.first == 0
}

// follows tells whether spec begins right behind keys, or is the first.
func (k legacyKeys) follows(spec *KeySpec) bool {
	return k.first == 0 || spec.Begin.Index == k.last+1
}

// lastPos is the last key's position, negative from the end.
func (s *KeySpec) lastPos() int {
	if s.Find.Last >= 0 {
		return s.Begin.Index + s.Find.Last
	}
	return s.Find.Last
}
