package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"firn/internal/config"
)

var update = flag.Bool("update", false, "write docs/cli.md anew")

// each calls visit with a command and all below it.
func each(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		if sub.Name() != "completion" && !sub.Hidden {
			each(sub, visit)
		}
	}
}

// TestHelp wants of every command what a reader needs.
func TestHelp(t *testing.T) {
	placeholder := regexp.MustCompile(`^[A-Z]+$|^(all|stored)$`)
	each(newRootCommand(newApp()), func(c *cobra.Command) {
		name := c.CommandPath()
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: the short text is %q", name, c.Short)
		}
		if c.HasParent() && !c.HasAvailableSubCommands() && c.Example == "" {
			t.Errorf("%s has no example", name)
		}
		for line := range strings.Lines(c.Long + "\n" + c.Example) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 100 {
				t.Errorf("%s: a line of %d characters: %s", name, n, line)
			}
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			word, usage := pflag.UnquoteUsage(f)
			if usage == "" {
				t.Errorf("%s --%s is not explained", name, f.Name)
			}
			if word != "" && !placeholder.MatchString(word) {
				t.Errorf("%s --%s takes %q: name it in capitals", name, f.Name, word)
			}
		})
	})
}

// TestSettingFlags: a command's own flag hides a setting of a drive only where
// that is known to do no harm.
func TestSettingFlags(t *testing.T) {
	known := map[string]bool{"firn key add --label": true, "firn key change --label": true}
	settings := map[string]bool{}
	for _, s := range config.Flags() {
		settings[s.Name] = true
	}
	each(newRootCommand(newApp()), func(c *cobra.Command) {
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if name := c.CommandPath() + " --" + f.Name; settings[f.Name] && c.HasParent() && !known[name] {
				t.Errorf("%s hides the setting of a drive", name)
			}
		})
	})
}

// TestRootHelp keeps the first help on one screen, with what is easily mixed
// up side by side.
func TestRootHelp(t *testing.T) {
	text := rootText(newRootCommand(newApp()))
	if n := strings.Count(text, "\n"); n > 41 {
		t.Errorf("%d lines", n)
	}
	for _, want := range []string{"  check ", "  drive check ", "  forget ", "  prune ", "firn help flags"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	for line := range strings.Lines(text) {
		if len(line) > 92 {
			t.Errorf("too long: %s", line)
		}
	}
}

// TestReference holds docs/cli.md to the commands; -update writes it.
func TestReference(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "cli.md")
	want := reference(newRootCommand(newApp()))
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/cli.md is not what the commands say; write it with: go test ./cmd/firn -run TestReference -update")
	}
}

// reference writes the help of all commands as one page.
func reference(root *cobra.Command) []byte {
	var b bytes.Buffer
	b.WriteString("# Commands\n\nThis page is written from the program's own help; `firn COMMAND --help` and the manual pages\n" +
		"(`firn man FOLDER`) say the same. What `--json` writes is in [json.md](json.md).\n\n")
	fmt.Fprintf(&b, "```\n%s```\n\n## Flags of all commands\n\n", rootText(root))
	flagRows(&b, root.PersistentFlags())
	b.WriteString(`
## Settings of a drive as flags

Commands that work on a drive take its settings as flags. They describe the drive that ` + "`-d`" + ` names by a URL or a folder,
or all of it; where a command has a flag of the same name, it is the command's. What the settings are is told in
[config.md](config.md), other spellings in [drives.md](drives.md). ` + "`firn help settings`" + ` says the same.

`)
	for _, s := range config.Flags() {
		if !s.Other {
			fmt.Fprintf(&b, "`%s` ", strings.TrimSpace("--"+s.Name+" "+s.Word))
		}
	}
	b.WriteString("\n\nFrom other programs: ")
	for _, s := range config.Flags() {
		if s.Other {
			fmt.Fprintf(&b, "`%s` ", strings.TrimSpace("--"+s.Name+" "+s.Word))
		}
	}
	b.WriteString(`

## Exit codes

| code | meaning |
|---|---|
| 0 | done |
| 1 | failed |
| 2 | wrong call or configuration |
| 3 | done in part: some entries could not be kept or restored, or some drive failed; all else is done |
| 10 | no repository there |
| 11 | conflict: there is a repository already, or somebody else was faster |
| 12 | wrong passphrase or key, a key without the right, or access denied by the drive |
| 13 | damage found |
| 14 | an audit found that somebody tampered with the repository, or that the drive lost what chains name |
| 130 | interrupted |
`)
	each(root, func(c *cobra.Command) {
		if !c.HasParent() || c.HasAvailableSubCommands() || c.Name() == "help" {
			return
		}
		about := c.Long
		if about == "" {
			about = c.Short + "."
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n```\n%s\n```\n\n", c.CommandPath(), paragraphs(about), c.UseLine())
		if c.HasAvailableLocalFlags() {
			flagRows(&b, c.LocalNonPersistentFlags())
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "```\n%s\n```\n", unindent(c.Example))
	})
	return b.Bytes()
}

// paragraphs keeps indented lines of a text as they are.
func paragraphs(text string) string {
	var out []string
	for block := range strings.SplitSeq(text, "\n\n") {
		if strings.Contains("\n"+block, "\n  ") {
			head, list, _ := strings.Cut("\n"+block, "\n  ")
			if head = strings.TrimSpace(head); head != "" {
				out = append(out, head)
			}
			out = append(out, "```\n  "+list+"\n```")
			continue
		}
		out = append(out, block)
	}
	return strings.Join(out, "\n\n")
}

func unindent(text string) string {
	return strings.ReplaceAll(strings.TrimPrefix(text, "  "), "\n  ", "\n")
}

func flagRows(b *bytes.Buffer, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	b.WriteString("| flag | meaning |\n|---|---|\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Hidden {
			return
		}
		word, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if word != "" {
			name += " " + word
		}
		if f.DefValue != "" && f.DefValue != "[]" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "0s" {
			usage += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(b, "| `%s` | %s |\n", name, strings.ReplaceAll(usage, "|", `\|`))
	})
}
