package check

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/seal"
)

// checkKeys reads all roots with their copies and all key slots.
func (c *checker) checkKeys() error {
	roots := []uint32{c.repo.Keys().Root().Number}
	var slots []string
	for _, prefix := range []string{format.RootName(1), format.PrefixKeys} {
		for info, err := range c.repo.Store().List(c.ctx, prefix) {
			if err != nil {
				return fmt.Errorf("list %s: %w", prefix, err)
			}
			if n, err := format.ParseRootName(info.Name); err == nil {
				roots = append(roots, n)
			} else if _, err := format.ParseSlotName(info.Name); err == nil {
				slots = append(slots, info.Name)
			}
		}
	}
	slices.Sort(roots)
	for _, n := range slices.Compact(roots) {
		if err := c.checkRoot(n); err != nil {
			return err
		}
	}
	return c.checkSlots(slots)
}

// checkRoot reads a root and its copy.
func (c *checker) checkRoot(n uint32) error {
	var bodies [][]byte
	for _, name := range []string{format.RootName(n), format.RootCopyName(n)} {
		body, err := c.small(name, func(rest []byte) error { return c.verifyRoot(n, rest) }, format.KindRoot)
		switch {
		case repo.IsDamage(err):
			f := c.ledger.damaged(name, err)
			// A root is whole once its object is there; the copy is written after it.
			f.Harm = f.Kind != Missing || len(bodies) == 0
		case err != nil:
			return err
		default:
			bodies = append(bodies, body)
		}
	}
	if len(bodies) == 2 && !bytes.Equal(bodies[0], bodies[1]) {
		c.ledger.add(&Finding{
			Kind: Contradictory, Object: format.RootCopyName(n), Harm: true,
			Detail: "it differs from " + format.RootName(n) + ", both are signed by the owner",
		})
	}
	return nil
}

func (c *checker) verifyRoot(n uint32, body []byte) error {
	root := new(format.Root)
	if err := root.Decode(body); err != nil {
		return err
	}
	id, err := seal.VerifyRoot(root)
	switch {
	case err != nil:
		return err
	case id != c.repo.ID():
		return fmt.Errorf("%w: it is of another repository", seal.ErrUntrusted)
	case root.Number != n:
		return fmt.Errorf("%w: it is root number %d", seal.ErrUntrusted, root.Number)
	}
	return nil
}

// checkSlots reads the key slots. What a slot seals shows only to its secret.
func (c *checker) checkSlots(names []string) error {
	owners := 0
	for _, name := range names {
		slot := new(format.Slot)
		_, err := c.small(name, func(rest []byte) error {
			if err := slot.Decode(rest); err != nil {
				return err
			}
			if format.SlotName(slot.ID) != name {
				return fmt.Errorf("%w: it is the slot %x", seal.ErrUntrusted, slot.ID)
			}
			return nil
		}, format.KindSlot)
		switch {
		case errors.Is(err, object.ErrNotFound): // removed meanwhile
		case repo.IsDamage(err):
			c.ledger.damaged(name, err)
		case err != nil:
			return err
		case slot.Role == format.RoleOwner:
			owners++
		}
	}
	if owners == 0 {
		c.ledger.add(&Finding{
			Kind: Missing, Object: format.PrefixKeys, Harm: true,
			Detail: "no key slot of an owner can be read: nobody could open the repository with all rights any more",
		})
	}
	return nil
}

// small reads a small object of a kind and verifies what is behind its header.
func (c *checker) small(name string, verify func(rest []byte) error, kind format.Kind) ([]byte, error) {
	body, _, err := c.repo.Store().Get(c.ctx, name, format.MaxRecord)
	if err != nil {
		return nil, err
	}
	h, rest, err := format.ParseHeader(body)
	if err == nil && h.Kind != kind {
		err = fmt.Errorf("%w: an object of kind %q", format.ErrCorrupt, byte(h.Kind))
	}
	if err == nil {
		err = verify(rest)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return body, nil
}
