package main

import (
	"strings"

	"github.com/spf13/cobra"

	"firn/internal/config"
)

func newDriveCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:         "drive",
		Short:       "Drives: configure, list, browse and check them",
		Annotations: map[string]string{oneLine: "list, add, set, browse, vendors, takeover, lifecycle, storage-config"},
	}
	check := newDriveCheckCommand(a)
	check.Annotations = map[string]string{ownLine: "yes"}
	c.AddCommand(check, newDriveListCommand(a), newDriveAddCommand(a), newDriveSetCommand(a), newDriveUnsetCommand(a), newDriveRemoveCommand(a),
		newDriveBrowseCommand(a), newDriveVendorsCommand(a), newDriveTakeoverCommand(a), newDriveLifecycleCommand(a), newDrivePolicyCommand(a), newDriveStorageCommand(a))
	return c
}

// driveEditJSON is what became of a drive in the configuration.
type driveEditJSON struct {
	Drive  string   `json:"drive"`
	Done   string   `json:"done"` // added, changed or removed
	File   string   `json:"file"`
	Saved  bool     `json:"saved"`
	Change []string `json:"change"`
}

// editConfig opens the configuration to change it; one that does not exist is
// begun.
func (a *app) editConfig() (*config.Edit, error) {
	path := config.Place(a.flags.config)
	if path == "" {
		return nil, advise(usagef("you have no folder for a configuration"), "name a file with -c FILE")
	}
	edit, err := config.OpenEdit(path)
	if err != nil {
		return nil, usage(err)
	}
	return edit, nil
}

// finishEdit saves a change of the configuration, or shows it on a dry run.
func (a *app) finishEdit(edit *config.Edit, j driveEditJSON, dryRun bool) error {
	change, err := edit.Diff()
	if err != nil {
		return usage(err)
	}
	j.Change = append([]string{}, change...) // a list, even of nothing
	j.File = edit.Path()
	if j.Saved = !dryRun && len(change) > 0; j.Saved {
		if err := edit.Save(); err != nil {
			return err
		}
	}
	a.out.emit("edit", j)
	name := "@" + config.LabelName(j.Drive)
	switch {
	case len(change) == 0:
		a.out.say("drive %s is so already in %s", name, j.File)
	case dryRun:
		a.out.say("drive %s would be %s in %s:", name, j.Done, j.File)
		for _, line := range change {
			a.out.print("%s", line)
		}
	default:
		a.out.say("drive %s is %s in %s", name, j.Done, j.File)
	}
	return nil
}

// warnOfEdit tells what deserves attention in a drive that the configuration
// has now, and in how it was given.
func (a *app) warnOfEdit(edit *config.Edit, label string, given []config.Warning) {
	told := map[string]bool{}
	warn := func(w config.Warning) {
		if text := w.String(); !told[text] {
			told[text] = true
			a.out.warn("%s", text)
		}
	}
	for _, w := range given {
		warn(w)
	}
	file, err := edit.Load()
	if err != nil { // a change with mistakes is refused: only variables can be missing
		warn(config.Warning{Text: "it cannot be used here: " + err.Error()})
		return
	}
	for _, f := range config.Check(file) {
		if f.Drive != "" && config.LabelName(f.Drive) == config.LabelName(label) {
			_, key, _ := strings.Cut(f.Key, "].")
			warn(config.Warning{Key: key, Text: f.Text, Advice: f.Advice})
		}
	}
}
