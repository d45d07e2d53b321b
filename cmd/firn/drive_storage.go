package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"firn/internal/config"
	"firn/internal/format"
	"firn/internal/storageconfig"
)

func newDriveStorageCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "storage-config",
		Short: "Storage classes by prefix: show, set, check or apply a drive's .storageconfig",
	}
	c.AddCommand(newStorageShowCommand(a), newStorageSetCommand(a), newStorageCheckCommand(a), newStorageApplyCommand(a))
	return c
}

func newStorageShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "Show the .storageconfig of a drive and how each kind of object is stored",
		Long: `Show the object .storageconfig beside a repository, as it is, and how each kind of
object is stored by it and by the drive's settings. The repository is not opened, and
need not be there.`,
		Example: `  firn drive storage-config show -d @aws
  firn drive storage-config show -d @aws --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.withStorage(cmd.Context(), a.showStorage) },
	}
}

func newStorageSetCommand(a *app) *cobra.Command {
	var classes []string
	c := &cobra.Command{
		Use:   "set FILE | --class PREFIX=CLASS…",
		Short: "Put a .storageconfig on a drive",
		Long: `Put a file on a drive as its .storageconfig, "-" standard input, or make one of storage
classes by prefix. What is malformed, or would put anything but data packs into an archive
class, is refused. It affects what is written from then on, by other hosts too; what is
there already stays where it is until 'firn drive storage-config apply' moves it.`,
		Example: `  firn drive storage-config set classes.json -d @aws
  firn drive storage-config set --class p=INTELLIGENT_TIERING --class STANDARD_IA -d @aws`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) > 0) == (len(classes) > 0) {
				return usagef("name a file, or classes with --class")
			}
			text, err := storageOfClasses(classes)
			if len(args) > 0 {
				text, err = storageText(args[0])
			}
			if err != nil {
				return err
			}
			return a.withStorage(cmd.Context(), func(ctx context.Context, d *drive) error { return a.setStorage(ctx, d, text) })
		},
	}
	c.Flags().StringArrayVar(&classes, "class", nil, "in place of a file: a storage `CLASS` as p=STANDARD_IA for names that begin with p, or as it is for all (repeat for several)")
	return c
}

func newStorageCheckCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check a .storageconfig: that of the drive, or a file before it is set",
		Long: `Check the .storageconfig of a drive, or a file that is to become it: is it understood,
does it keep all that is read in every run where it can be read, does each entry have an
effect, does the provider have the classes. Nothing is written.`,
		Example: `  firn drive storage-config check -d @aws
  firn drive storage-config check classes.json -d @aws`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var text []byte
			if len(args) > 0 {
				var err error
				if text, err = storageText(args[0]); err != nil {
					return err
				}
			}
			return a.withStorage(cmd.Context(), func(ctx context.Context, d *drive) error { return a.checkStorage(ctx, d, text) })
		},
	}
}

// storageOfClasses makes a .storageconfig of classes by prefix.
func storageOfClasses(classes []string) ([]byte, error) {
	var c storageconfig.Config
	for _, text := range classes {
		var rules config.ClassRules
		if err := rules.UnmarshalText([]byte(text)); err != nil {
			return nil, usagef("--class: %w", err)
		}
		c.Entries = append(c.Entries, storageEntries(rules)...)
	}
	return c.Format(), nil
}

// storageEntries are the entries that settings for classes by prefix stand for.
func storageEntries(rules config.ClassRules) []storageconfig.Entry {
	entries := make([]storageconfig.Entry, len(rules))
	for i, rule := range rules {
		entries[i] = storageconfig.Entry{Prefix: rule.Prefix, Params: storageconfig.Params{Class: rule.Class}}
	}
	return entries
}

// storageText reads a file, or standard input for "-".
func storageText(path string) ([]byte, error) {
	if path != "-" {
		return readStorageFile(path)
	}
	text, err := io.ReadAll(io.LimitReader(os.Stdin, storageconfig.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	return text, nil
}

// withStorage runs a command on the one drive in use, which must be a bucket.
func (a *app) withStorage(ctx context.Context, work func(context.Context, *drive) error) error {
	sets, err := a.named(false)
	if err != nil {
		return err
	}
	set := sets[0]
	if set.Provider != config.S3 {
		return usagef("storage classes are for buckets, and %s is a folder", label(&set))
	}
	a.name(&set)
	d, err := a.connect(ctx, &set, false)
	if err != nil {
		return err
	}
	return work(ctx, d)
}

// storageJSON is a drive's .storageconfig and what comes of it.
type storageJSON struct {
	Drive   string        `json:"drive"`
	File    string        `json:"file,omitempty"`
	AtRoot  bool          `json:"at_root"`
	Kinds   []storageKind `json:"kinds"`
	Remarks []string      `json:"remarks"`
}

// storageKind is how a kind of objects is stored.
type storageKind struct {
	Prefix     string `json:"prefix"`
	Kind       string `json:"kind"`
	Class      string `json:"class,omitempty"`
	Encryption string `json:"encryption,omitempty"`
	KMSKey     string `json:"kms_key,omitempty"`
	BucketKey  bool   `json:"bucket_key"`
	Tags       string `json:"tags,omitempty"`
	ACL        string `json:"acl,omitempty"`
	More       bool   `json:"more"` // entries for longer prefixes say otherwise for some
}

func (a *app) showStorage(ctx context.Context, d *drive) error {
	rules, text, err := a.storageOf(ctx, d)
	if err != nil {
		return err
	}
	j := storageJSON{Drive: d.label, AtRoot: a.storageAtRoot(ctx, &d.set), Kinds: []storageKind{}, Remarks: []string{}}
	rows := [][]string{}
	for _, u := range rules.Uses() {
		p := u.Params
		j.Kinds = append(j.Kinds, storageKind{u.Prefix, u.Name, p.Class, p.Encryption, p.KMSKey, p.BucketKey, p.Tags, p.ACL, u.More})
		how := p.String()
		if u.More {
			how += "; some by a longer prefix"
		}
		rows = append(rows, []string{u.Prefix, u.Name, printable(how)})
	}
	if text != nil {
		j.File = string(text)
		a.out.print("%s", printableLines(j.File))
	} else {
		a.out.say("there is no %s on this drive", format.StorageConfigName)
	}
	for _, r := range remarksOn(rules.Config(), &d.set) {
		j.Remarks = append(j.Remarks, r.String())
	}
	a.out.emit("storage_config", j)
	a.out.table([]string{"PREFIX", "OBJECTS", "STORED WITH"}, rows)
	a.warnOfStorage(rules.Config(), &d.set)
	if j.AtRoot {
		a.warnOfRoot(ctx, &d.set)
	}
	return nil
}

// storageOf reads the drive's .storageconfig, nil if there is none, and returns
// the rules with it in force.
func (a *app) storageOf(ctx context.Context, d *drive) (*storageconfig.Rules, []byte, error) {
	rules, err := a.storageRules(&d.set)
	if err != nil {
		return nil, nil, err
	}
	text, err := rules.Around(d.store, storageconfig.Watch{Say: a.out.warn}).Load(ctx)
	return rules, text, err
}

// storageSetJSON says that a .storageconfig was put there.
type storageSetJSON struct {
	Drive   string `json:"drive"`
	Entries int    `json:"entries"`
}

func (a *app) setStorage(ctx context.Context, d *drive, text []byte) error {
	if err := writable(&d.set); err != nil {
		return err
	}
	c, err := a.putStorage(ctx, d, text)
	if err != nil {
		return err
	}
	a.out.emit("storage_config_set", storageSetJSON{d.label, len(c.Entries)})
	a.out.say("%s of drive %s is set: it holds for what is written from now on", format.StorageConfigName, d.label)
	a.warnOfStorage(c, &d.set)
	a.warnOfRoot(ctx, &d.set)
	return nil
}

// storageCheckJSON is what a check of a .storageconfig found.
type storageCheckJSON struct {
	Drive   string   `json:"drive"`
	There   bool     `json:"there"`
	Remarks []string `json:"remarks"`
}

// checkStorage checks a text, or the drive's .storageconfig if there is none.
func (a *app) checkStorage(ctx context.Context, d *drive, text []byte) error {
	j := storageCheckJSON{Drive: d.label, There: true, Remarks: []string{}}
	var c *storageconfig.Config
	if text != nil {
		rules, err := a.storageRules(&d.set)
		if err != nil {
			return err
		}
		if c, err = rules.Judge(text); err != nil {
			return usage(err)
		}
	} else {
		rules, found, err := a.storageOf(ctx, d)
		if err != nil {
			return err
		}
		c, j.There = rules.Config(), found != nil
	}
	for _, r := range remarksOn(c, &d.set) {
		j.Remarks = append(j.Remarks, r.String())
	}
	a.out.emit("storage_config_check", j)
	a.warnOfStorage(c, &d.set)
	a.warnOfRoot(ctx, &d.set)
	switch {
	case !j.There:
		a.out.say("there is no %s on this drive", format.StorageConfigName)
	case len(j.Remarks) == 0:
		a.out.say("it is in order")
	default:
		a.out.say("it can be used; see the warnings")
	}
	return nil
}

// printableLines is printable for a text of several lines.
func printableLines(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = printable(strings.ReplaceAll(strings.TrimRight(line, "\r"), "\t", "    "))
	}
	return strings.Join(lines, "\n")
}
