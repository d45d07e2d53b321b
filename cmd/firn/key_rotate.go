package main

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"

	"firn/internal/repo"
)

func newKeyRotateCommand(a *app) *cobra.Command {
	var revoke []string
	c := &cobra.Command{
		Use:   "rotate",
		Short: "Make new sealing keys for what comes, and shut out who was revoked",
		Long: `Begin a new epoch of sealing keys: what is backed up from then on is sealed with
them. All key slots stay as they are; each finds the new keys by itself the next time it
opens the repository. What is stored already is not sealed again, and chunks keep their
names, so nothing is uploaded twice.

With --revoke, a writer or maintainer is shut out: its slot is deleted, it gets none of the
new keys, and what it signs from now on counts for nothing. What it had stored stays good:
its snapshots are kept and restored as before. Backups it has running are closed. An
owner's key cannot be revoked.

Also take away the credentials by which the machine reaches the drive. What a leaked key
still opens is in docs/threat-model.md. Only an owner's key can rotate.`,
		Example: `  firn key rotate
  firn key rotate --revoke 5787bc97`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.oneWritable(cmd.Context(), func(ctx context.Context, d *drive) error { return a.rotate(ctx, d, revoke) })
		},
	}
	c.Flags().StringArrayVar(&revoke, "revoke", nil, "shut out a writer or maintainer: its `SLOT`, as 'firn key list' shows it, or its host key, as in names on the drive (repeat for several)")
	return c
}

func newKeyRevokeCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID…",
		Short: "Shut out writers or maintainers, and make new sealing keys",
		Long: `Shut out writers or maintainers whose keys leaked or whose machines are gone. It is
'firn key rotate --revoke ID': see there. ID is the beginning of a slot's, as 'firn key
list' shows it, or of a host key's, as in names on the drive.`,
		Example: `  firn key revoke 5787bc97`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.oneWritable(cmd.Context(), func(ctx context.Context, d *drive) error { return a.rotate(ctx, d, args) })
		},
	}
}

// rotationJSON is what a rotation did.
type rotationJSON struct {
	Drive    string   `json:"drive"`
	Root     uint32   `json:"root"`
	Epoch    uint32   `json:"epoch"`
	Renewed  []string `json:"slots_renewed,omitempty"`
	Removed  []string `json:"slots_removed,omitempty"`
	Revoked  []string `json:"hosts_revoked,omitempty"`
	Broken   []string `json:"slots_broken,omitempty"`
	Vouched  int      `json:"vouched,omitempty"`
	Closed   []string `json:"sessions_closed,omitempty"`
	Sessions []string `json:"sessions_running,omitempty"`
}

func (a *app) rotate(ctx context.Context, d *drive, revoke []string) error {
	done, err := d.repo.Rotate(ctx, revoke...)
	if err != nil {
		return err
	}
	j := rotationJSON{
		Drive: d.label, Root: done.Root, Epoch: done.Epoch, Renewed: idsOf(done.Renewed), Removed: idsOf(done.Removed),
		Broken: done.Broken, Vouched: done.Vouched, Closed: done.Closed, Sessions: done.Running,
	}
	for _, host := range done.Revoked {
		j.Revoked = append(j.Revoked, host.String())
	}
	a.out.emit("rotation", j)
	a.sayRotation(done)
	return nil
}

func (a *app) sayRotation(done *repo.Rotation) {
	a.out.say("new sealing keys: epoch %d, root %d", done.Epoch, done.Root)
	for _, s := range done.Renewed {
		a.out.say("  %s slot %s finds them by itself%s", roleNames[s.Role], hex.EncodeToString(s.ID[:4]), labelled(s.Label))
	}
	for _, name := range done.Broken {
		a.out.warn("%s cannot be read: nobody can open the repository with it", name)
	}
	for _, host := range done.Revoked {
		a.out.say("revoked host key %s", host)
	}
	for _, s := range done.Removed {
		a.out.say("  removed %s slot %s%s", roleNames[s.Role], hex.EncodeToString(s.ID[:4]), labelled(s.Label))
	}
	if done.Vouched > 0 {
		a.out.say("  of what revoked hosts signed, all that was there counts as before: %s", count(uint64(done.Vouched), "object", "objects"))
	}
	for _, session := range done.Closed {
		a.out.say("  closed session %s", session)
	}
	for _, session := range done.Running {
		a.out.say("session %s is running: what it writes takes the keys from before until it ends", session)
	}
}

func idsOf(slots []repo.SlotInfo) (ids []string) {
	for _, s := range slots {
		ids = append(ids, hex.EncodeToString(s.ID[:]))
	}
	return ids
}

// labelled is a slot's label, to stand behind it.
func labelled(label string) string {
	if label == "" {
		return ""
	}
	return fmt.Sprintf(" (%s)", printable(label))
}
