package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"firn/internal/config"
)

// settingFlag is the value of a flag that is a setting of a drive. Settings are
// checked together, when it is known which drive they are for.
type settingFlag struct {
	config.Flag
	given *[]config.Option
}

// String implements pflag.Value; a flag that was not given has no value.
func (settingFlag) String() string { return "" }

// Set implements pflag.Value.
func (f settingFlag) Set(text string) error {
	*f.given = append(*f.given, config.Option{Key: f.Name, Value: text})
	return nil
}

// Type implements pflag.Value: what help shows in place of the value.
func (f settingFlag) Type() string {
	if f.Word == "" {
		return "bool"
	}
	return f.Word
}

// settingFlags adds every setting of a drive as a flag, hidden from short help.
// A global flag of the same name means the same for all drives and stays.
func (a *app) settingFlags(fl *pflag.FlagSet) {
	for _, s := range config.Flags() {
		if fl.Lookup(s.Name) != nil {
			continue
		}
		f := fl.VarPF(settingFlag{s, &a.flags.settings}, s.Name, "", s.About)
		f.Hidden = true
		if s.Word == "" {
			f.NoOptDefVal = "true"
		}
	}
}

// dashed lets flags be written as the configuration writes settings, with _.
func dashed(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-"))
}

// settingsGiven are the settings that flags give, with those global flags that
// are settings of a drive as well.
func (a *app) settingsGiven(fl *pflag.FlagSet) []config.Option {
	given := slices.Clone(a.flags.settings)
	for _, s := range config.Flags() {
		f := fl.Lookup(s.Name)
		if f == nil || !f.Changed {
			continue
		}
		if _, ok := f.Value.(settingFlag); !ok {
			given = append(given, config.Option{Key: s.Name, Value: f.Value.String()})
		}
	}
	return given
}

// settingsPlace reports whether the settings that flags give say where a drive
// is, so that nothing else names it.
func (a *app) settingsPlace() bool {
	return slices.ContainsFunc(a.flags.settings, func(o config.Option) bool { return o.Key == "bucket" || o.Key == "path" })
}

// setting is the value of a setting that a flag gives, "" if none does.
func (a *app) setting(key string) string {
	for _, o := range a.flags.settings {
		if o.Key == key {
			return o.Value
		}
	}
	return ""
}

// onlyOneDescribed refuses flags for a drive where they do not describe just
// one: several drives, or one whose settings are in the configuration.
func (a *app) onlyOneDescribed(words []string) error {
	if len(a.flags.settings) == 0 {
		return nil
	}
	flag := "--" + a.flags.settings[0].Key
	switch {
	case a.flags.local || len(words) == 1 && strings.HasPrefix(words[0], "@"):
		return advise(usagef("%s describes a drive that a URL or flags name, and this one has its settings already", flag),
			"'firn drive set LABEL KEY=VALUE' changes those of the configuration")
	case len(words) > 1:
		return usagef("%s describes one drive, and %d are named; write it into the URL of the one that is meant", flag, len(words))
	}
	return nil
}

// settingsHelp is the text of 'firn help settings'.
func settingsHelp(root *pflag.FlagSet) string {
	own, others := pflag.NewFlagSet("", pflag.ContinueOnError), ""
	own.SortFlags = false // as docs/config.md has them
	for _, s := range config.Flags() {
		f := root.Lookup(s.Name)
		if s.Other {
			others += fmt.Sprintf("  --%-27s %s\n", s.Name, s.About)
			continue
		}
		shown := *f
		shown.Hidden = false
		own.AddFlag(&shown)
	}
	return `Settings of a drive as flags. They describe the drive that -d names by a URL or a folder,
or all of it, so that nothing needs quotes:

  firn init --vendor wasabi --region eu-central-1 --bucket backups --access-key-file k --secret-key-file s
  firn drive add wasabi --vendor wasabi --region eu-central-1 --bucket backups

In a URL they are written as ?NAME=VALUE&NAME=VALUE, in the configuration with _ for -.

` + flagTable(own) + "\nNames from other programs:\n" + others
}
