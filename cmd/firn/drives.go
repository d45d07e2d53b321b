package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"firn/internal/claim"
	"firn/internal/config"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/s3"
	"firn/internal/repo"
	"firn/internal/storageconfig"
)

// drive is a drive in use and its repository.
type drive struct {
	label string
	set   config.Drive
	store object.Store
	meter *object.Metered
	claim *claim.Guard // around the store; nil where nothing is written
	repo  *repo.Repository

	storage     *storageconfig.Store // below the claim; nil for folders and where nothing is written
	storageFile []byte               // .storageconfig for a repository that is to be made; nil for none
}

// errNoDrive means that nothing says which drive to use.
var errNoDrive = errors.New("no drive is named")

// chosen resolves the drives that -d, --local, FIRN_DRIVE or the configuration
// name; none if nothing does.
func (a *app) chosen() ([]config.Drive, error) {
	file, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	words := a.flags.drives
	if a.flags.local {
		if len(words) > 0 {
			return nil, usagef("--local and -d exclude each other")
		}
		if err := a.onlyOneDescribed(words); err != nil {
			return nil, err
		}
		d, err := localDrive()
		return []config.Drive{d}, err
	}
	if env := os.Getenv("FIRN_DRIVE"); len(words) == 0 && env != "" && !a.settingsPlace() {
		words = []string{env}
	}
	if len(words) == 0 && len(a.flags.settings) > 0 {
		words = []string{""} // the flags say all
	}
	if len(words) == 0 && file != nil {
		return file.Drives, nil
	}
	if err := a.onlyOneDescribed(words); err != nil {
		return nil, err
	}
	var drives []config.Drive
	for _, w := range words {
		d, err := namedDrive(file, w, a.flags.settings)
		if err != nil {
			return nil, usage(err)
		}
		drives = append(drives, d)
	}
	return drives, nil
}

// named resolves the drives to use; if nothing names one, the repository in the
// user's data folder is used, if it is there. Only some commands take several.
func (a *app) named(several bool) ([]config.Drive, error) {
	drives, err := a.chosen()
	if err != nil {
		return nil, err
	}
	if len(drives) == 0 {
		d, there := existingLocal()
		if !there {
			return nil, noDrive()
		}
		drives = []config.Drive{d}
	}
	if len(drives) > 1 && !several {
		return nil, advise(usagef("this command works on one drive, and there are %d", len(drives)), "choose with -d @LABEL; 'firn drive list' shows them")
	}
	return drives, nil
}

func noDrive() error {
	return advise(usage(errNoDrive), "name one with -d DRIVE, FIRN_DRIVE or a configuration, or use --local; 'firn init' on a terminal leads through it")
}

// namedDrive finds what a person calls a drive, and describes by settings.
func namedDrive(file *config.Config, words string, settings []config.Option) (config.Drive, error) {
	if words == "" || words[0] != '@' {
		return config.ParseDrive(words, settings...)
	}
	if file == nil {
		file = &config.Config{}
	}
	d, err := file.Drive(words)
	if local, localErr := localDrive(); err != nil && localErr == nil && config.LabelName(words[1:]) == local.Label {
		return local, nil
	}
	return d, err
}

// localDrive is the drive of --local.
func localDrive() (config.Drive, error) {
	dir, err := dataFolder()
	if err != nil {
		return config.Drive{}, err
	}
	return config.Drive{Provider: config.Local, Label: "local", Path: filepath.Join(dir, "repository")}, nil
}

// existingLocal is the drive of --local if a repository is there.
func existingLocal() (config.Drive, bool) {
	d, err := localDrive()
	if err != nil {
		return d, false
	}
	_, err = os.Stat(filepath.Join(d.Path, "firn.repository"))
	return d, err == nil
}

// label names a drive in output.
func label(d *config.Drive) string {
	if d.Label != "" {
		return d.Label
	}
	return d.String()
}

// name says which drive is used, the first line of every command.
func (a *app) name(set *config.Drive) { a.out.note("drive: %s", set) }

// openDrive opens one drive and its repository.
func (a *app) openDrive(ctx context.Context, set *config.Drive) (*drive, error) {
	d, err := a.connect(ctx, set, false)
	if err != nil {
		return nil, err
	}
	secret, err := a.secret(ctx, d)
	if err != nil {
		return nil, err
	}
	d.repo, err = repo.Open(ctx, d.store, repo.OpenOptions{Secret: secret, Cache: a.cacheRoot()})
	return d, err
}

// connect opens the store of a drive, limited and measured.
func (a *app) connect(ctx context.Context, set *config.Drive, create bool) (*drive, error) {
	if err := a.checkTrust(); err != nil {
		return nil, err
	}
	for _, w := range set.Warnings() {
		a.out.warn("%s", w)
	}
	store, ruled, err := a.openRuled(ctx, set, create)
	if err != nil {
		return nil, err
	}
	if set.ReadOnly {
		store = object.ReadOnly(store)
	}
	m := object.Meter(store)
	d := &drive{label: label(set), set: *set, meter: m}
	d.store = object.Spread(m, func(text string) { a.debug("%s: %s", d.label, text) })
	if a.flags.trust != "" {
		d.set.Trust = a.flags.trust
	}
	if ruled != nil {
		d.storage = ruled(d.store)
		d.store = d.storage
	}
	if !set.ReadOnly {
		d.claim = claim.NewGuard(d.store, claim.Holder{Host: a.host(), Owner: set.Owner, Exclusive: set.Exclusive}, a.cacheRoot())
		d.store = d.claim
	}
	return d, nil
}

// openStore opens a drive's own store; params, if given, choose how objects are
// stored in a bucket.
func (a *app) openStore(ctx context.Context, set *config.Drive, create bool, params func(string) s3.PutParams) (object.Store, error) {
	if set.Provider == config.Local {
		dir, err := object.OpenDir(set.Path, create)
		if err != nil {
			return nil, err
		}
		up, down := a.limits(set)
		return object.Limit(dir, up, down), nil
	}
	c, err := a.s3Config(ctx, set)
	if err != nil {
		return nil, err
	}
	c.Params = params
	store, err := s3.Open(ctx, c)
	if err != nil || !create || !set.CreateBucket {
		return store, err
	}
	return store, a.createBucket(ctx, store, set, c.AccessKey)
}

// openWritable opens a drive and its repository for a command that writes. A drive
// to read from only is refused before anything is asked of it, a directory that
// is somebody else's before anything is written.
func (a *app) openWritable(ctx context.Context, set *config.Drive) (*drive, error) {
	d, err := a.openReplaceable(ctx, set)
	if err != nil {
		return nil, err
	}
	if err := d.claim.Admit(ctx, d.repo.ID()); err != nil {
		return nil, errors.Join(err, d.repo.Close())
	}
	return d, nil
}

// openReplaceable opens a drive for a command that writes although the directory
// may be somebody else's: one that moves it.
func (a *app) openReplaceable(ctx context.Context, set *config.Drive) (*drive, error) {
	if err := writable(set); err != nil {
		return nil, err
	}
	d, err := a.openDrive(ctx, set)
	if err == nil {
		a.tellDataOnly(d)
	}
	return d, err
}

// opening is how a command opens its drives: openDrive, openWritable or
// openReplaceable.
type opening func(context.Context, *config.Drive) (*drive, error)

// oneDrive runs a command that reads from one drive.
func (a *app) oneDrive(ctx context.Context, work func(context.Context, *drive) error) error {
	return a.withOne(ctx, a.openDrive, work)
}

// oneWritable runs a command that writes to one drive.
func (a *app) oneWritable(ctx context.Context, work func(context.Context, *drive) error) error {
	return a.withOne(ctx, a.openWritable, work)
}

func (a *app) withOne(ctx context.Context, open opening, work func(context.Context, *drive) error) error {
	sets, err := a.named(false)
	if err != nil {
		return err
	}
	return a.withDrive(ctx, &sets[0], open, work)
}

// eachDrive runs a command that reads on every drive named, one after the
// other. One that fails does not keep the others from their turn.
func (a *app) eachDrive(ctx context.Context, work func(context.Context, *drive) error) error {
	return a.withEach(ctx, a.openDrive, work)
}

// eachWritable runs a command on every drive named, one after the other; it
// writes unless dryRun.
func (a *app) eachWritable(ctx context.Context, dryRun bool, work func(context.Context, *drive) error) error {
	if dryRun {
		return a.eachDrive(ctx, work)
	}
	return a.withEach(ctx, a.openWritable, work)
}

func (a *app) withEach(ctx context.Context, open opening, work func(context.Context, *drive) error) error {
	sets, err := a.named(true)
	if err != nil {
		return err
	}
	var all error
	for i := range sets {
		err := a.withDrive(ctx, &sets[i], open, work)
		if err != nil && len(sets) > 1 {
			err = fmt.Errorf("drive %s: %w", label(&sets[i]), err)
		}
		all = errors.Join(all, err)
	}
	return all
}

func (a *app) withDrive(ctx context.Context, set *config.Drive, open opening, work func(context.Context, *drive) error) (err error) {
	a.name(set)
	d, err := open(ctx, set)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.repo.Close()) }()
	return work(ctx, d)
}

// announce makes a long reading known as a session, so that prune waits for
// it, where that is possible; the function returned ends it, given how it went, and
// returns what is to be said of that.
func (d *drive) announce(ctx context.Context, a *app, what string) (func(error) error, error) {
	nothing := func(err error) error { return err }
	if d.set.ReadOnly || d.repo.Keys().Role() == format.RoleWriter {
		return nothing, nil
	}
	s, err := d.repo.Begin(ctx, repo.SessionOptions{Host: a.host(), Command: what})
	for _, unable := range []error{object.ErrReadOnly, object.ErrAccess, object.ErrFull} {
		if errors.Is(err, unable) {
			a.out.detail("the %s cannot be announced (%v); it relies on prune's grace period", what, unable)
			return nothing, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return func(err error) error {
		err = s.Explain(ctx, err)
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
		defer cancel()
		return errors.Join(err, s.Abandon(end, what+" ended"))
	}, nil
}

// endTime bounds the clean end of an interrupted command.
const endTime = 30 * time.Second
