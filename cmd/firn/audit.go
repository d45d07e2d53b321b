package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"firn/internal/audit"
	"firn/internal/snapshot"
)

// errTampered means that an audit found evidence of tampering.
var errTampered = errors.New("tampering found")

func newAuditCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "audit",
		Short: "Was the repository tampered with?",
		Long: `Look for traces of tampering: snapshots that were removed without a forget, replaced or
brought back; a repository that was set back to an older state; objects that nobody who
may has signed, or a key that was revoked; records of distrust that are gone.

Each snapshot names those before it and the newest of other machines, all that is
forgotten stays recorded, and this machine remembers the newest snapshots it saw. So an
audit is worth most on a machine that looks at the repository often, and keeps its cache.

Past the cache all records and snapshots' headers are read, and the index, but no tree
and no data: it works where these are in an archive class. 'firn check' tells whether
all is there and right. The exit code is 14 if something was tampered with, or lost by
the drive: to the chain that is the same. It takes the key of a maintainer or owner.`,
		Example: `  firn audit
  firn audit --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.eachDrive(cmd.Context(), a.audit)
		},
	}
}

// auditFindingJSON is a finding of an audit as --json shows it.
type auditFindingJSON struct {
	Kind     audit.Kind `json:"kind"`
	Tampered bool       `json:"tampered"`
	Object   string     `json:"object"`
	Detail   string     `json:"detail"`
	SeenBy   []string   `json:"seen_by"`
}

// auditJSON is the summary of an audit.
type auditJSON struct {
	Drive       string   `json:"drive"`
	Tampered    bool     `json:"tampered"`
	Findings    int      `json:"findings"`
	Root        uint32   `json:"root"`
	Snapshots   int      `json:"snapshots"`
	Sources     int      `json:"sources"`
	Heads       int      `json:"heads"`
	Pinned      int      `json:"heads_remembered"`
	Explained   int      `json:"gaps_explained"`
	Concurrent  int      `json:"forks_explained"`
	Records     int      `json:"records"`
	Segments    int      `json:"segments"`
	Packs       int      `json:"packs"`
	Vetted      int      `json:"packs_vetted"`
	Distrusted  []string `json:"hosts_distrusted"`
	RevokedKeys int      `json:"keys_revoked"`
	Requests    requests `json:"requests"`
	Seconds     float64  `json:"seconds"`
}

func (a *app) audit(ctx context.Context, d *drive) error {
	begun := time.Now()
	r, err := audit.Run(ctx, d.repo)
	if err != nil {
		return err
	}
	j := auditJSON{
		Drive: d.label, Tampered: r.Tampered(), Findings: len(r.Findings), Root: r.Root, Snapshots: r.Snapshots, Sources: r.Sources,
		Heads: r.Heads, Pinned: r.Pinned, Explained: r.Explained, Concurrent: r.Concurrent, Records: r.Records, Segments: r.Segments,
		Packs: r.Packs, Vetted: r.Vetted, RevokedKeys: r.RevokedKeys, Distrusted: []string{},
		Requests: requestsOf(d.meter), Seconds: time.Since(begun).Seconds(),
	}
	for _, host := range r.Distrusted {
		j.Distrusted = append(j.Distrusted, host.String())
	}
	evidence := 0
	for _, f := range r.Findings {
		if f.Tampered() {
			evidence++
		}
		a.tellEvidence(f)
	}
	a.out.emit("summary", j)
	a.sayAudit(&j)
	if !j.Tampered {
		return nil
	}
	return advise(fmt.Errorf("%w: %s", errTampered, count(uint64(evidence), "finding", "findings")),
		"look who has access to the drive, and at its logs; a second drive, or versions of the bucket, may have what is gone")
}

func (a *app) tellEvidence(f *audit.Finding) {
	j := auditFindingJSON{Kind: f.Kind, Tampered: f.Tampered(), Object: f.Object, Detail: f.Detail, SeenBy: []string{}}
	for _, session := range f.SeenBy {
		j.SeenBy = append(j.SeenBy, snapshot.ID(session))
	}
	a.out.emit("finding", j)
	say := a.out.print
	if !j.Tampered {
		say = a.out.say
	}
	say("%s: %s", f.Kind, f.Object)
	say("  %s", printable(f.Detail))
	for _, id := range j.SeenBy {
		say("  named by snapshot %s", id[:8])
	}
}

func (a *app) sayAudit(j *auditJSON) {
	verdict := "no trace of tampering"
	if j.Tampered {
		verdict = "TAMPERED WITH"
	}
	a.out.say("%s: %s of %s, %s, root %d: %s", j.Drive, count(uint64(j.Snapshots), "snapshot", "snapshots"),
		count(uint64(j.Sources), "source", "sources"), count(uint64(j.Records), "record", "records"), j.Root, verdict)
	if j.Pinned == 0 {
		a.out.say("  this machine remembers no earlier state: what was set back before today cannot show")
	}
	a.out.say("  %s explained by records, %s by backups at the same time; %d of %s vetted",
		count(uint64(j.Explained), "gap", "gaps"), count(uint64(j.Concurrent), "fork", "forks"), j.Vetted, count(uint64(j.Packs), "pack", "packs"))
	if n := len(j.Distrusted); n > 0 {
		a.out.say("  %s distrusted", count(uint64(n), "host is", "hosts are"))
	}
	a.out.say("  %s, %s", span(time.Duration(j.Seconds*float64(time.Second))), count(uint64(j.Requests.Total), "request", "requests"))
}
