package command

import (
	"fmt"

	"github.com/troupedb/troupe/shard/reply"
)

// Info is a row in its place in a Table.
type Info struct {
	*Row
	ID       int
	Parent   *Info  // the container, for a subcommand
	FullName string // "get", "config|get"
	// KeyPos is where the command's only key stands, always; 0 where that
	// cannot be said without Keys.
	KeyPos int

	cats     Category
	legacy   legacyKeys
	find     keyFinder // what specs cannot say; nil: they suffice
	children []*Info   // in the order of Subs
	subs     nameIndex
}

// Subs are the subcommands of a container in the order of its row.
func (i *Info) Subs() []*Info { return i.children }

// Categories are the row's, computed once.
func (i *Info) Categories() Category { return i.cats }

// Table is the commands that a node knows.
type Table struct {
	all      []*Info // by ID
	top      []*Info // commands that clients can name, without subcommands
	names    nameIndex
	internal map[string]*Info
}

// NewTable joins lists of rows. IDs are given in the order of the lists, a
// subcommand's after its container's. It fails on two rows of one name and on a
// row that contradicts itself, and says which.
func NewTable(lists ...[]*Row) (*Table, error) {
	rows := 0
	for _, list := range lists {
		rows += len(list)
	}
	t := &Table{names: newNameIndex(rows), internal: map[string]*Info{}}
	for _, list := range lists {
		for _, row := range list {
			if err := t.add(row); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

func (t *Table) add(row *Row) error {
	info, err := t.enter(row, nil)
	if err != nil {
		return err
	}
	if row.Flags&Internal != 0 {
		return t.addInternal(info)
	}
	if t.names.add(info) != nil {
		return fmt.Errorf("command %q: declared twice", row.Name)
	}
	t.top = append(t.top, info)
	info.subs = newNameIndex(len(row.Subs))
	for _, sub := range row.Subs {
		child, err := t.enter(sub, info)
		if err != nil {
			return err
		}
		if info.subs.add(child) != nil {
			return fmt.Errorf("command %q: declared twice", child.FullName)
		}
		info.children = append(info.children, child)
	}
	return nil
}

func (t *Table) addInternal(info *Info) error {
	if len(info.Row.Subs) > 0 {
		return fmt.Errorf("command %q: an internal command has no subcommands", info.Name)
	}
	if t.internal[info.Name] != nil {
		return fmt.Errorf("command %q: declared twice", info.Name)
	}
	t.internal[info.Name] = info
	return nil
}

// enter checks row and gives it the next ID.
func (t *Table) enter(row *Row, parent *Info) (*Info, error) {
	info := &Info{Row: row, ID: len(t.all), Parent: parent}
	var container *Row
	if parent != nil {
		container = parent.Row
	}
	info.FullName = row.FullName(container)
	if err := row.check(container); err != nil {
		return nil, fmt.Errorf("command %q: %w", info.FullName, err)
	}
	info.cats = row.Categories()
	info.legacy, _ = row.legacy()
	info.KeyPos = row.fixedKey()
	info.find = keyFinders[info.FullName]
	if info.find == nil && row.needsFinder() {
		return nil, fmt.Errorf("command %q: has key specs that do not suffice, and no key finder", info.FullName)
	}
	t.all = append(t.all, info)
	return info, nil
}

// Lookup finds a command by its name in any case, or answers nil. It finds
// containers, but neither subcommands nor internal commands.
func (t *Table) Lookup(name []byte) *Info { return t.names.find(name) }

// Sub finds a subcommand of i by its word in any case, or answers nil.
func (i *Info) Sub(name []byte) *Info { return i.subs.find(name) }

// Internal finds an internal command, or answers nil.
func (t *Table) Internal(name string) *Info { return t.internal[name] }

// ByID is the command with this ID, 0 <= id < Len().
func (t *Table) ByID(id int) *Info { return t.all[id] }

// Len is how many commands there are, subcommands and internal ones included.
func (t *Table) Len() int { return len(t.all) }

// All are all commands in the order of their IDs. The caller must not change it.
func (t *Table) All() []*Info { return t.all }

// Top are the commands that clients can name, without subcommands, in the order
// of their IDs. The caller must not change it.
func (t *Table) Top() []*Info { return t.top }

// Resolve finds what args, at least one word, ask for, and checks their number.
// The error is the answer for the client, and empty when Info is not nil.
func (t *Table) Resolve(args [][]byte) (*Info, reply.Error) {
	info := t.Lookup(args[0])
	if info == nil {
		return nil, reply.UnknownCommand(args)
	}
	if len(info.children) > 0 && len(args) > 1 {
		sub := info.Sub(args[1])
		if sub == nil {
			return nil, reply.UnknownSubcommand(string(args[0]), args[1])
		}
		info = sub
	}
	if !info.AdmitsArity(len(args)) {
		return nil, reply.WrongArity(info.FullName)
	}
	return info, ""
}

// Named finds a command by its full name ("get", "config|get") in any case, as
// COMMAND INFO does, or answers nil.
func (t *Table) Named(full []byte) *Info {
	for i, c := range full {
		if c != '|' {
			continue
		}
		info := t.Lookup(full[:i])
		if info == nil {
			return nil
		}
		return info.Sub(full[i+1:])
	}
	return t.Lookup(full)
}
