package main

import (
	"github.com/spf13/cobra"

	"firn/internal/config"
)

func newDriveListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the drives in use",
		Long:  "List the drives in use: those named with -d or FIRN_DRIVE, or those of the configuration.",
		Example: `  firn drive list
  firn drive list -c other.yml`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			sets, err := a.named(true)
			if err != nil {
				return err
			}
			var rows [][]string
			for i := range sets {
				s := &sets[i]
				a.out.emit("drive", driveJSON{label(s), s.Provider, s.URL(), s.ReadOnly})
				rows = append(rows, []string{label(s), s.Provider, place(*s)})
			}
			a.out.table([]string{"LABEL", "PROVIDER", "WHERE"}, rows)
			return nil
		},
	}
}

// place is where a drive is, without its name.
func place(set config.Drive) string {
	set.Label = ""
	return set.String()
}

// driveJSON is a drive as it is named or configured.
type driveJSON struct {
	Drive    string `json:"drive"`
	Provider string `json:"provider"`
	URL      string `json:"url"`
	ReadOnly bool   `json:"read_only"`
}
