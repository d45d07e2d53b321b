package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firn/internal/format"
	"firn/internal/repo"
)

// trusts are the values of the setting trust.
var trusts = map[string]repo.Trust{
	"": repo.TrustAll, "all": repo.TrustAll, "vetted": repo.TrustVetted, "own": repo.TrustOwn,
}

// trust is what the drive's settings say of whose chunks to build on; they are valid.
func (d *drive) trust() repo.Trust { return trusts[d.set.Trust] }

// checkTrust refuses a value of --trust that is none.
func (a *app) checkTrust() error {
	if _, known := trusts[a.flags.trust]; !known {
		return usagef("unknown choice %q for --trust: own, vetted or all", a.flags.trust)
	}
	return nil
}

func newTrustCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "trust",
		Short: "Show who writes to a repository, and who is trusted",
		Long: `Show the hosts of a repository: each is a key that signs what a machine stores, with
the role that the owner gave it, what it stored, how much of that a verifier read and
found right ('firn check --vet'), and whether it is trusted:

  yes         backups build on what it stored, as far as the setting trust says
  distrusted  'firn distrust' masks all that it stored
  revoked     'firn key revoke' shut it out; what it signed before counts

* marks the key of this machine. Machines' names are in snapshots, which a writer's key
cannot read. The setting trust (own, vetted or all) says whose chunks this machine's
backups build on.`,
		Example: `  firn trust
  firn trust --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.eachDrive(cmd.Context(), func(ctx context.Context, d *drive) error { return a.tellTrust(ctx, d) })
		},
	}
}

// hostJSON is a host as --json shows it.
type hostJSON struct {
	Drive      string     `json:"drive"`
	Host       string     `json:"host"`
	Role       string     `json:"role"`
	Key        string     `json:"public_key"`
	Own        bool       `json:"own"`
	Trusted    bool       `json:"trusted"`
	Revoked    bool       `json:"revoked"`
	Distrusted bool       `json:"distrusted"`
	By         string     `json:"distrusted_by,omitempty"`
	Since      *time.Time `json:"distrusted_since,omitempty"`
	Reason     string     `json:"reason,omitempty"`
	Names      []string   `json:"names"`
	Snapshots  int        `json:"snapshots"`
	Records    int        `json:"records"`
	Segments   int        `json:"segments"`
	Packs      int        `json:"packs"`
	Vetted     int        `json:"packs_vetted"`
	Bytes      uint64     `json:"bytes"`
}

func hostToJSON(d *drive, h *repo.HostInfo) hostJSON {
	j := hostJSON{
		Drive: d.label, Host: h.Host.String(), Role: roleNames[h.Role], Key: fmt.Sprintf("%x", h.Key), Own: h.Own,
		Trusted: h.Distrusted == nil && !h.Revoked, Revoked: h.Revoked, Names: append([]string{}, h.Names...),
		Snapshots: h.Snapshots, Records: h.Records, Segments: h.Segments, Packs: h.Packs, Vetted: h.Vetted, Bytes: h.Bytes,
	}
	if why := h.Distrusted; why != nil {
		since := time.Unix(0, why.Record.Time).UTC()
		j.Distrusted, j.By, j.Since, j.Reason = true, why.Author.String(), &since, strings.Join(why.Record.Reasons, "; ")
	}
	return j
}

func (a *app) tellTrust(ctx context.Context, d *drive) error {
	records, err := d.repo.ReadRecords(ctx)
	if err != nil {
		return err
	}
	hosts, err := d.repo.Hosts(ctx, records)
	if err != nil {
		return err
	}
	var rows [][]string
	for i := range hosts {
		j := hostToJSON(d, &hosts[i])
		a.out.emit("host", j)
		rows = append(rows, j.row())
	}
	a.out.table([]string{"", "HOST", "ROLE", "TRUSTED", "SNAPSHOTS", "PACKS", "VETTED", "STORED", "MACHINE"}, rows)
	return nil
}

// row is the host's line for people.
func (j *hostJSON) row() []string {
	mark, trusted, role := "", "yes", j.Role
	if j.Own {
		mark = "*"
	}
	switch {
	case j.Distrusted:
		trusted = "distrusted"
	case j.Revoked:
		trusted = "revoked"
	}
	if role == "" {
		role = "unknown"
	}
	machine := strings.Join(j.Names, ", ")
	if j.Reason != "" {
		machine += " (" + j.Reason + ")"
	}
	return []string{
		mark, j.Host, role, trusted, fmt.Sprint(j.Snapshots), fmt.Sprint(j.Packs), fmt.Sprint(j.Vetted),
		size(j.Bytes), printable(machine),
	}
}

// distrustFlags are the flags of firn distrust.
type distrustFlags struct {
	undo   bool
	reason string
}

func newDistrustCommand(a *app) *cobra.Command {
	f := &distrustFlags{}
	c := &cobra.Command{
		Use:   "distrust HOST",
		Short: "Build no more on what a host stored",
		Long: `Mask all that a host stored, and will store: no backup builds on it any more, others
store again what only it has; 'firn check' names the snapshots of others that rest on
it, 'firn restore' takes other copies where there are any, and 'firn prune' never keeps
its copy of a chunk in place of another's. HOST is the beginning of its 16 digits as
'firn trust' shows them, or the name of its machine.

The host's own snapshots stay, and it can still back up: 'firn key revoke' shuts it
out. Where snapshots of it stand beside those of another machine of the same name,
back that one up with --force once, since it may have taken over what those say.

It takes the key of a maintainer or owner; what an owner said, only an owner undoes.`,
		Example: `  firn distrust 8f14e45fceea167a --reason "disk controller failed"
  firn distrust web1 --undo`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.oneWritable(cmd.Context(), func(ctx context.Context, d *drive) error { return f.run(ctx, a, d, args[0]) })
		},
	}
	c.Flags().BoolVar(&f.undo, "undo", false, "trust the host again")
	c.Flags().StringVar(&f.reason, "reason", "", "`WORDS` that say why, for those who look at 'firn trust'")
	return c
}

// distrustJSON is what a distrust, or the undoing of one, wrote.
type distrustJSON struct {
	Drive      string `json:"drive"`
	Host       string `json:"host"`
	Distrusted bool   `json:"distrusted"`
	Record     string `json:"record"`
}

func (f *distrustFlags) run(ctx context.Context, a *app, d *drive, word string) error {
	if d.repo.Keys().Role() == format.RoleWriter {
		return fmt.Errorf("distrust: %w", repo.ErrRole)
	}
	records, err := d.repo.ReadRecords(ctx)
	if err != nil {
		return err
	}
	hosts, err := d.repo.Hosts(ctx, records)
	if err != nil {
		return err
	}
	h, err := repo.FindHost(hosts, word)
	if err != nil {
		return advise(err, "'firn trust' shows what there is")
	}
	if f.undo == (h.Distrusted == nil) {
		a.out.say("host %s: nothing to do, it is %s", h.Host, map[bool]string{true: "trusted", false: "distrusted already"}[f.undo])
		return nil
	}
	j := distrustJSON{Drive: d.label, Host: h.Host.String(), Distrusted: !f.undo}
	if f.undo {
		j.Record, err = d.repo.Retrust(ctx, records, h.Host, f.reason)
	} else {
		j.Record, err = d.repo.Distrust(ctx, h.Host, f.reason)
	}
	if err != nil {
		return err
	}
	a.out.emit("distrust", j)
	if f.undo {
		a.out.say("host %s is trusted again", h.Host)
		return nil
	}
	a.out.say("host %s is distrusted: nothing builds on its %s, %s any more", h.Host, count(uint64(h.Packs), "pack", "packs"), size(h.Bytes))
	a.out.say("  back up the other machines; then 'firn check' names what still rests on it")
	return nil
}

// warnDoubted says that only a distrusted host had what was read. It is right all the
// same: all that is read is compared with what the snapshot says.
func (a *app) warnDoubted(o *opened) {
	if o.reader.Doubted() > 0 {
		a.out.warn("part of it only a distrusted host has stored, and nobody else; its bytes are those that the snapshot names ('firn trust' shows who is distrusted, 'firn check' what rests on them)")
	}
}
