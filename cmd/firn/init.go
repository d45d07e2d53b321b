package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"firn/internal/config"
	"firn/internal/repo"
	"firn/internal/seal"
)

// initFlags are the flags of firn init.
type initFlags struct {
	generate   bool
	noRecovery bool
	storage    string // file with the .storageconfig
}

func newInitCommand(a *app) *cobra.Command {
	f := &initFlags{}
	c := &cobra.Command{
		Use:   "init",
		Short: "Create a repository on a drive",
		Long: `Create a repository on a drive that has none, with a key slot for what opens it
and one for a recovery key, which is printed once.

What opens it comes from --passphrase-file, --passphrase-command, --key-file (an
existing one), or FIRN_PASSPHRASE and its like; on a terminal it is asked for.
--generate-key makes a key file for unattended use in your configuration folder.
A bucket that does not exist is created with --create-bucket; on a terminal init asks.

A .storageconfig that is there already, or given with --storage-config, says from the
beginning in which storage class objects are put.

On a terminal and without a drive, init leads through everything: folder or
vendor, keys, bucket, and how the repository is opened.`,
		Example: `  firn init
  firn init -d /mnt/backup --generate-key
  firn init -d 's3://bucket/prefix?vendor=wasabi&region=eu-central-1' --passphrase-file pass`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), a) },
	}
	c.Flags().BoolVar(&f.generate, "generate-key", false, "generate a key file for unattended use")
	c.Flags().BoolVar(&f.noRecovery, "no-recovery-key", false, "make no recovery key")
	c.Flags().StringVar(&f.storage, "storage-config", "", "put this `FILE` there as .storageconfig first: storage classes by prefix")
	return c
}

func (f *initFlags) run(ctx context.Context, a *app) error {
	sets, err := a.chosen()
	if err != nil {
		return err
	}
	if len(sets) == 0 {
		if !a.interactive() {
			return noDrive()
		}
		return a.guide(ctx)
	}
	for i := range sets {
		a.name(&sets[i])
		err := f.create(ctx, a, &sets[i])
		if err != nil && len(sets) > 1 {
			err = fmt.Errorf("drive %s: %w", label(&sets[i]), err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *initFlags) create(ctx context.Context, a *app, set *config.Drive) error {
	if err := writable(set); err != nil {
		return err
	}
	d, there, err := a.lookInto(ctx, set)
	if err != nil {
		return err
	}
	if there {
		return fmt.Errorf("%w (%s)", repo.ErrExists, d.store.Location())
	}
	if f.storage != "" {
		if d.storageFile, err = storageText(f.storage); err != nil {
			return err
		}
	}
	secret, made, err := f.secret(ctx, a, d)
	if err != nil {
		return err
	}
	return a.createRepository(ctx, d, secret, made, !f.noRecovery)
}

// secret returns what opens the new repository, and the generated key file.
func (f *initFlags) secret(ctx context.Context, a *app, d *drive) (seal.Secret, *keyFile, error) {
	if f.generate || a.flags.local {
		k, err := newKeyFile(d)
		return k.secret(), k, err
	}
	for _, look := range a.finders() {
		secret, found, err := look(ctx, d)
		if err != nil || found {
			return secret, nil, err
		}
	}
	if !a.interactive() {
		return seal.Secret{}, nil, advise(usagef("nothing says what shall open the repository"), "use --generate-key, --passphrase-file or FIRN_PASSPHRASE")
	}
	secret, err := askNewPassphrase()
	return secret, nil, err
}

// keyFile is a generated key and where it goes.
type keyFile struct {
	path string
	key  [32]byte
}

func newKeyFile(d *drive) (*keyFile, error) {
	path, err := keyFilePath(d.store.Location())
	if err != nil {
		return nil, err
	}
	return &keyFile{path, newKey()}, nil
}

func (k *keyFile) secret() seal.Secret {
	if k == nil {
		return seal.Secret{}
	}
	return seal.Secret{Key: &k.key}
}

// createdJSON is a repository that was made.
type createdJSON struct {
	Drive      string `json:"drive"`
	Repository string `json:"repository"`
	Location   string `json:"location"`
	KeyFile    string `json:"key_file,omitempty"`
}

// createRepository makes the repository and tells about its keys. The key file
// is written first: a repository whose key was lost in between would be of no use.
func (a *app) createRepository(ctx context.Context, d *drive, secret seal.Secret, k *keyFile, withRecovery bool) error {
	if err := a.refuseDangerous(ctx, &d.set); err != nil {
		return err
	}
	if err := writable(&d.set); err != nil {
		return err
	}
	if err := d.claim.Vacant(ctx); err != nil {
		return err
	}
	if err := a.beginStorage(ctx, d); err != nil {
		return err
	}
	slots := []repo.NewSlot{{Secret: secret, Label: "first"}}
	recovery := newKey()
	if withRecovery {
		slots = append([]repo.NewSlot{{Secret: seal.Secret{Key: &recovery}, Label: "recovery key"}}, slots...)
	}
	if k != nil {
		if err := a.placeKeyFile(k, d.store.Location()); err != nil {
			return err
		}
		slots[len(slots)-1].Label = "key file of " + a.host()
	}
	r, err := repo.Create(ctx, d.store, repo.CreateOptions{Slots: slots, Cache: a.cacheRoot(), Claim: d.claim.Found})
	if err != nil {
		if k != nil {
			err = errors.Join(err, os.Remove(k.path))
		}
		return err
	}
	j := createdJSON{Drive: d.label, Repository: r.ID().String(), Location: d.store.Location()}
	a.out.say("created repository %s at %s", j.Repository[:16], j.Location)
	if k != nil {
		j.KeyFile = k.path
		a.out.say("its key is in %s", k.path)
	}
	a.out.emit("created", j)
	if withRecovery {
		a.recoverySheet(recovery, r, d)
	}
	return r.Close()
}

// placeKeyFile writes a generated key. One that is left from a repository
// that is gone is kept under another name: it may open a copy of it.
func (a *app) placeKeyFile(k *keyFile, location string) error {
	if _, err := os.Lstat(k.path); err == nil {
		for n := 1; ; n++ {
			old := fmt.Sprintf("%s.old%d", k.path, n)
			if _, err := os.Lstat(old); errors.Is(err, os.ErrNotExist) {
				if err := os.Rename(k.path, old); err != nil {
					return fmt.Errorf("keep older key file: %w", err)
				}
				a.out.warn("an older key file was there; it is kept as %s", old)
				break
			}
		}
	}
	return writeKeyFile(k.path, k.key, location)
}

// ensureLocal creates the repository of --local when there is none.
func (a *app) ensureLocal(ctx context.Context, set *config.Drive) error {
	if _, err := os.Stat(filepath.Join(set.Path, "firn.repository")); err == nil {
		return nil
	}
	f := &initFlags{generate: true}
	err := f.create(ctx, a, set)
	if errors.Is(err, repo.ErrExists) {
		return nil // somebody else was faster
	}
	return err
}
