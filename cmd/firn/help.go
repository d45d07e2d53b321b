package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// The groups of commands in the help text, in the order in which they stand.
const (
	groupBackup = "backup"
	groupLook   = "look"
	groupCare   = "care"
	groupDrive  = "drive"
)

var groups = []*cobra.Group{
	{ID: groupBackup, Title: "Back up and restore"},
	{ID: groupLook, Title: "Look at snapshots"},
	{ID: groupCare, Title: "Look after a repository"},
	{ID: groupDrive, Title: "Drives and settings"},
}

// prepareHelp gives all commands below root their help.
func prepareHelp(root *cobra.Command) {
	root.SetUsageFunc(func(c *cobra.Command) error {
		_, err := fmt.Fprint(c.OutOrStdout(), usageText(c))
		return err
	})
	root.SetHelpFunc(func(c *cobra.Command, _ []string) {
		text := usageText(c)
		if c.HasParent() {
			about := c.Long
			if about == "" {
				about = c.Short + "."
			}
			text = about + "\n\n" + text
		}
		fmt.Fprint(c.OutOrStdout(), text)
	})
	root.SetHelpCommand(newHelpCommand(root))
	root.InitDefaultHelpFlag()
}

// newHelpCommand is cobra's own, but that an unknown topic is an error.
func newHelpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command; 'firn help flags': flags of all commands; 'firn help settings': of drives",
		Example: `  firn help restore
  firn help flags
  firn help settings`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] == "flags" {
				fmt.Fprint(root.OutOrStdout(), "Flags of all commands:\n"+flagTable(root.PersistentFlags()))
				return nil
			}
			if len(args) == 1 && args[0] == "settings" {
				fmt.Fprint(root.OutOrStdout(), settingsHelp(root.PersistentFlags()))
				return nil
			}
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("there is no help on %q", strings.Join(args, " "))
			}
			return c.Help()
		},
	}
}

// usageText is everything in a command's help behind what it is about.
func usageText(c *cobra.Command) string {
	if !c.HasParent() {
		return rootText(c)
	}
	var b strings.Builder
	use := c.UseLine()
	if c.HasAvailableSubCommands() {
		use = c.CommandPath() + " COMMAND"
	}
	fmt.Fprintf(&b, "Usage:\n  %s\n", use)
	if c.Example != "" {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", c.Example)
	}
	if c.HasAvailableSubCommands() {
		b.WriteString("\nCommands:\n")
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-12s %s\n", sub.Name(), sub.Short)
			}
		}
		fmt.Fprintf(&b, "\n'%s COMMAND --help' shows more.\n", c.CommandPath())
		return b.String()
	}
	if own := c.LocalFlags(); own.HasAvailableFlags() {
		b.WriteString("\nFlags:\n" + flagTable(own))
	}
	b.WriteString("\nFlags of all commands ('firn help flags' explains them):\n" + wrap(flagNames(c.InheritedFlags()), "  ", helpWidth()))
	return b.String()
}

// rootText is the help of firn itself, one screen.
func rootText(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString(root.Long + "\n")
	for _, g := range groups {
		fmt.Fprintf(&b, "\n%s\n", g.Title)
		for _, c := range root.Commands() {
			if c.GroupID != g.ID {
				continue
			}
			if !c.HasAvailableSubCommands() {
				fmt.Fprintf(&b, "  %-14s %s\n", c.Name(), c.Short)
				continue
			}
			for _, line := range briefly(c) {
				fmt.Fprintf(&b, "  %-14s %s\n", line[0], line[1])
			}
		}
	}
	b.WriteString(`
Start with 'firn init', then 'firn backup FOLDER'. -d DRIVE names a drive: @label, URL or
folder. 'firn COMMAND --help' has examples, 'firn help flags' the flags of all commands,
'firn help settings' those that describe a drive. Also: version, completion, man.
`)
	return b.String()
}

// briefly shows commands below a command: one line each, or, where the command
// says so, one for all but those that say that they have their own.
func briefly(c *cobra.Command) [][2]string {
	together := c.Annotations[oneLine]
	var lines [][2]string
	for _, sub := range c.Commands() {
		if together == "" || sub.Annotations[ownLine] != "" {
			lines = append(lines, [2]string{c.Name() + " " + sub.Name(), sub.Short})
		}
	}
	if together != "" {
		lines = append(lines, [2]string{c.Name(), together})
	}
	return lines
}

// oneLine annotates a command with what stands for all commands below it,
// ownLine one that has a line of its own nonetheless.
const (
	oneLine = "one line"
	ownLine = "own line"
)

// completeWords offers the values of a flag to the shell.
func completeWords(c *cobra.Command, flag string, words ...string) {
	must(c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)))
}

// must stops a program that was put together wrongly.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// flagTable explains flags, wrapped to the terminal.
func flagTable(flags *pflag.FlagSet) string { return flags.FlagUsagesWrapped(helpWidth()) }

// flagNames are the names of flags only, short ones first.
func flagNames(flags *pflag.FlagSet) []string {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + "/" + name
		}
		names = append(names, name)
	})
	slices.SortStableFunc(names, func(a, b string) int { return longOnly(a) - longOnly(b) })
	return names
}

// longOnly is 1 for a flag without a letter, else 0.
func longOnly(name string) int {
	if strings.HasPrefix(name, "--") {
		return 1
	}
	return 0
}

// helpWidth is how wide help may be: the terminal, within reason.
func helpWidth() int {
	width, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return defaultWidth
	}
	return min(max(width, 60), 120)
}

const defaultWidth = 90

// wrap puts words on lines.
func wrap(words []string, indent string, width int) string {
	var b strings.Builder
	line := indent
	for i, w := range words {
		if i > 0 && len(line)+1+len(w) > width {
			b.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += w
	}
	b.WriteString(line + "\n")
	return b.String()
}
