package main

import (
	"errors"
	"github.com/spf13/cobra"

	"firn/internal/config"
	"firn/internal/storageconfig"
)

func newConfigCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "The configuration file: where it is, and whether it is right",
	}
	c.AddCommand(newConfigPathCommand(a), newConfigCheckCommand(a))
	return c
}

// configPathJSON is which file is used, "" for none, and the places looked at.
type configPathJSON struct {
	Path     string   `json:"path"`
	Searched []string `json:"searched"`
}

// configFindingJSON is something in a configuration that should be otherwise.
type configFindingJSON struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Key    string `json:"key"`
	Drive  string `json:"drive"`
	Text   string `json:"text"`
	Advice string `json:"advice"`
}

// configSummary ends a check of the configuration.
type configSummary struct {
	Drives   int `json:"drives"`
	Findings int `json:"findings"`
}

func newConfigPathCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "path",
		Short: "Show which configuration file is used",
		Long: `Show where a configuration file is looked for, in order; * marks the one that is
used. -c FILE and FIRN_CONFIG name one and end the search.`,
		Example: `  firn config path`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			path, searched := config.Find(a.flags.config)
			a.out.emit("path", configPathJSON{path, searched})
			for _, s := range searched {
				mark := " "
				if s == path {
					mark = "*"
				}
				a.out.print("%s %s", mark, s)
			}
			if path == "" {
				a.out.say("there is none of these; it is not needed as long as drives are named with -d")
			}
			return nil
		},
	}
}

func newConfigCheckCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check the configuration file",
		Long: `Check the configuration file without connecting anywhere. Mistakes are errors,
with line and column; what works and is unsafe or probably not meant is listed.`,
		Example: `  firn config check
  firn config check -c new.yml`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			file, err := a.loadConfig()
			if err != nil {
				return err
			}
			if file == nil {
				return advise(usagef("there is no configuration file"), "'firn config path' shows where one is looked for")
			}
			for i := range file.Drives {
				if _, err := a.storageRules(&file.Drives[i]); errors.Is(err, storageconfig.ErrArchive) {
					return err
				}
			}
			findings := config.Check(file)
			for _, f := range findings {
				a.out.emit("finding", configFindingJSON{f.File, f.Line, f.Column, f.Key, f.Drive, f.Text, f.Advice})
				a.out.print("%s", f)
			}
			a.out.emit("summary", configSummary{len(file.Drives), len(findings)})
			a.out.say("%s, %s", count(uint64(len(file.Drives)), "drive", "drives"), count(uint64(len(findings)), "finding", "findings"))
			return nil
		},
	}
}
