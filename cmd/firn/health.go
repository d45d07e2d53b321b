package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"firn/internal/config"
	"firn/internal/examine"
	"firn/internal/repo"
	"firn/internal/seal"
)

// healthTime bounds the look at one drive.
const healthTime = 3 * time.Minute

func newHealthCommand(a *app) *cobra.Command {
	var oldest time.Duration
	c := &cobra.Command{
		Use:   "health",
		Short: "Are all drives reachable, writable, and backed up to lately?",
		Long: `Look at all drives at the same time and say of each in one line whether it can be
reached and written to, whether a repository is there, and how old the newest
snapshot is, as far as a key at hand can read that; nothing is asked for. With
--max-age a drive whose newest snapshot is older, or not known, is not well.

The exit code is 0 if all drives are well, 3 if some are, else that of the failure.
'firn drive check' examines a drive thoroughly.`,
		Example: `  firn health
  firn health --max-age 26h --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			sets, err := a.named(true)
			if err != nil {
				return err
			}
			return a.health(cmd.Context(), sets, oldest)
		},
	}
	c.Flags().DurationVar(&oldest, "max-age", 0, "largest `AGE` of the newest snapshot, such as 26h; 0 for any")
	return c
}

// healthJSON is the health of a drive.
type healthJSON struct {
	Drive      string     `json:"drive"`
	Location   string     `json:"location"`
	Well       bool       `json:"well"`
	Reachable  bool       `json:"reachable"`
	Writable   bool       `json:"writable"`
	ReadOnly   bool       `json:"read_only"`
	Repository bool       `json:"repository"`
	Newest     *time.Time `json:"newest_snapshot,omitempty"`
	Unknown    string     `json:"newest_unknown,omitempty"`
	Error      string     `json:"error,omitempty"`
	Advice     string     `json:"advice,omitempty"`
	Seconds    float64    `json:"list_seconds"`
}

// health looks at all drives and says what was found.
func (a *app) health(ctx context.Context, sets []config.Drive, oldest time.Duration) error {
	found := make([]healthJSON, len(sets))
	failed := make([]error, len(sets))
	var looking sync.WaitGroup
	for i := range sets {
		looking.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, healthTime)
			defer cancel()
			found[i], failed[i] = a.healthOf(ctx, &sets[i], oldest)
		})
	}
	looking.Wait()
	var rows [][]string
	well := 0
	for i := range found {
		j := &found[i]
		if failed[i] != nil {
			_, j.Advice = explain(failed[i])
			j.Error = failed[i].Error()
			failed[i] = fmt.Errorf("drive %s: %w", j.Drive, failed[i])
		} else {
			j.Well = true
			well++
		}
		a.out.emit("health", j)
		rows = append(rows, j.row())
	}
	a.out.table([]string{"DRIVE", "STATE", "ANSWERS IN", "REPOSITORY", "WRITABLE", "NEWEST SNAPSHOT"}, rows)
	all := errors.Join(failed...)
	if all != nil && well > 0 {
		all = fmt.Errorf("%w: %w", errPartly, all)
	}
	return all
}

// healthOf looks at one drive. The error is what is wrong with it.
func (a *app) healthOf(ctx context.Context, set *config.Drive, oldest time.Duration) (healthJSON, error) {
	j := healthJSON{Drive: label(set), Location: place(*set), ReadOnly: set.ReadOnly}
	d, err := a.connect(ctx, set, false)
	if err != nil {
		return j, err
	}
	j.Location = d.store.Location()
	h := examine.HealthOf(ctx, d.store, set.ReadOnly)
	j.Reachable, j.Repository, j.Writable, j.Seconds = h.Reachable, h.Repository, h.Writable, h.Listing.Seconds()
	switch {
	case h.Err != nil:
		return j, h.Err
	case !h.Repository:
		return j, fmt.Errorf("%w (%s)", repo.ErrNoRepository, j.Location)
	}
	newest, err := a.newest(ctx, d)
	switch {
	case err != nil:
		j.Unknown = err.Error()
	case newest.IsZero():
		j.Unknown = "there is no snapshot"
	default:
		j.Newest = &newest
	}
	if oldest > 0 && time.Since(newest) > oldest {
		if j.Newest == nil {
			return j, fmt.Errorf("the age of the newest snapshot is not known: %s", j.Unknown)
		}
		return j, advise(fmt.Errorf("the newest snapshot is %s old, more than %s", age(time.Since(newest)), oldest), "see why backups do not run")
	}
	return j, nil
}

// errNoKeyAtHand means that the age of snapshots takes a key, and none is given.
var errNoKeyAtHand = errors.New("no key at hand")

// newest returns when the newest snapshot was made, the zero time if there is none.
func (a *app) newest(ctx context.Context, d *drive) (at time.Time, err error) {
	var secret seal.Secret
	found := false
	for _, look := range append(a.finders(), secretOfKeyFile) {
		if secret, found, err = look(ctx, d); found || err != nil {
			break
		}
	}
	if err == nil && !found {
		err = errNoKeyAtHand
	}
	if err != nil {
		return at, err
	}
	d.repo, err = repo.Open(ctx, d.store, repo.OpenOptions{Secret: secret, Cache: a.cacheRoot()})
	if err != nil {
		return at, err
	}
	defer func() { err = errors.Join(err, d.repo.Close()) }()
	set, err := d.snapshots(ctx)
	if err != nil {
		return at, err
	}
	for _, s := range set.Snapshots {
		if s.Time().After(at) {
			at = s.Time().UTC()
		}
	}
	return at, nil
}

// row is the drive's line for people.
func (j *healthJSON) row() []string {
	yes := map[bool]string{true: "yes", false: "no"}
	state, answers, writable, newest := "well", "-", yes[j.Writable], "unknown: "+printable(j.Unknown)
	if !j.Well {
		state = "NOT WELL"
	}
	if j.Reachable {
		answers = span(max(time.Duration(j.Seconds*float64(time.Second)), time.Millisecond))
	}
	if j.ReadOnly {
		writable = "read-only"
	}
	switch {
	case j.Newest != nil:
		newest = age(time.Since(*j.Newest)) + " old"
	case j.Unknown == "":
		newest = "-"
	}
	return []string{j.Drive, state, answers, yes[j.Repository], writable, newest}
}

// age writes how old something is, in days if it is some days.
func age(d time.Duration) string {
	const day = 24 * time.Hour
	if d < 2*day {
		return span(d)
	}
	return count(uint64(d/day), "day", "days")
}
