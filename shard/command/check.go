package command

import (
	"errors"
	"fmt"
)

// check finds what contradicts itself in a row, so that no layer meets it later.
func (r *Row) check(container *Row) error {
	if err := r.checkName(); err != nil {
		return err
	}
	if r.Arity == 0 {
		return errors.New("arity is 0")
	}
	if container != nil && len(r.Subs) > 0 {
		return errors.New("a subcommand has subcommands")
	}
	if r.Flags&Write != 0 && r.Flags&ReadOnly != 0 {
		return errors.New("is both write and readonly")
	}
	if err := r.checkRoute(); err != nil {
		return err
	}
	if err := r.checkKeys(); err != nil {
		return err
	}
	return r.checkArgs(r.Args)
}

func (r *Row) checkName() error {
	if r.Name == "" {
		return errors.New("has no name")
	}
	if r.Flags&Internal != 0 {
		return nil // no client says it, so nothing limits it
	}
	if len(r.Name) > maxName {
		return fmt.Errorf("name is longer than %d bytes", maxName)
	}
	for _, c := range []byte(r.Name) {
		if c == '|' || c <= ' ' || c > '~' || ('A' <= c && c <= 'Z') {
			return fmt.Errorf("name has %q", c)
		}
	}
	return nil
}

func (r *Row) checkRoute() error {
	if r.Route == RouteSingle && r.fixedKey() == 0 {
		return errors.New("routed by its only key, but has not exactly one key at a fixed place")
	}
	if r.Merge != MergeNone && r.Route != RouteFanOut && r.Route != RouteBroadcast {
		return errors.New("has a merge policy, but its route merges nothing")
	}
	return nil
}

func (r *Row) checkKeys() error {
	least := max(r.Arity, -r.Arity)
	for i := range r.Keys {
		spec := &r.Keys[i]
		if err := spec.check(); err != nil {
			return fmt.Errorf("key spec %d: %w", i, err)
		}
		if spec.Begin.Index >= least && spec.Find.Last >= 0 {
			return fmt.Errorf("key spec %d: begins at %d, which arity %d does not ensure", i, spec.Begin.Index, r.Arity)
		}
	}
	if _, movable := r.legacy(); movable != (r.Flags&MovableKeys != 0) {
		return fmt.Errorf("flag movablekeys is %t, but key specs say %t", !movable, movable)
	}
	return nil
}

func (s *KeySpec) check() error {
	switch {
	case s.unknown():
		return nil
	case s.Begin.Index < 0 || (s.Begin.Index > 0) == (s.Begin.Keyword != ""):
		return errors.New("begins neither at an index nor after a keyword")
	case s.Begin.Keyword != "" && s.Begin.StartFrom == 0:
		return errors.New("looks for its keyword from word 0")
	case s.Find.Step < 1:
		return errors.New("has no step")
	case s.Find.ByCount && (s.Find.KeyNum < 0 || s.Find.First <= s.Find.KeyNum):
		return errors.New("has its first key before the count of keys")
	case s.Find.Limit < 0 || (s.Find.Limit > 0 && s.Find.Last != -1):
		return errors.New("has a limit, but not the last key at -1")
	}
	return nil
}

func (r *Row) checkArgs(args []Arg) error {
	for i := range args {
		arg := &args[i]
		holds := arg.Type == ArgOneOf || arg.Type == ArgBlock
		switch {
		case arg.Name == "" || arg.Type == "":
			return fmt.Errorf("argument %d has no name or no type", i)
		case holds != (len(arg.Args) > 0):
			return fmt.Errorf("argument %q: its type and its arguments do not fit", arg.Name)
		case arg.showsKeySpec() && (arg.KeySpec < 0 || arg.KeySpec >= len(r.Keys)):
			return fmt.Errorf("argument %q: no key spec %d", arg.Name, arg.KeySpec)
		}
		if err := r.checkArgs(arg.Args); err != nil {
			return err
		}
	}
	return nil
}

// showsKeySpec tells whether COMMAND DOCS names the argument's key spec.
func (a *Arg) showsKeySpec() bool { return a.Type == ArgKey || a.KeySpec != 0 }
