// Package claim keeps a drive's directory with one repository, and where that is
// wanted with one owner or one host.
//
// A claim is a small object that says whose the directory is. Claims are
// numbered and never changed: moving a directory to somebody else creates the
// next number, and the claim with the highest number holds.
//
// Invariant: of all that try to create one number, at most one believes that it
// has. Where the drive can create only if absent, that is what it does. Where it
// cannot, who wants number n announces it by an object of a random name, then
// lists, and goes on only if it sees neither claim n nor anybody else's
// announcement; else it withdraws, waits for a random time and tries again. Of
// two whose announcements overlap, the one that announces later sees the other's
// when it lists, since only a withdrawn announcement is ever deleted. This relies
// on a listing that shows what was written before it (which package object
// promises, and a pause helps), and on no write taking effect more than an hour
// after its author looked: an announcement that old no longer counts.
//
// Claims guard against mistakes, not against enemies: who may write to a drive
// may overwrite everything there, and what protects against that are keys and
// versions. Nothing in the protocol of backups and prunes relies on claims.
//
// Its user is cmd/firn, which puts a Guard around the store of every drive.
package claim

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"firn/internal/format"
	"firn/internal/object"
)

// Claim says whose a directory is.
type Claim struct {
	// Number is the claim's place in the order, from 1 on.
	Number uint32
	// Repository is the ID of the repository that lives there.
	Repository format.ID
	// Owner is the account it belongs to, "" if to none in particular.
	Owner string
	// Host is the name of the host that made the claim.
	Host string
	// Exclusive means that only Host may write.
	Exclusive bool
	// Since is when the claim was made, by the clock of Host.
	Since time.Time
}

// Bounds of what a claim holds.
const (
	maxSize = 4 << 10 // bytes of the object
	maxName = 255     // bytes of an owner's or a host's name
)

// ErrDamaged is a claim that cannot be read, ErrVersion one of a later version.
var (
	ErrDamaged = errors.New("the claim cannot be read")
	ErrVersion = fmt.Errorf("the claim is of a later version: %w", format.ErrVersion)
)

// document is a claim as it is stored: JSON, so that a person who looks at the
// drive can read it.
type document struct {
	Version    int       `json:"firn_claim"`
	Repository string    `json:"repository"`
	Owner      string    `json:"owner,omitempty"`
	Host       string    `json:"host"`
	Exclusive  bool      `json:"exclusive,omitempty"`
	Since      time.Time `json:"since"`
	// Nonce makes the bytes of two claims differ, so that who finds its own
	// bytes knows that they are its own.
	Nonce string `json:"nonce"`
}

const version = 1

// encode returns the claim's object, different each time.
func (c *Claim) encode() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("encode claim: %w", err)
	}
	body, err := json.MarshalIndent(document{
		Version: version, Repository: c.Repository.String(), Owner: c.Owner, Host: c.Host,
		Exclusive: c.Exclusive, Since: c.Since.UTC(), Nonce: rand.Text(),
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode claim: %w", err)
	}
	return append(body, '\n'), nil
}

// check refuses names that could not be read back or shown.
func (c *Claim) check() error {
	for _, name := range []string{c.Owner, c.Host} {
		if len(name) > maxName || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
			return fmt.Errorf("the name %.40q is too long or cannot be shown", name)
		}
	}
	if c.Host == "" {
		return errors.New("it names no host")
	}
	return nil
}

// decode reads a claim's object. Fields it does not know are passed over, as
// long as the version is its own.
func decode(number uint32, body []byte) (*Claim, error) {
	if len(body) > maxSize {
		return nil, fmt.Errorf("%w: %d bytes", ErrDamaged, len(body))
	}
	var d document
	if err := json.Unmarshal(body, &d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	switch {
	case d.Version > version:
		return nil, ErrVersion
	case d.Version != version:
		return nil, fmt.Errorf("%w: it is no claim", ErrDamaged)
	}
	id, err := format.ParseID(d.Repository)
	if err != nil {
		return nil, fmt.Errorf("%w: it names no repository", ErrDamaged)
	}
	c := &Claim{Number: number, Repository: id, Owner: d.Owner, Host: d.Host, Exclusive: d.Exclusive, Since: d.Since.UTC()}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return c, nil
}

// Prefix is what the names of claims begin with. It begins like the name of
// the root object, so that one listing shows both.
const Prefix = "firn.claim."

// nameOf returns the name of the claim with a number.
func nameOf(number uint32) string { return Prefix + strconv.FormatUint(uint64(number), 10) }

// announcement returns a new name for announcing the wish for a number.
func announcement(number uint32) string {
	return nameOf(number) + "." + strings.ToLower(rand.Text())
}

// parseName reads the name of a claim or of an announcement.
func parseName(name string) (number uint32, announced, ok bool) {
	rest, ok := strings.CutPrefix(name, Prefix)
	digits, random, announced := strings.Cut(rest, ".")
	n, err := strconv.ParseUint(digits, 10, 32)
	if !ok || err != nil || n == 0 || digits[0] == '0' || digits[0] == '+' || announced && random == "" {
		return 0, false, false
	}
	return uint32(n), announced, true
}

// standing is what a listing shows of claims.
type standing struct {
	highest   object.Info   // the claim that holds; no Name if there is none
	number    uint32        // its number, 0 if there is none
	announced []object.Info // for higher numbers
}

// note takes an object of a listing into account.
func (s *standing) note(info object.Info) {
	number, announced, ok := parseName(info.Name)
	switch {
	case !ok:
	case announced:
		s.announced = append(s.announced, info)
	case number > s.number:
		s.highest, s.number = info, number
	}
}

// wanting returns the announcements of a number that still count beside one's
// own, whose time is the drive's own now.
func (s *standing) wanting(number uint32, own string) (others []string, there bool) {
	var now time.Time
	for _, a := range s.announced {
		if a.Name == own {
			now, there = a.Modified, true
		}
	}
	for _, a := range s.announced {
		n, _, _ := parseName(a.Name)
		if n == number && a.Name != own && now.Sub(a.Modified) < forgotten {
			others = append(others, a.Name)
		}
	}
	return others, there
}

// forgotten is the age at which what was begun and never ended no longer counts.
const forgotten = time.Hour
