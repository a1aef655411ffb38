package conn

import (
	"slices"

	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/gateway/session"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/reply"
)

// Commands are the commands of this package.
var Commands = slices.Concat(clusterCommands, troupeCommands, []session.Command{
	{Row: &authRow, Run: auth},
	{Row: &clientRow},
	{Row: &clientGetnameRow, Run: clientGetname},
	{Row: &clientHelpRow, Run: clientHelp},
	{Row: &clientIdRow, Run: clientID},
	{Row: &clientInfoRow, Run: clientInfo},
	{Row: &clientKillRow, Run: clientKill, Here: clientKillHere},
	{Row: &clientListRow, Run: clientList, Here: clientListHere},
	{Row: &clientNoEvictRow, Run: clientNoEvict},
	{Row: &clientReplyRow, Run: clientReply},
	{Row: &clientSetnameRow, Run: clientSetname},
	{Row: &clientUnblockRow, Run: clientUnblock, Here: clientUnblockHere},
	{Row: &commandRow, Run: commandInfo},
	{Row: &commandCountRow, Run: commandCount},
	{Row: &commandDocsRow, Run: commandDocs},
	{Row: &commandGetkeysRow, Run: commandGetkeys},
	{Row: &commandGetkeysandflagsRow, Run: commandGetkeysandflags},
	{Row: &commandHelpRow, Run: commandHelp},
	{Row: &commandInfoRow, Run: commandInfo},
	{Row: &commandListRow, Run: commandList},
	{Row: &configRow},
	{Row: &configGetRow, Run: configGet},
	{Row: &configHelpRow, Run: configHelp},
	{Row: &configResetstatRow, Run: configResetstat, Here: configResetstatHere},
	{Row: &configRewriteRow, Run: configRewrite},
	{Row: &configSetRow, Run: configSet, Here: configSetHere},
	{Row: &debugRow, Run: debug, Here: debugHere, Wide: debugIsWide},
	{Row: &echoRow, Run: echo},
	{Row: &functionRow},
	{Row: &functionFlushRow, Run: functionFlush},
	{Row: &functionHelpRow, Run: functionHelp},
	{Row: &functionListRow, Run: functionList},
	{Row: &helloRow, Run: hello},
	{Row: &infoRow, Run: info, Here: infoHere, Wide: wantsTotals},
	{Row: &pingRow, Run: ping},
	{Row: &quitRow, Run: quit},
	{Row: &resetRow, Run: reset},
	{Row: &scriptRow},
	{Row: &scriptDebugRow, Run: scriptDebug},
	{Row: &scriptExistsRow, Run: scriptExists, Here: scriptExistsHere},
	{Row: &scriptFlushRow, Run: scriptFlush, Here: scriptFlushHere},
	{Row: &scriptHelpRow, Run: scriptHelp},
	{Row: &scriptKillRow, Run: scriptKill, Here: scriptKillHere},
	{Row: &scriptLoadRow, Run: scriptLoad, Here: scriptLoadHere},
	{Row: &selectRow, Run: selectDB},
	{Row: &shutdownRow, Run: shutdown},
	{Row: &timeRow, Run: timeNow},
})

// Programs are the commands of this package that look into shards. They need a
// session as the Local of their call.
var Programs = slices.Concat(clusterPrograms, troupePrograms, []saga.Command{
	{Row: &infoAllRow, Run: showInfo},
	{Row: &infoSomeRow, Run: showInfo, Computes: true},
	{Row: &debugDigestRow, Run: debugDigest, Computes: true},
	{Row: &debugObjectRow, Run: debugObject, Computes: true},
})

// is tells whether argument i is the word, which is given in lower case.
func is(r *session.LocalCall, i int, word string) bool { return sameWord(r.Args[i], word) }

func sameWord(arg []byte, word string) bool {
	if len(arg) != len(word) {
		return false
	}
	for i, b := range arg {
		if b >= 'A' && b <= 'Z' {
			b += 'a' - 'A'
		}
		if b != word[i] {
			return false
		}
	}
	return true
}

// integer parses argument i, or writes the error.
func integer(r *session.LocalCall, i int, otherwise reply.Error) (int64, bool) {
	n, ok := num.ParseInt(r.Args[i])
	if !ok {
		r.Out.Error(otherwise)
	}
	return n, ok
}

// badSubcommand answers arguments that a container knows nothing to do with.
func badSubcommand(container string, word []byte) reply.Error {
	const maxEcho = 128 // as much of the word as Redis repeats
	return reply.Error("ERR unknown subcommand or wrong number of arguments for '" +
		oneLine(word[:min(len(word), maxEcho)]) + "'. Try " + container + " HELP.")
}

// oneLine keeps a client's bytes from ending an error line early.
func oneLine(word []byte) string {
	out := append([]byte(nil), word...)
	for i, b := range out {
		if b == '\r' || b == '\n' {
			out[i] = ' '
		}
	}
	return string(out)
}

// help answers HELP with a container's own lines.
func help(r *session.LocalCall, lines []string) { command.WriteHelp(r.Out, r.Args[0], lines) }
