package engine

import "github.com/troupedb/troupe/shard/command"

// Handler carries out one command on one shard: it parses the arguments, checks,
// changes, and appends exactly one reply. No reply before the last error check.
type Handler func(c *Ctx)

// Command joins a row to its handler. The type packages list theirs as Commands.
type Command struct {
	Row *command.Row
	Run Handler
}

// Handlers returns the handlers of commands by the IDs that table gave their
// rows. Rows of other layers have none.
func Handlers(table *command.Table, commands []Command) []Handler {
	byRow := make(map[*command.Row]Handler, len(commands))
	for _, c := range commands {
		byRow[c.Row] = c.Run
	}
	handlers := make([]Handler, table.Len())
	for id := range handlers {
		handlers[id] = byRow[table.ByID(id).Row]
	}
	return handlers
}
