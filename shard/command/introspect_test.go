package command_test

import (
	"strings"
	"testing"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

// TestHelpForm: the frame around a container's help lines is Redis's.
func TestHelpForm(t *testing.T) {
	w := &reply.Writer{}
	command.WriteHelp(w, []byte("obJect"), []string{"A", "    b"})
	want := "*5\r\n+OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n" +
		"+A\r\n+    b\r\n+HELP\r\n+    Prints this help.\r\n"
	if got := string(w.Buf); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestCommandHelpNamesEverySubcommand keeps the help beside the table.
func TestCommandHelpNamesEverySubcommand(t *testing.T) {
	w := &reply.Writer{}
	command.WriteCommandHelp(w, []byte("command"))
	for _, sub := range recordedTable(t).Lookup([]byte("command")).Subs() {
		if !strings.Contains(string(w.Buf), "\r\n+"+strings.ToUpper(sub.Name)) {
			t.Errorf("COMMAND HELP does not name %s", sub.Name)
		}
	}
}

// TestDocsForm: what only some commands have comes in Redis's order and types.
func TestDocsForm(t *testing.T) {
	row := &command.Row{
		Name: "old", Group: command.GroupGeneric, Since: "1.0.0", Summary: "s", Complexity: "c", Arity: 2,
		Keys: command.Key1(command.RO), Deprecated: "2.0.0", ReplacedBy: "`NEW`", SysCmd: true,
		History: []command.Change{{Since: "1.2.0", What: "w"}},
		Args: []command.Arg{{Name: "key", Type: command.ArgKey},
			{Name: "empty", Type: command.ArgPureToken, Optional: true, Multiple: true, MultipleToken: true}},
	}
	table, err := command.NewTable([]*command.Row{row})
	if err != nil {
		t.Fatal(err)
	}
	w := &reply.Writer{Proto: reply.RESP3}
	table.WriteDocs(w, words("nosuch OLD"))
	want := "%1 old %9 summary s since 1.0.0 group generic complexity c doc_flags ~2 +deprecated +syscmd " +
		"deprecated_since 2.0.0 replaced_by `NEW` history ~1 *2 1.2.0 w arguments *2 " +
		"%3 name key type key key_spec_index :0 " +
		"%4 name empty type pure-token token  flags ~3 +optional +multiple +multiple_token "
	if got := plain(w.Buf); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// plain leaves out the lengths of bulk strings and the line ends.
func plain(resp []byte) string {
	var b strings.Builder
	for _, line := range strings.SplitAfter(string(resp), "\r\n") {
		if !strings.HasPrefix(line, "$") {
			b.WriteString(strings.Replace(line, "\r\n", " ", 1))
		}
	}
	return b.String()
}
