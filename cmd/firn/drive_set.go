package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"firn/internal/config"
)

// driveEditFlags are the flags of the commands that change a configured drive.
type driveEditFlags struct {
	check  bool
	dryRun bool
}

func newDriveSetCommand(a *app) *cobra.Command {
	f := &driveEditFlags{}
	c := &cobra.Command{
		Use:   "set LABEL KEY=VALUE…",
		Short: "Change settings of a drive of the configuration",
		Long: `Change settings of a drive in the configuration file; comments and all else in it
stay as they are. Settings may also be given as flags ('firn help settings'). KEY= with
nothing behind it takes the setting out. All changes are made together or not at all.

A value may hold ${NAME}, which is written as it stands and is the value of that
environment variable when the file is used.`,
		Example: `  firn drive set @aws-primary storage_class=STANDARD_IA upload_limit=5MB
  firn drive set aws-primary secret_key= --secret-key-file /etc/firn/aws.key
  firn drive set aws-primary label="AWS main" --dry-run`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.set(cmd.Context(), a, args, a.settingsGiven(cmd.Flags()))
		},
	}
	c.Flags().BoolVar(&f.check, "check", false, "change it only if 'firn drive check' then finds it usable")
	c.Flags().BoolVarP(&f.dryRun, "dry-run", "n", false, "show what the file would say, and change nothing")
	c.ValidArgsFunction = a.completeDrive
	return c
}

func newDriveUnsetCommand(a *app) *cobra.Command {
	f := &driveEditFlags{}
	c := &cobra.Command{
		Use:   "unset LABEL KEY…",
		Short: "Take settings out of a drive of the configuration",
		Long: `Take settings out of a drive in the configuration file, so that what holds without
them holds again. Comments and all else in the file stay as they are.`,
		Example: `  firn drive unset aws-primary upload_limit
  firn drive unset aws-primary ca-file verify-ssl --dry-run`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error { return f.unset(a, args[0], args[1:]) },
	}
	c.Flags().BoolVarP(&f.dryRun, "dry-run", "n", false, "show what the file would say, and change nothing")
	c.ValidArgsFunction = a.completeDrive
	return c
}

func (f *driveEditFlags) set(ctx context.Context, a *app, args []string, flags []config.Option) error {
	label := args[0]
	words, given := splitSettings(args[1:])
	if len(words) > 0 {
		return usagef("%q is not KEY=VALUE", words[0])
	}
	given = append(given, flags...)
	if len(given) == 0 {
		return usagef("no setting is given: write KEY=VALUE")
	}
	edit, err := a.editConfig()
	if err != nil {
		return err
	}
	label, err = edit.Alter(label, given...)
	if err != nil {
		return editFailure(err)
	}
	a.warnOfEdit(edit, label, config.SecretWarnings(given))
	if f.check {
		if err := a.checkEdited(ctx, edit, label); err != nil {
			return err
		}
	}
	return a.finishEdit(edit, driveEditJSON{Drive: label, Done: "changed"}, f.dryRun)
}

func (f *driveEditFlags) unset(a *app, label string, keys []string) error {
	edit, err := a.editConfig()
	if err != nil {
		return err
	}
	if label, err = edit.Unset(label, keys...); err != nil {
		return editFailure(err)
	}
	return a.finishEdit(edit, driveEditJSON{Drive: label, Done: "changed"}, f.dryRun)
}

// editFailure is a change of the configuration that was not made.
func editFailure(err error) error {
	if errors.Is(err, config.ErrByHand) {
		return advise(usage(err), "change it in an editor; 'firn config check' tells whether it is right")
	}
	return usage(err)
}
