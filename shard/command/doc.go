// Package command is the command table: one declarative Row a command, from
// which everything that is known about a command without running it is
// derived: arity and subcommand errors, key positions, COMMAND's answers, ACL
// categories, what MULTI and scripts admit, and the route that the gateway
// switches on.
//
// Rows stand next to their handlers, in explicit lists; NewTable joins the
// lists, refuses rows that contradict themselves, and gives each row a dense
// ID, so that every layer can keep its handlers in a slice. The package does no
// I/O, and a Table never changes, so all goroutines may share it.
package command
