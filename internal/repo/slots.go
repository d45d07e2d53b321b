package repo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

// SlotInfo describes a key slot for people.
type SlotInfo struct {
	Name       string
	ID         [16]byte
	Role       format.Role
	Label      string
	Created    time.Time
	Passphrase bool // else a random secret
	// Damage is why the slot cannot be read and opens for nobody; nil if it can. Of such a
	// slot only name and ID are known.
	Damage error
}

// openSlots tries the slot that opened last time, then all others.
func (r *Repository) openSlots(ctx context.Context, id format.ID, secret seal.Secret) (*format.Bundle, error) {
	last := r.cache.facts().Slot
	if last != "" {
		if b, err := r.openSlot(ctx, last, id, secret); err == nil {
			return b, nil
		} else if !isDamage(err) && !errors.Is(err, seal.ErrSecret) {
			return nil, err
		}
	}
	names, err := r.slotNames(ctx)
	if err != nil {
		return nil, err
	}
	var damage error
	for _, name := range names {
		b, err := r.openSlot(ctx, name, id, secret)
		switch {
		case err == nil:
			return b, nil
		case errors.Is(err, seal.ErrSecret):
		case isDamage(err):
			damage = errors.Join(damage, err)
		default:
			return nil, err
		}
	}
	return nil, errors.Join(seal.ErrSecret, damage)
}

func (r *Repository) slotNames(ctx context.Context) ([]string, error) {
	var names []string
	for info, err := range r.store.List(ctx, "k/") {
		if err != nil {
			return nil, err
		}
		if _, err := format.ParseSlotName(info.Name); err == nil {
			names = append(names, info.Name)
		}
	}
	return names, nil
}

// openSlot reads one slot from the drive, never from the cache: a slot that
// was removed must not open.
func (r *Repository) openSlot(ctx context.Context, name string, id format.ID, secret seal.Secret) (*format.Bundle, error) {
	slot, err := r.readSlot(ctx, name)
	if err != nil {
		return nil, err
	}
	if (slot.Argon2id != nil) != (secret.Key == nil) {
		return nil, seal.ErrSecret
	}
	bundle, err := seal.OpenSlot(slot, secret)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	if bundle.Repository != id {
		// Left behind by a creation that broke off.
		return nil, seal.ErrSecret
	}
	r.slot = slot.ID
	return bundle, nil
}

func (r *Repository) readSlot(ctx context.Context, name string) (*format.Slot, error) {
	b, _, err := r.store.Get(ctx, name, smallLimit)
	if err != nil {
		return nil, err
	}
	h, rest, err := format.ParseHeader(b)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	slot := new(format.Slot)
	if h.Kind != format.KindSlot {
		return nil, fmt.Errorf("read %s: %w: not a key slot", name, ErrDamaged)
	}
	if err := slot.Decode(rest); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if format.SlotName(slot.ID) != name {
		return nil, fmt.Errorf("read %s: %w: it belongs under another name", name, ErrDamaged)
	}
	return slot, nil
}

// Slots lists the key slots, those that cannot be read among them.
func (r *Repository) Slots(ctx context.Context) ([]SlotInfo, error) {
	names, err := r.slotNames(ctx)
	if err != nil {
		return nil, fmt.Errorf("list key slots: %w", err)
	}
	var infos []SlotInfo
	for _, name := range names {
		slot, err := r.readSlot(ctx, name)
		if errors.Is(err, object.ErrNotFound) {
			continue // removed meanwhile
		}
		if err != nil && isDamage(err) {
			id, _ := format.ParseSlotName(name) // which slotNames did
			infos = append(infos, SlotInfo{Name: name, ID: id, Damage: err})
			continue
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, slotInfo(name, slot))
	}
	return infos, nil
}

func slotInfo(name string, slot *format.Slot) SlotInfo {
	return SlotInfo{
		Name: name, ID: slot.ID, Role: slot.Role, Label: slot.Label,
		Created: time.Unix(slot.Created, 0), Passphrase: slot.Argon2id != nil,
	}
}

// AddSlot writes a key slot for a role and verifies it by reading it back and
// opening it. Owners only.
func (r *Repository) AddSlot(ctx context.Context, role format.Role, slot NewSlot) ([16]byte, error) {
	var none [16]byte
	bundle, err := r.keys.Bundle(role)
	if err != nil {
		return none, fmt.Errorf("add key slot: %w", err)
	}
	sealed, err := seal.SealSlot(bundle, slot.Secret, slot.Label, r.now(), slot.Cost)
	if err != nil {
		return none, fmt.Errorf("add key slot: %w", err)
	}
	name := format.SlotName(sealed.ID)
	body := sealed.Append(format.AppendHeader(nil, format.Header{Kind: format.KindSlot}))
	if err := r.putOnce(ctx, name, body); err != nil {
		return none, fmt.Errorf("add key slot: %w", err)
	}
	back, err := r.readSlot(ctx, name)
	if err != nil {
		return none, fmt.Errorf("read new key slot back: %w", err)
	}
	if _, err := seal.OpenSlot(back, slot.Secret); err != nil {
		return none, fmt.Errorf("open new key slot: %w", err)
	}
	return sealed.ID, nil
}

// ErrLastSlot refuses to remove the only way in.
var ErrLastSlot = errors.New("this is the last key slot of an owner; without it nobody could open the repository")

// RemoveSlot deletes a key slot, also one that cannot be read. Owners only; the last
// owner's slot stays, also when somebody else removes the other at the same time.
func (r *Repository) RemoveSlot(ctx context.Context, id [16]byte) error {
	if r.keys.Role() != format.RoleOwner {
		return fmt.Errorf("remove key slot: %w", ErrRole)
	}
	name := format.SlotName(id)
	body, _, err := r.store.Get(ctx, name, smallLimit)
	if err != nil {
		return fmt.Errorf("remove key slot %x: %w", id, err)
	}
	if others, err := r.ownersBut(ctx, id); err != nil {
		return err
	} else if others == 0 {
		return ErrLastSlot
	}
	if err := r.store.Delete(ctx, name); err != nil {
		return fmt.Errorf("remove key slot: %w", err)
	}
	switch others, err := r.ownersBut(ctx, id); {
	case err != nil:
		return fmt.Errorf("key slot %x is removed; see whether an owner's slot is left: %w", id[:4], err)
	case others > 0:
		return nil
	}
	// Whoever removed the others looks now, too: one slot too many is better than none.
	if err := r.putOnce(ctx, name, body); err != nil {
		return fmt.Errorf("put back key slot %x, the last of an owner: %w", id[:4], err)
	}
	return ErrLastSlot
}

// ownersBut counts the owners' slots that can be read, without one.
func (r *Repository) ownersBut(ctx context.Context, id [16]byte) (int, error) {
	slots, err := r.Slots(ctx)
	if err != nil {
		return 0, err
	}
	owners := 0
	for i := range slots {
		if slots[i].ID != id && slots[i].Damage == nil && slots[i].Role == format.RoleOwner {
			owners++
		}
	}
	return owners, nil
}
