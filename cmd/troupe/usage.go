package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// section is the annotation of flags that help shows together; the order is that in
// which sections are named here.
const section = "troupe_section"

var sections = []string{"Clients", "Cluster", "Addresses between nodes", "Encryption between nodes", "Others"}

// under puts flags into a section of the help.
func under(f *pflag.FlagSet, name string, flags ...string) {
	for _, flag := range flags {
		if err := f.SetAnnotation(flag, section, []string{name}); err != nil {
			panic(err) // there is no such flag
		}
	}
}

// usageInSections shows a command's flags by sections.
func usageInSections(cmd *cobra.Command) error {
	out := cmd.OutOrStderr()
	fmt.Fprintf(out, "Usage:\n  %s\n", cmd.UseLine())
	if cmd.HasAvailableSubCommands() {
		fmt.Fprint(out, "\nCommands:\n")
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(out, "  %-10s %s\n", sub.Name(), sub.Short)
			}
		}
	}
	for _, name := range sections {
		set := pflag.NewFlagSet("", pflag.ContinueOnError)
		set.SortFlags = false
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if sectionOf(f) == name {
				set.AddFlag(f)
			}
		})
		if text := strings.TrimRight(set.FlagUsages(), "\n"); text != "" {
			fmt.Fprintf(out, "\n%s:\n%s\n", name, text)
		}
	}
	return nil
}

func sectionOf(f *pflag.Flag) string {
	if name := f.Annotations[section]; len(name) == 1 {
		return name[0]
	}
	return sections[len(sections)-1]
}
