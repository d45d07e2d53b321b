package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firn/internal/config"
	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/seal"
)

var roleNames = map[format.Role]string{
	format.RoleOwner: "owner", format.RoleWriter: "writer", format.RoleMaintainer: "maintainer",
}

func parseRole(name string) (format.Role, error) {
	for role, known := range roleNames {
		if name == known {
			return role, nil
		}
	}
	return 0, usagef("unknown role %q: owner, writer or maintainer", name)
}

func newKeyCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "key",
		Short: "Passphrases, key files and recovery keys, with their roles",
		Long: `Manage key slots. Each opens the repository with a passphrase, a key file or a
recovery key, in one of three roles:

  owner       may do everything
  writer      may back up, and can read nothing: no file, no name, no list of snapshots
  maintainer  may check, forget and prune, and cannot read the content of files`,
		Annotations: map[string]string{oneLine: "list, add, change, remove, rotate, revoke: who may open it, and how"},
	}
	c.AddCommand(newKeyListCommand(a), newKeyAddCommand(a), newKeyChangeCommand(a), newKeyRemoveCommand(a),
		newKeyRotateCommand(a), newKeyRevokeCommand(a))
	return c
}

// slotJSON is a key slot as --json shows it.
type slotJSON struct {
	Drive   string    `json:"drive"`
	ID      string    `json:"id"`
	Role    string    `json:"role"`
	Kind    string    `json:"kind"`
	Label   string    `json:"label"`
	Host    string    `json:"host,omitempty"`
	Created time.Time `json:"created"`
	InUse   bool      `json:"in_use"`
	// Unreadable is why a slot opens for nobody; all else but drive and ID is not known then.
	Unreadable string `json:"unreadable,omitempty"`
}

func newKeyListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List key slots",
		Long: `List the key slots of every drive in use; * marks the one that opened it, ! one that
cannot be read and so opens for nobody: 'firn key remove' removes it. To an owner it
also tells the host key of writers and maintainers, which stands in the names of
their snapshots and sessions on the drive.`,
		Example: `  firn key list
  firn key list -d @wasabi --key-file recovery.txt`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.eachDrive(cmd.Context(), func(ctx context.Context, d *drive) error {
				slots, err := d.repo.Slots(ctx)
				if err != nil {
					return err
				}
				var rows [][]string
				for _, s := range slots {
					j := slotToJSON(&s, d)
					a.out.emit("slot", j)
					mark := ""
					if j.InUse {
						mark = "*"
					}
					if j.Unreadable != "" {
						rows = append(rows, []string{"!", j.ID[:8], "unreadable", "nothing", "", "", printable(j.Unreadable)})
						continue
					}
					rows = append(rows, []string{mark, j.ID[:8], j.Role, j.Kind, j.Created.Local().Format("2006-01-02 15:04"), j.Host, printable(j.Label)})
				}
				a.out.table([]string{"", "ID", "ROLE", "OPENS WITH", "CREATED", "HOST KEY", "LABEL"}, rows)
				return nil
			})
		},
	}
}

func slotToJSON(s *repo.SlotInfo, d *drive) slotJSON {
	if s.Damage != nil {
		return slotJSON{Drive: d.label, ID: hex.EncodeToString(s.ID[:]), Unreadable: s.Damage.Error()}
	}
	kind := "key"
	if s.Passphrase {
		kind = "passphrase"
	}
	j := slotJSON{
		Drive: d.label, ID: hex.EncodeToString(s.ID[:]), Role: roleNames[s.Role], Kind: kind, Label: s.Label,
		Created: s.Created.UTC(), InUse: s.ID == d.repo.Slot(),
	}
	if key, err := d.repo.Keys().MemberKey(seal.Member{Slot: s.ID, Role: s.Role}); err == nil { // others than owners cannot tell
		j.Host = format.HostOf(key).String()
	}
	return j
}

// removedJSON is a key slot that is gone.
type removedJSON struct {
	Drive string `json:"drive"`
	ID    string `json:"id"`
}

// newSecretFlags say what a new slot opens with.
type newSecretFlags struct {
	passphraseFile string
	keyFile        string
	recovery       bool
	label          string
}

func (f *newSecretFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.passphraseFile, "new-passphrase-file", "", "`FILE` with the new passphrase")
	c.Flags().StringVar(&f.keyFile, "new-key-file", "", "generate a key and write it to a `FILE`")
	c.Flags().BoolVar(&f.recovery, "recovery", false, "generate a recovery key and print it once")
	c.Flags().StringVar(&f.label, "label", "", "`WORDS` about the slot; not secret")
}

// secret returns the new secret and what is to be done once the slot is there.
func (f *newSecretFlags) secret(a *app, d *drive) (seal.Secret, func() error, error) {
	nothing := func() error { return nil }
	ways := 0
	for _, given := range []bool{f.passphraseFile != "", f.keyFile != "", f.recovery} {
		if given {
			ways++
		}
	}
	switch {
	case ways > 1:
		return seal.Secret{}, nil, usagef("choose one of --new-passphrase-file, --new-key-file and --recovery")
	case f.passphraseFile != "":
		found, err := config.FindSecret(context.Background(), "new passphrase", f.passphraseFile, nil)
		return passphraseOf(found), nothing, err
	case f.keyFile != "":
		key := newKey()
		if err := writeKeyFile(f.keyFile, key, d.store.Location()); err != nil {
			return seal.Secret{}, nil, err
		}
		return seal.Secret{Key: &key}, func() error { a.out.say("key written to %s", f.keyFile); return nil }, nil
	case f.recovery:
		key := newKey()
		return seal.Secret{Key: &key}, func() error { a.recoverySheet(key, d.repo, d); return nil }, nil
	case terminal(os.Stdin):
		secret, err := askNewPassphrase()
		return secret, nothing, err
	}
	return seal.Secret{}, nil, usagef("say what the new slot opens with: --new-passphrase-file, --new-key-file or --recovery")
}

func newKeyAddCommand(a *app) *cobra.Command {
	f := &newSecretFlags{}
	role := ""
	c := &cobra.Command{
		Use:   "add",
		Short: "Add a key slot",
		Long: `Add a key slot: another passphrase, a key file that is generated, or a recovery
key. On a terminal a passphrase is asked for. Only an owner's key can add slots.`,
		Example: `  firn key add --role writer --new-key-file web1.key --label web1
  firn key add --recovery`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := parseRole(role)
			if err != nil {
				return err
			}
			return a.oneWritable(cmd.Context(), func(ctx context.Context, d *drive) error {
				_, err := a.addSlot(ctx, d, r, f)
				return err
			})
		},
	}
	f.flags(c)
	c.Flags().StringVar(&role, "role", "owner", "`ROLE` of the slot: owner, writer or maintainer")
	completeWords(c, "role", "owner", "writer", "maintainer")
	return c
}

func (a *app) addSlot(ctx context.Context, d *drive, role format.Role, f *newSecretFlags) ([16]byte, error) {
	secret, done, err := f.secret(a, d)
	if err != nil {
		return [16]byte{}, err
	}
	id, err := d.repo.AddSlot(ctx, role, repo.NewSlot{Secret: secret, Label: f.label})
	if err != nil {
		return id, err
	}
	kind := "passphrase"
	if secret.Key != nil {
		kind = "key"
	}
	a.out.emit("slot", slotJSON{
		Drive: d.label, ID: hex.EncodeToString(id[:]), Role: roleNames[role], Kind: kind, Label: f.label, Created: d.repo.Now().UTC(),
	})
	a.out.say("added key slot %x (%s)", id[:4], roleNames[role])
	return id, done()
}

func newKeyChangeCommand(a *app) *cobra.Command {
	f := &newSecretFlags{}
	c := &cobra.Command{
		Use:   "change",
		Short: "Replace the key slot in use by a new one",
		Long: `Replace the key slot that opened the repository by a new one. The new slot is
written and verified before the old one goes. Whoever knew the old passphrase and copied
the old slot can still open that copy, with all the keys in it: of an owner's slot, all
there is and will be. 'firn key rotate --revoke' shuts out a writer or maintainer.`,
		Example: `  firn key change
  firn key change --new-passphrase-file pass`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.oneWritable(cmd.Context(), func(ctx context.Context, d *drive) error {
				old := d.repo.Slot()
				if _, err := a.addSlot(ctx, d, d.repo.Keys().Role(), f); err != nil {
					return err
				}
				if err := d.repo.RemoveSlot(ctx, old); err != nil {
					return err
				}
				a.out.emit("removed", removedJSON{d.label, hex.EncodeToString(old[:])})
				a.out.say("removed key slot %x", old[:4])
				return nil
			})
		},
	}
	f.flags(c)
	return c
}

func newKeyRemoveCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "remove ID",
		Short: "Remove a key slot",
		Long: `Remove a key slot; ID is the beginning of what 'firn key list' shows. The last slot
of an owner stays. Whoever copied the slot before can still open the copy: where a key may
have leaked, 'firn key revoke' does more.`,
		Example: `  firn key remove 5787bc97`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.oneWritable(cmd.Context(), func(ctx context.Context, d *drive) error {
				slots, err := d.repo.Slots(ctx)
				if err != nil {
					return err
				}
				id, err := findSlot(slots, args[0])
				if err != nil {
					return err
				}
				if err := d.repo.RemoveSlot(ctx, id); err != nil {
					return err
				}
				a.out.emit("removed", removedJSON{d.label, hex.EncodeToString(id[:])})
				a.out.say("removed key slot %x", id[:4])
				return nil
			})
		},
	}
}

func findSlot(slots []repo.SlotInfo, prefix string) ([16]byte, error) {
	var found [][16]byte
	for _, s := range slots {
		if prefix != "" && strings.HasPrefix(hex.EncodeToString(s.ID[:]), strings.ToLower(prefix)) {
			found = append(found, s.ID)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return [16]byte{}, errors.New("no key slot has an ID that begins with " + prefix)
	}
	return [16]byte{}, fmt.Errorf("%d key slots have IDs that begin with %s", len(found), prefix)
}

// recoveryJSON is a recovery key, shown once.
type recoveryJSON struct {
	Drive       string `json:"drive"`
	RecoveryKey string `json:"recovery_key"`
	Repository  string `json:"repository"`
	Location    string `json:"location"`
}

// recoverySheet prints what opens the repository when all else is lost, with
// --quiet too.
func (a *app) recoverySheet(key [32]byte, r *repo.Repository, d *drive) {
	j := recoveryJSON{d.label, format.FormatSecret(format.TextRecovery, key), r.ID().String(), d.store.Location()}
	a.out.emit("recovery_key", j)
	a.out.print(`
Recovery key, shown this once. Print it or write it down, and keep it away from this machine:

  %s

  repository %s
  at %s
`, j.RecoveryKey, j.Repository, j.Location)
}
