package saga

// Plan is a program that is known before it runs: some steps, all at once and none on
// what another says, and a reply that is made of theirs. Its sagas need no coroutine,
// and one round of steps.
type Plan struct {
	// Fits tells whether the call can be carried out by the plan; nil: always.
	Fits func(*Call) bool
	// Steps returns what is to be run, nil if it has answered already.
	Steps func(*Tx) []Step
	// Into makes the steps' replies a part of the client's, after what Steps has
	// written.
	Into bool
	// Reply ends the client's reply; nil if there is nothing to add.
	Reply func(*Tx, []Step)
}

// run is the plan as a program.
func (p *Plan) run(t *Tx) {
	steps := p.Steps(t)
	switch {
	case steps == nil:
		return
	case p.Into:
		t.Into(steps)
	default:
		t.Do(steps)
	}
	if p.Reply != nil {
		p.Reply(t, steps)
	}
}

// plan returns the plan of a call, nil if there is none.
func (e *Env) plan(call *Call) *Plan {
	p := e.plans[call.Cmd.ID]
	if p != nil && (p.Fits == nil || p.Fits(call)) {
		return p
	}
	return nil
}
