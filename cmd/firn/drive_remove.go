package main

import (
	"github.com/spf13/cobra"
)

func newDriveRemoveCommand(a *app) *cobra.Command {
	f := &driveEditFlags{}
	c := &cobra.Command{
		Use:   "remove LABEL",
		Short: "Take a drive out of the configuration",
		Long: `Take a drive out of the configuration file. What is stored on it stays, and a URL or
'firn drive add' names it again. Comments within the drive go with it, all others stay.`,
		Example: `  firn drive remove @usb
  firn drive remove aws-primary --dry-run`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			edit, err := a.editConfig()
			if err != nil {
				return err
			}
			label, err := edit.RemoveDrive(args[0])
			if err != nil {
				return editFailure(err)
			}
			return a.finishEdit(edit, driveEditJSON{Drive: label, Done: "removed"}, f.dryRun)
		},
	}
	c.Flags().BoolVarP(&f.dryRun, "dry-run", "n", false, "show what the file would say, and change nothing")
	c.ValidArgsFunction = a.completeDrive
	return c
}
