package saga

// The texts are Redis's, as clients show them to people.

func objectHelp(t *Tx) {
	writeHelp(t, []string{
		"OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
		"ENCODING <key>",
		"    Return the kind of internal representation used in order to store the value",
		"    associated with a <key>.",
		"FREQ <key>",
		"    Return the access frequency index of the <key>. The returned integer is",
		"    proportional to the logarithm of the recent access frequency of the key.",
		"IDLETIME <key>",
		"    Return the idle time of the <key>, that is the approximated number of",
		"    seconds elapsed since the last access to the key.",
		"REFCOUNT <key>",
		"    Return the number of references of the value associated with the specified",
		"    <key>.",
		"HELP",
		"    Prints this help.",
	})
}

func memoryHelp(t *Tx) {
	writeHelp(t, []string{
		"MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
		"USAGE <key> [SAMPLES <count>]",
		"    Return memory in bytes used by <key> and its value. Nothing is sampled:",
		"    values know their size.",
		"HELP",
		"    Prints this help.",
	})
}

func writeHelp(t *Tx, lines []string) {
	t.Out.Array(len(lines))
	for _, line := range lines {
		t.Out.Simple(line)
	}
}
