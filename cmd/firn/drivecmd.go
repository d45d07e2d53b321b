package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"firn/internal/config"
	"firn/internal/object"
)

func newDriveCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "drive",
		Short: "Drives: list and check them",
	}
	c.AddCommand(newDriveCheckCommand(a), newDriveListCommand(a))
	return c
}

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

func newDriveCheckCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Can this drive be reached and used, and what can it do?",
		Long: `Connect to a drive, list, write, read back, compare and delete a test object, and
find out what the drive can do. It needs no repository and no key to one. Whether a
repository is complete and readable is what 'firn check' tells.`,
		Example: `  firn drive check
  firn drive check -d 's3://bucket/prefix?vendor=wasabi&region=eu-central-1'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			sets, err := a.named(true)
			if err != nil {
				return err
			}
			var all error
			for i := range sets {
				err := a.checkDrive(cmd.Context(), &sets[i])
				if err != nil && len(sets) > 1 {
					err = fmt.Errorf("drive %s: %w", label(&sets[i]), err)
				}
				all = errors.Join(all, err)
			}
			return all
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

// driveCheckJSON is the result of a drive check.
type driveCheckJSON struct {
	Drive        string           `json:"drive"`
	Location     string           `json:"location"`
	Repository   bool             `json:"repository"`
	Writable     bool             `json:"writable"`
	Capabilities capabilitiesJSON `json:"capabilities"`
	ListSeconds  float64          `json:"list_seconds"`
	ProbeSeconds float64          `json:"probe_seconds"`
	Requests     requests         `json:"requests"`
}

// capabilitiesJSON is what a drive was found to be able to do.
type capabilitiesJSON struct {
	CreateOnly  bool `json:"create_only"`
	ReplaceOnly bool `json:"replace_only"`
	Attests     bool `json:"attests_sha256"`
	Versions    bool `json:"versions"`
	Retention   bool `json:"retention"`
}

func (a *app) checkDrive(ctx context.Context, set *config.Drive) error {
	a.name(set)
	d, err := a.connect(ctx, set, false)
	if err != nil {
		return err
	}
	j := driveCheckJSON{Drive: d.label, Location: d.store.Location()}
	begun := time.Now()
	if j.Repository, err = hasRepository(ctx, d.store); err != nil {
		return err
	}
	j.ListSeconds = time.Since(begun).Seconds()
	begun = time.Now()
	c, err := object.Probe(ctx, d.store)
	if err != nil && !errors.Is(err, object.ErrReadOnly) {
		return fmt.Errorf("write, read and delete a test object: %w", err)
	}
	j.Writable = err == nil
	j.Capabilities = capabilitiesJSON{c.IfAbsent, c.IfMatch, c.Attests, c.Versions, c.Retain}
	j.ProbeSeconds, j.Requests = time.Since(begun).Seconds(), requestsOf(d.meter)
	a.out.emit("summary", j)
	a.sayDrive(&j)
	return nil
}

func (a *app) sayDrive(j *driveCheckJSON) {
	yes := map[bool]string{true: "yes", false: "no"}
	rows := [][]string{{"list", fmt.Sprintf("yes, %.1f ms", 1000*j.ListSeconds)}}
	if j.Writable {
		rows = append(rows, []string{"write, read, delete", "yes"})
	} else {
		rows = append(rows, []string{"write, read, delete", "not tried, the drive is read-only"})
	}
	c := j.Capabilities
	rows = append(rows,
		[]string{"repository there", yes[j.Repository]},
		[]string{"create only (If-None-Match)", yes[c.CreateOnly]},
		[]string{"replace only (If-Match)", yes[c.ReplaceOnly]},
		[]string{"attests SHA-256", yes[c.Attests]},
		[]string{"keeps versions", yes[c.Versions]},
		[]string{"retention (Object Lock)", yes[c.Retention]})
	a.out.table([]string{"WHAT", "ANSWER"}, rows)
	if j.Writable && !c.CreateOnly {
		a.out.say("Without create-only writes prune waits an hour before it deletes anything, and only one host should prune.")
	}
}
