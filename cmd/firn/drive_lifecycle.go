package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"

	"github.com/spf13/cobra"

	"firn/internal/config"
	"firn/internal/examine"
	"firn/internal/format"
	"firn/internal/object/s3"
	"firn/internal/storageconfig"
)

// driveLifecycleFlags are the flags of firn drive lifecycle.
type driveLifecycleFlags struct {
	class   string
	after   int
	keep    int
	uploads int
	xml     bool
}

func newDriveLifecycleCommand(a *app) *cobra.Command {
	f := &driveLifecycleFlags{}
	c := &cobra.Command{
		Use:   "lifecycle",
		Short: "Print lifecycle rules that are safe for a drive's bucket",
		Long: `Print lifecycle rules for a drive's prefix, ready to apply: old versions of objects,
the marks of deleted ones, and unfinished uploads go after some days. With --class data
packs, and nothing else, move to another storage class after some days; from an
archive class they must be thawed before they can be restored.

A rule that deletes current objects destroys a repository: init refuses such a bucket.
What snapshots no longer need is deleted by forget and prune.

Applying rules replaces all rules of the bucket: add those of others first.
  aws s3api put-bucket-lifecycle-configuration --bucket BUCKET \
    --lifecycle-configuration file://rules.json`,
		Example: `  firn drive lifecycle
  firn drive lifecycle --class GLACIER_IR --after 30 > rules.json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			sets, err := a.named(false)
			if err != nil {
				return err
			}
			return f.print(a, &sets[0])
		},
	}
	c.Flags().StringVar(&f.class, "class", "", "move data packs to this storage `CLASS`")
	c.Flags().IntVar(&f.after, "after", 30, "`DAYS` after which data packs move")
	c.Flags().IntVar(&f.keep, "keep-versions", 30, "`DAYS` for which old versions are kept")
	c.Flags().IntVar(&f.uploads, "end-uploads", 7, "`DAYS` after which unfinished uploads are ended")
	c.Flags().BoolVar(&f.xml, "xml", false, "print XML instead of JSON")
	return c
}

// lifecycleJSON is a lifecycle configuration as --json shows it.
type lifecycleJSON struct {
	Drive string `json:"drive"`
	Rules string `json:"rules"`
}

func (f *driveLifecycleFlags) print(a *app, set *config.Drive) error {
	if set.Provider != config.S3 {
		return usagef("lifecycle rules are for buckets, and %s is a folder", label(set))
	}
	at, err := set.Resolve()
	if err != nil {
		return usage(err)
	}
	rules, err := examine.SafeRules(examine.RuleOptions{
		Prefix: set.KeyPrefix(), Class: f.class, After: f.after, Keep: f.keep, Uploads: f.uploads, Classes: at.Vendor.Classes,
	})
	if err != nil {
		return usage(err)
	}
	var text []byte
	if f.xml {
		text, err = xml.MarshalIndent(rules, "", "  ")
	} else {
		text, err = json.MarshalIndent(rules, "", "  ")
	}
	if err != nil {
		return fmt.Errorf("write rules: %w", err)
	}
	if examine.Archive(f.class) {
		a.out.note("data packs in %s must be thawed before they can be restored, which takes hours and costs money", f.class)
	}
	a.out.emit("lifecycle", lifecycleJSON{label(set), string(text)})
	a.out.print("%s", text)
	return nil
}

// refuseDangerous refuses to make a repository in a bucket whose lifecycle
// rules would destroy it. Where the rules cannot be read nothing is refused:
// asking takes a right that Firn does not need otherwise.
func (a *app) refuseDangerous(ctx context.Context, set *config.Drive) error {
	if set.Provider != config.S3 {
		return nil
	}
	c, err := a.s3Config(ctx, set)
	if err != nil {
		return err
	}
	c.MaxRetries = -1
	bucket, err := s3.Open(ctx, c)
	if err != nil {
		return err
	}
	rules, err := bucket.Lifecycle(ctx)
	if err != nil {
		a.out.detail("the bucket's lifecycle rules could not be read: %v", err)
		return ctx.Err()
	}
	how, err := a.storageRules(set)
	if err != nil {
		return err
	}
	// What is wrong with the file is told where objects are to be stored by it.
	if _, err := how.Around(bucket, storageconfig.Watch{Say: a.out.detail}).Load(ctx); err != nil {
		a.out.detail("%s: %v", format.StorageConfigName, err)
	}
	return examine.SafeLifecycle(rules, set.KeyPrefix(), how)
}
