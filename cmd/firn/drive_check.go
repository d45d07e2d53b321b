package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"firn/internal/config"
	"firn/internal/examine"
)

// driveCheckFlags are the flags of firn drive check.
type driveCheckFlags struct {
	throughput bool
	policy     string
}

func newDriveCheckCommand(a *app) *cobra.Command {
	f := &driveCheckFlags{}
	c := &cobra.Command{
		Use:   "check",
		Short: "Can this drive be reached and used, and what can it do?",
		Long: `Examine a drive step by step: resolve its name, connect, look at its certificate,
sign and list, compare clocks, measure the latency, write, read back, compare and
delete a test object, find out what the drive can do, and read how its bucket is
set up: versions, Object Lock, lifecycle rules. Each step says what was found and,
where something is amiss, what to do. A right that is missing is told and stops
nothing that works without it.

It needs no repository and no key to one. Whether a repository is complete and
readable is what 'firn check' tells. Test objects lie under probe/ and are deleted
again. --throughput moves up to 85 MiB up and 64 MiB down.`,
		Example: `  firn drive check
  firn drive check --throughput
  firn drive check -d 's3://bucket/prefix?vendor=wasabi&region=eu-central-1'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			sets, err := a.named(true)
			if err != nil {
				return err
			}
			var all error
			for i := range sets {
				err := f.check(cmd.Context(), a, &sets[i])
				if err != nil && len(sets) > 1 {
					err = fmt.Errorf("drive %s: %w", label(&sets[i]), err)
				}
				all = errors.Join(all, err)
			}
			return all
		},
	}
	c.Flags().BoolVar(&f.throughput, "throughput", false, "measure how fast bytes move each way")
	c.Flags().StringVar(&f.policy, "policy", "", "print the least policy for a `USE` at the end: "+usesList())
	return c
}

// driveStepJSON is a step of a drive check.
type driveStepJSON struct {
	Drive  string         `json:"drive"`
	Step   string         `json:"step"`
	Result examine.Result `json:"result"`
	Found  string         `json:"found"`
	Advice string         `json:"advice"`
}

// driveCheckJSON is the result of a drive check.
type driveCheckJSON struct {
	Drive          string           `json:"drive"`
	Location       string           `json:"location"`
	Result         examine.Result   `json:"result"`
	Errors         int              `json:"errors"`
	Warnings       int              `json:"warnings"`
	Repository     bool             `json:"repository"`
	Writable       bool             `json:"writable"`
	Readable       bool             `json:"readable"`
	Deletable      bool             `json:"deletable"`
	Capabilities   capabilitiesJSON `json:"capabilities"`
	Region         string           `json:"region,omitempty"`
	ListSeconds    float64          `json:"list_seconds"`
	ProbeSeconds   float64          `json:"probe_seconds"`
	LatencySeconds float64          `json:"latency_seconds"`
	SkewSeconds    float64          `json:"clock_skew_seconds"`
	Up             int64            `json:"upload_bytes_per_second,omitempty"`
	Down           int64            `json:"download_bytes_per_second,omitempty"`
	Requests       requests         `json:"requests"`
}

// capabilitiesJSON is what a drive was found to be able to do.
type capabilitiesJSON struct {
	CreateOnly  bool `json:"create_only"`
	ReplaceOnly bool `json:"replace_only"`
	Attests     bool `json:"attests_sha256"`
	Versions    bool `json:"versions"`
	Retention   bool `json:"retention"`
	DeletesMany bool `json:"delete_many"`
}

// checkDrive examines a drive as firn drive check does without flags.
func (a *app) checkDrive(ctx context.Context, set *config.Drive) error {
	return (&driveCheckFlags{}).check(ctx, a, set)
}

// check examines one drive.
func (f *driveCheckFlags) check(ctx context.Context, a *app, set *config.Drive) error {
	a.name(set)
	for _, w := range set.Warnings() {
		a.out.warn("%s", w.Text)
	}
	subject, asked, err := a.subject(ctx, set)
	if err != nil {
		return err
	}
	subject.Throughput = f.throughput
	r := examine.Drive(ctx, subject, func(s examine.Step) {
		a.out.emit("step", driveStepJSON{label(set), s.Name, s.Result, exact(s.Found), exact(s.Advice)})
		a.sayStep(s)
	})
	c := r.Capabilities
	a.out.emit("summary", driveCheckJSON{
		Drive: label(set), Location: subject.Store.Location(), Result: r.Result(), Errors: r.Count(examine.Failed), Warnings: r.Count(examine.Warning),
		Repository: r.Repository, Writable: r.Writable, Readable: r.Readable, Deletable: r.Deletable,
		Capabilities: capabilitiesJSON{c.IfAbsent, c.IfMatch, c.Attests, c.Versions, c.Retain, r.DeletesMany},
		Region:       r.Region, ListSeconds: r.Listing.Seconds(), ProbeSeconds: r.Probing.Seconds(), LatencySeconds: r.Latency.Seconds(),
		SkewSeconds: r.Skew.Seconds(), Up: int64(r.Up), Down: int64(r.Down), Requests: asked(),
	})
	if set.Provider == config.S3 && r.Err == nil {
		a.warnOfRoot(ctx, set)
	}
	a.sayExamined(r)
	if err := errors.Join(r.Err, ctx.Err()); err != nil || f.policy == "" {
		return err
	}
	return a.printPolicy(set, &drivePolicyFlags{use: f.policy}, nil)
}

// resultWords are the results as people see them.
var resultWords = map[examine.Result]string{
	examine.OK: "ok", examine.NotTried: "not tried", examine.Warning: "warning", examine.Failed: "ERROR",
}

// sayStep shows a step: with --quiet only what is amiss.
func (a *app) sayStep(s examine.Step) {
	tell := a.out.say
	if s.Result == examine.Failed || s.Result == examine.Warning {
		tell = a.out.print
	}
	tell("%-9s  %-13s  %s", resultWords[s.Result], strings.ReplaceAll(s.Name, "_", " "), printable(s.Found))
	if s.Advice != "" {
		tell("%26s%s", "", printable(s.Advice))
	}
}

func (a *app) sayExamined(r *examine.Report) {
	warnings := count(uint64(r.Count(examine.Warning)), "warning", "warnings")
	if n := r.Count(examine.Failed); n > 0 {
		a.out.say("%s, %s", count(uint64(n), "error", "errors"), warnings)
		return
	}
	a.out.say("this drive can be used; %s", warnings)
}
