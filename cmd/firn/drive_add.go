package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"firn/internal/config"
)

// driveAddFlags are the flags of firn drive add, but for the drive's settings.
type driveAddFlags struct {
	check  bool
	dryRun bool
}

func newDriveAddCommand(a *app) *cobra.Command {
	f := &driveAddFlags{}
	c := &cobra.Command{
		Use:   "add [LABEL] [DRIVE] [KEY=VALUE]…",
		Short: "Add a drive to the configuration",
		Long: `Put a drive into the configuration file, which is begun if there is none; comments
and all else in it stay as they are. DRIVE is a URL or a folder; settings may also be
given as KEY=VALUE or as flags ('firn help settings'), which can describe a drive
without a URL. A drive without LABEL is named after its bucket or folder.

A value may hold ${NAME}, which is written as it stands and is the value of that
environment variable when the file is used: quote it, so that the shell leaves it
alone. Secrets are better given so, or as --secret-key-file FILE or
--secret-key-command COMMAND, than in words that 'ps' shows.`,
		Example: `  firn drive add usb /mnt/usb
  firn drive add 's3://backups/prod?vendor=wasabi&region=eu-central-1'
  firn drive add "AWS primary" --vendor aws --region eu-west-1 --bucket backups --profile backup
  firn drive add b2 --vendor backblaze --region eu-central-003 --bucket backups \
      --access-key '${B2_KEY_ID}' --secret-key-file /etc/firn/b2.key --check`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), a, args, a.settingsGiven(cmd.Flags()))
		},
	}
	c.Flags().BoolVar(&f.check, "check", false, "add it only if 'firn drive check' finds it usable")
	c.Flags().BoolVarP(&f.dryRun, "dry-run", "n", false, "show what the file would say, and change nothing")
	return c
}

func (f *driveAddFlags) run(ctx context.Context, a *app, args []string, flags []config.Option) error {
	words, given := splitSettings(args)
	if len(words) > 2 {
		return usagef("what is %q? A drive is given as LABEL DRIVE KEY=VALUE…", words[2])
	}
	label, place := "", ""
	switch {
	case len(words) == 2:
		label, place = words[0], words[1]
	case len(words) == 1 && namesPlace(words[0]):
		place = words[0]
	case len(words) == 1:
		label = words[0]
	}
	if namesPlace(label) {
		return usagef("%q is no label: the label stands first, then the URL or the folder", label)
	}
	given = append(given, flags...)
	if label != "" {
		given = append(given, config.Option{Key: "label", Value: label})
	}
	if place == "" && len(given) == 0 {
		return usagef("nothing says what drive it is: give a URL, a folder or flags such as --vendor and --bucket")
	}
	set, err := config.Draft(place, given...)
	if err != nil {
		return usage(err)
	}
	edit, err := a.editConfig()
	if err != nil {
		return err
	}
	if set.Label == "" {
		labels, err := edit.Labels()
		if err != nil {
			return usage(err)
		}
		set.Label = set.FreeLabel(labels)
	}
	if err := edit.AddDrive(set); err != nil {
		return editFailure(err)
	}
	a.warnOfEdit(edit, set.Label, set.Warnings())
	if f.check {
		if err := a.checkEdited(ctx, edit, set.Label); err != nil {
			return err
		}
	}
	return a.finishEdit(edit, driveEditJSON{Drive: set.Label, Done: "added"}, f.dryRun)
}

// checkEdited checks a drive as the configuration would have it.
func (a *app) checkEdited(ctx context.Context, edit *config.Edit, label string) error {
	file, err := edit.Load()
	if err != nil {
		return usage(err)
	}
	set, err := file.Drive(label)
	if err != nil {
		return usage(err)
	}
	return a.checkDrive(ctx, &set)
}

// namesPlace reports whether a word is a URL or a path, which no label looks like.
func namesPlace(word string) bool {
	return strings.ContainsAny(word, `:/\`) || word == "." || word == ".." || word == "~"
}

// splitSettings parts KEY=VALUE from other words. What has = behind a : or / is
// a URL or a path.
func splitSettings(args []string) (words []string, given []config.Option) {
	for _, word := range args {
		key, value, ok := strings.Cut(word, "=")
		if !ok || key == "" || namesPlace(key) {
			words = append(words, word)
			continue
		}
		given = append(given, config.Option{Key: key, Value: value})
	}
	return words, given
}
