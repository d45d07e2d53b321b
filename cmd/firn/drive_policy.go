package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"firn/internal/config"
	"firn/internal/examine"
	"firn/internal/format"
	"firn/internal/storageconfig"
)

// drivePolicyFlags are the flags of firn drive policy.
type drivePolicyFlags struct {
	use  string
	host string
	thaw bool
}

func newDrivePolicyCommand(a *app) *cobra.Command {
	f := &drivePolicyFlags{}
	c := &cobra.Command{
		Use:   "policy",
		Short: "Print the least rights that a drive's keys need",
		Long: `Print the least IAM policy, as AWS, MinIO and others take it, with which everything
that belongs to a use works on this drive:

  backup    make snapshots; nothing can be deleted
  restore   read everything, write nothing
  maintain  check, forget and prune
  all       create the repository and its keys too

Not in it are s3:ListBucketVersions, which 'firn drive browse --versions' takes, and what
'firn drive check' asks for its advice alone: s3:GetBucketVersioning,
s3:GetBucketObjectLockConfiguration, s3:GetLifecycleConfiguration,
s3:GetIntelligentTieringConfiguration.

The names that a host writes begin with the ID of its key, so that a policy can keep
each host to its own: --host-id takes that ID, 16 hex digits, which 'firn snapshots
--json' shows as signed_by; "this" stands for the key that opens the repository here.`,
		Example: `  firn drive policy --for backup
  firn drive policy --for backup --host-id this`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			sets, err := a.named(false)
			if err != nil {
				return err
			}
			host, err := f.findHost(cmd.Context(), a, &sets[0])
			if err != nil {
				return err
			}
			return a.printPolicy(&sets[0], f, host)
		},
	}
	c.Flags().StringVar(&f.use, "for", string(examine.UseAll), "the `USE`: "+usesList())
	c.Flags().StringVar(&f.host, "host-id", "", "let only the host with this `ID` write under names of its own")
	c.Flags().BoolVar(&f.thaw, "thaw", false, "let those who read thaw data packs in archive classes; always so where the drive's settings put them there")
	return c
}

func usesList() string {
	var words []string
	for _, u := range examine.Uses {
		words = append(words, string(u))
	}
	return strings.Join(words, ", ")
}

// thisHost stands for the key that opens the repository here.
const thisHost = "this"

// findHost resolves --host-id; nil if it is not given.
func (f *drivePolicyFlags) findHost(ctx context.Context, a *app, set *config.Drive) (*format.Host, error) {
	switch f.host {
	case "":
		return nil, nil
	case thisHost:
		var host format.Host
		err := a.withDrive(ctx, set, a.openDrive, func(_ context.Context, d *drive) error {
			host = d.repo.Keys().Host()
			return nil
		})
		return &host, err
	}
	host, err := format.ParseHost(f.host)
	if err != nil {
		return nil, advise(usagef("--host-id: %w", err), "the ID of a host's key has 16 hex digits")
	}
	return &host, nil
}

// policyJSON is a policy as --json shows it.
type policyJSON struct {
	Drive  string      `json:"drive"`
	For    examine.Use `json:"for"`
	Host   string      `json:"host,omitempty"`
	Policy string      `json:"policy"`
}

// printPolicy prints the least policy for a use of a drive.
func (a *app) printPolicy(set *config.Drive, f *drivePolicyFlags, host *format.Host) error {
	use := examine.Use(f.use)
	if set.Provider != config.S3 {
		return usagef("policies are for buckets, and %s is a folder", label(set))
	}
	if !slices.Contains(examine.Uses, use) {
		return usagef("%q is no use of a drive: choose from %s", use, usesList())
	}
	at, err := set.Resolve()
	if err != nil {
		return usage(err)
	}
	archived, err := a.putsIntoArchive(set)
	if err != nil {
		return err
	}
	policy, err := examine.Least(examine.Grant{
		Use: use, Bucket: set.Bucket, Prefix: set.KeyPrefix(), Region: at.Region.Value, Host: host, Thaw: f.thaw || archived,
	})
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(policy, "", "  ")
	if err != nil {
		return fmt.Errorf("write policy: %w", err)
	}
	j := policyJSON{Drive: label(set), For: use, Policy: string(text)}
	if host != nil {
		j.Host = host.String()
	}
	a.out.emit("policy", j)
	a.out.print("%s", text)
	return nil
}

// putsIntoArchive reports whether a bucket's settings put anything into classes
// that must be thawed.
func (a *app) putsIntoArchive(set *config.Drive) (bool, error) {
	rules, err := a.storageRules(set)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(rules.Uses(), func(u storageconfig.Use) bool { return archiveClasses(set)(u.Params.Class) }), nil
}
