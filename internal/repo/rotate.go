package repo

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

// Errors of Rotate.
var (
	ErrRaced    = errors.New("somebody else changed the repository's keys at the same time; nothing was changed here")
	ErrNobody   = errors.New("no key slot and no host begins like that")
	ErrOwnerKey = errors.New("an owner's key cannot be revoked, since it holds the key that signs revocations: move to a new repository")
)

// Rotation is what Rotate did.
type Rotation struct {
	Root    uint32     // number of the new root
	Epoch   uint32     // that is sealed with from now on
	Renewed []SlotInfo // slots whose holders find the new keys by themselves
	Revoked []format.Host
	Removed []SlotInfo // slots of revoked hosts, deleted
	Broken  []string   // names of slots that cannot be read: they open for nobody
	Closed  []string   // sessions of revoked hosts that were running
	Vouched int        // objects that revoked hosts signed and that count all the same
	// Running are sessions of other hosts: what they write is sealed with the keys
	// from before until they end.
	Running []string
}

// Rotate begins a new key epoch: what is sealed from then on takes fresh keys, which
// all slots that stay open without being written anew. It revokes the writers and
// maintainers whose slots or host keys begin with one of the words: they can no longer open the
// repository, and what they sign from now on counts for nothing. What they had signed counts
// as before. Owners only; see docs/decisions/0010.
//
// One object, the new root, makes it so; before it all is as it was, but that
// running sessions of the revoked were closed, and what comes after it can be
// done at any time: a rotation that breaks off leaves nothing to be repaired.
func (r *Repository) Rotate(ctx context.Context, revoke ...string) (*Rotation, error) {
	n := &rotation{repo: r}
	if err := n.run(ctx, revoke); err != nil {
		return nil, fmt.Errorf("rotate keys: %w", err)
	}
	return &n.report, nil
}

// rotation is one run of Rotate.
type rotation struct {
	repo   *Repository
	owners []SlotInfo // slots of owners
	slots  []SlotInfo // of writers and maintainers
	keys   [][]byte   // of hosts, public: by position in slots
	revoke [][]byte   // public keys
	report Rotation
}

func (n *rotation) run(ctx context.Context, revoke []string) error {
	r := n.repo
	if r.keys.Role() != format.RoleOwner {
		return ErrRole
	}
	if err := r.Probe(ctx); err != nil {
		return err
	}
	if err := n.readSlots(ctx); err != nil {
		return err
	}
	for _, word := range revoke {
		if err := n.choose(ctx, word); err != nil {
			return err
		}
	}
	if err := n.closeSessions(ctx); err != nil {
		return err
	}
	next, root, err := n.succeed(ctx)
	if err != nil {
		return err
	}
	if err := r.commitRoot(ctx, root); err != nil {
		return err
	}
	n.report.Root, n.report.Epoch = root.Number, next.Epoch()
	return n.removeSlots(ctx)
}

// readSlots lists the slots and makes the host keys of writers and maintainers.
func (n *rotation) readSlots(ctx context.Context) error {
	names, err := n.repo.slotNames(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		slot, err := n.repo.readSlot(ctx, name)
		switch {
		case errors.Is(err, object.ErrNotFound):
			continue // removed meanwhile
		case err != nil && isDamage(err):
			n.report.Broken = append(n.report.Broken, name)
			continue
		case err != nil:
			return err
		}
		info := slotInfo(name, slot)
		if slot.Role == format.RoleOwner {
			n.owners = append(n.owners, info)
			continue
		}
		key, err := n.repo.keys.MemberKey(seal.Member{Slot: slot.ID, Role: slot.Role})
		if err != nil {
			return err
		}
		n.slots, n.keys = append(n.slots, info), append(n.keys, key)
	}
	return nil
}

// choose finds whom a word means: a slot by its ID, or a host by its name, which
// may have signed something and have no slot any more.
func (n *rotation) choose(ctx context.Context, word string) error {
	word = strings.ToLower(word)
	found := map[string]bool{}
	match := func(name string, key []byte) {
		if word != "" && strings.HasPrefix(name, word) {
			found[string(key)] = true
		}
	}
	for i, s := range n.slots {
		match(hex.EncodeToString(s.ID[:]), n.keys[i])
		match(format.HostOf(n.keys[i]).String(), n.keys[i])
	}
	if len(found) == 0 {
		signatures, err := n.repo.signatures(ctx)
		if err != nil {
			return err
		}
		for _, s := range signatures {
			match(format.HostOf(s.Signer.PublicKey).String(), s.Signer.PublicKey)
			if found[string(s.Signer.PublicKey)] && s.Signer.Role == format.RoleOwner {
				return ErrOwnerKey
			}
		}
	}
	switch len(found) {
	case 0:
		return n.nobody(word)
	case 1:
		for key := range found {
			n.revoke = append(n.revoke, []byte(key))
		}
		return nil
	}
	return fmt.Errorf("%d slots or hosts begin with %s", len(found), word)
}

// nobody is the error for a word that means nobody who could be revoked.
func (n *rotation) nobody(word string) error {
	isOwner := func(s SlotInfo) bool { return strings.HasPrefix(hex.EncodeToString(s.ID[:]), word) }
	if word != "" && slices.ContainsFunc(n.owners, isOwner) {
		return ErrOwnerKey
	}
	return fmt.Errorf("%w: %q", ErrNobody, word)
}

// isRevoked reports whether a host is revoked, by this rotation or before.
func (n *rotation) isRevoked(key []byte) bool {
	return n.repo.keys.IsRevoked(&format.Certificate{PublicKey: key}) ||
		slices.ContainsFunc(n.revoke, func(other []byte) bool { return bytes.Equal(key, other) })
}

// closeSessions closes what the revoked hosts have running, so that what they
// signed is complete when it is gathered: a session without its object commits
// nothing and decides nothing any more.
func (n *rotation) closeSessions(ctx context.Context) error {
	open, err := n.repo.openSessions(ctx)
	if err != nil {
		return err
	}
	revoked := map[format.Host]bool{}
	for _, key := range n.revoke {
		revoked[format.HostOf(key)] = true
	}
	for _, session := range open {
		host, _, err := format.ParseSessionName(session)
		if err != nil || !revoked[host] {
			n.report.Running = append(n.report.Running, session)
			continue
		}
		if n.repo.store.Capabilities().IfAbsent { // else a tombstone might overwrite a manifest
			if _, err := n.repo.Fence(ctx, session, "its host was revoked"); err != nil {
				return err
			}
		}
		if err := n.repo.store.Delete(ctx, format.SessionObject(session), format.HeartbeatObject(session)); err != nil {
			return fmt.Errorf("close session %s: %w", session, err)
		}
		n.report.Closed = append(n.report.Closed, session)
	}
	return nil
}

// openSessions lists the sessions without an outcome, by name.
func (r *Repository) openSessions(ctx context.Context) ([]string, error) {
	var open []string
	for info, err := range r.store.List(ctx, format.PrefixSessions) {
		if err != nil {
			return nil, fmt.Errorf("list sessions: %w", err)
		}
		if session, err := format.ParseSessionObject(info.Name); err == nil {
			open = append(open, session)
		}
	}
	closed, err := r.OutcomeNames(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(open, func(s string) bool { return slices.Contains(closed, s) }), nil
}

// succeed makes the next root.
func (n *rotation) succeed(ctx context.Context) (*seal.Keyring, *format.Root, error) {
	change := seal.Succession{Epoch: true, Revoke: n.revoke}
	for i, s := range n.slots {
		if n.isRevoked(n.keys[i]) {
			continue
		}
		change.Members = append(change.Members, seal.Member{Slot: s.ID, Role: s.Role})
		n.report.Renewed = append(n.report.Renewed, s)
	}
	for _, key := range n.revoke {
		n.report.Revoked = append(n.report.Revoked, format.HostOf(key))
	}
	if len(n.revoke)+len(n.repo.keys.Root().Revoked) > 0 {
		signatures, err := n.repo.signatures(ctx)
		if err != nil {
			return nil, nil, err
		}
		for _, s := range signatures {
			if n.isRevoked(s.Signer.PublicKey) {
				change.Vouched = append(change.Vouched, s.Mark)
			}
		}
		n.report.Vouched = len(change.Vouched)
	}
	return n.repo.keys.Succeed(change)
}

// removeSlots deletes the slots of revoked hosts.
func (n *rotation) removeSlots(ctx context.Context) error {
	for i, s := range n.slots {
		if !n.isRevoked(n.keys[i]) {
			continue
		}
		if err := n.repo.store.Delete(ctx, s.Name); err != nil {
			return fmt.Errorf("the keys are rotated; remove key slot %x: %w", s.ID[:4], err)
		}
		n.report.Removed = append(n.report.Removed, s)
	}
	return nil
}
