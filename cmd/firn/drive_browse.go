package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firn/internal/config"
	"firn/internal/object"
)

// driveBrowseFlags are the flags of firn drive browse.
type driveBrowseFlags struct{ object.BrowseOptions }

func newDriveBrowseCommand(a *app) *cobra.Command {
	f := &driveBrowseFlags{}
	c := &cobra.Command{
		Use:   "browse [DRIVE] [PREFIX]",
		Short: "List what is in a drive's bucket or folder, whoever put it there",
		Long: `List the objects in a bucket, or the files in a folder, as they are: without a
repository, a key to one, or a snapshot. Names begin behind the drive's own prefix.
PREFIX is how names begin; with "/" at its end it is a folder. Where -d or flags
name the drive, only PREFIX is given.

It takes the right to list the bucket (s3:ListBucket), --versions also that to list
versions (s3:ListBucketVersions).`,
		Example: `  firn drive browse @aws-primary
  firn drive browse 's3://bucket?vendor=wasabi&region=eu-central-1' photos/ -r
  firn drive browse @aws-primary --versions --json`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && len(a.flags.drives) == 0 && !a.flags.local && !a.settingsPlace() {
				a.flags.drives, args = args[:1], args[1:]
			}
			if len(args) > 1 {
				return usagef("the drive is named twice: %q and with a flag", args[0])
			}
			sets, err := a.named(false)
			if err != nil {
				return err
			}
			return f.run(cmd.Context(), a, &sets[0], strings.Join(args, ""))
		},
		ValidArgsFunction: a.completeDrive,
	}
	c.Flags().BoolVarP(&f.Recursive, "recursive", "r", false, "list everything below too, not folders")
	c.Flags().BoolVar(&f.Versions, "versions", false, "list older versions and deletions too")
	return c
}

// foundJSON is something in a bucket or folder.
type foundJSON struct {
	Name     string     `json:"name"`
	Folder   bool       `json:"folder"`
	Size     int64      `json:"size"`
	Modified *time.Time `json:"modified,omitempty"`
	Class    string     `json:"class,omitempty"`
	Version  string     `json:"version,omitempty"`
	Old      bool       `json:"old"`
	Deleted  bool       `json:"deleted"`
}

// browseJSON sums up what was found.
type browseJSON struct {
	Drive   string `json:"drive"`
	Objects int64  `json:"objects"` // versions, where they are listed, without deletions
	Bytes   int64  `json:"bytes"`
	Old     int64  `json:"old"`
	OldSize int64  `json:"old_bytes"`
	Deleted int64  `json:"deleted"`
	Folders int64  `json:"folders"`
}

func (f *driveBrowseFlags) run(ctx context.Context, a *app, set *config.Drive, prefix string) error {
	a.name(set)
	for _, w := range set.Warnings() {
		a.out.warn("%s", w)
	}
	store, err := a.openStore(ctx, set, false, nil)
	if err != nil {
		return err
	}
	a.out.many()
	sum := browseJSON{Drive: label(set)}
	for found, err := range object.Browse(ctx, store, prefix, f.BrowseOptions) {
		if err != nil {
			return err
		}
		if sum == (browseJSON{Drive: sum.Drive}) {
			a.out.say("%s", f.line("SIZE", "MODIFIED", "CLASS", "VERSION", "NAME"))
		}
		sum.add(&found)
		j := foundJSON{found.Name, found.Folder, found.Size, &found.Modified, found.Class, found.Version, found.Old, found.Deleted}
		if found.Modified.IsZero() {
			j.Modified = nil
		}
		a.out.emit("object", j)
		a.out.print("%s", f.show(&found))
	}
	a.out.emit("summary", sum)
	a.out.say("%s", sum.text())
	return nil
}

// show is a found thing on a line. Columns have fixed widths: lines are shown
// as they come.
func (f *driveBrowseFlags) show(found *object.Found) string {
	amount, modified := size(uint64(found.Size)), ""
	if !found.Modified.IsZero() {
		modified = found.Modified.Local().Format("2006-01-02 15:04:05")
	}
	switch {
	case found.Folder:
		amount = "folder"
	case found.Deleted:
		amount = "deleted"
	}
	version := found.Version
	if found.Old {
		version += " (old)"
	}
	return f.line(amount, modified, found.Class, version, printable(found.Name))
}

func (f *driveBrowseFlags) line(amount, modified, class, version, name string) string {
	text := fmt.Sprintf("%10s  %-19s  %-12s  ", amount, modified, class)
	if f.Versions {
		text += fmt.Sprintf("%-38s  ", version)
	}
	return text + name
}

// add counts a found thing.
func (j *browseJSON) add(found *object.Found) {
	switch {
	case found.Folder:
		j.Folders++
	case found.Deleted:
		j.Deleted++
	default:
		j.Objects++
		j.Bytes += found.Size
		if found.Old {
			j.Old++
			j.OldSize += found.Size
		}
	}
}

func (j *browseJSON) text() string {
	parts := []string{fmt.Sprintf("%s, %s", count(uint64(j.Objects), "object", "objects"), size(uint64(j.Bytes)))}
	if j.Old > 0 {
		parts = append(parts, fmt.Sprintf("%d of them old versions, %s", j.Old, size(uint64(j.OldSize))))
	}
	if j.Deleted > 0 {
		parts = append(parts, count(uint64(j.Deleted), "deletion", "deletions"))
	}
	if j.Folders > 0 {
		parts = append(parts, count(uint64(j.Folders), "folder", "folders"))
	}
	return strings.Join(parts, "; ")
}
