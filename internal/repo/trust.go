package repo

import (
	"firn/internal/format"
	"firn/internal/index"
)

// Trust says what a client builds on of what others stored.
type Trust int

// The degrees of trust. What a distrusted host wrote is never built on.
const (
	TrustAll    Trust = iota // all hosts' work
	TrustVetted              // one's own, and what a verifier read and found right
	TrustOwn                 // one's own only
)

// Distrusted returns the hosts whose work is not to be built on, each with the record
// that says so. A record of an owner is withdrawn by owners only.
func (rs *Records) Distrusted() map[format.Host]*StandingRecord {
	withdrawn := map[string]bool{}
	byName := map[string]*StandingRecord{}
	for i := range rs.Distrusts {
		byName[rs.Distrusts[i].Name] = &rs.Distrusts[i]
	}
	for i := range rs.Distrusts {
		by := &rs.Distrusts[i]
		for _, name := range by.Record.Withdrawn {
			if of := byName[name]; of != nil && (by.Role == format.RoleOwner || of.Role != format.RoleOwner) {
				withdrawn[name] = true
			}
		}
	}
	hosts := map[format.Host]*StandingRecord{}
	for i := range rs.Distrusts {
		if d := &rs.Distrusts[i]; !withdrawn[d.Name] {
			for _, host := range d.Record.Distrusted {
				hosts[host] = d
			}
		}
	}
	return hosts
}

// Judge returns what a host that trusts as policy says may build on; nil: on all.
func (rs *Records) Judge(own format.Host, policy Trust) index.Trust {
	distrusted := rs.Distrusted()
	if len(distrusted) == 0 && policy == TrustAll {
		return nil
	}
	var vetted *Vetted
	if policy == TrustVetted {
		vetted = rs.Vetted()
	}
	return func(pack format.PackName, o index.Origin) bool {
		switch {
		case distrusted[o.Signer] != nil || distrusted[o.Author] != nil:
			return false
		case policy == TrustAll || o.Author == own:
			return true
		}
		return vetted != nil && vetted.Has(o.Segment, pack)
	}
}

// VettedPerRecord bounds the packs of one vetting record.
const VettedPerRecord = 100_000

// Vetted is what verifiers found right: the places that a segment names in a pack.
type Vetted struct {
	bySegment map[string][]map[format.PackName]bool
}

// Vetted gathers the vetting records that count. That of a distrusted host does not; nor
// does a maintainer's of data packs, which it cannot read.
func (rs *Records) Vetted() *Vetted {
	distrusted := rs.Distrusted()
	v := &Vetted{bySegment: map[string][]map[format.PackName]bool{}}
	for i := range rs.Vettings {
		r := &rs.Vettings[i]
		if distrusted[r.Author] != nil {
			continue
		}
		packs := map[format.PackName]bool{}
		for _, pack := range r.Record.VettedPacks {
			if pack.Kind == format.KindMeta || r.Role == format.RoleOwner {
				packs[pack] = true
			}
		}
		for _, segment := range r.Record.VettedSegments {
			v.bySegment[segment] = append(v.bySegment[segment], packs)
		}
	}
	return v
}

// Has reports whether a verifier found right all that a segment says of a pack.
func (v *Vetted) Has(segment string, pack format.PackName) bool {
	for _, packs := range v.bySegment[segment] {
		if packs[pack] {
			return true
		}
	}
	return false
}

// MayInherit returns which chunks a snapshot may take over from an earlier one without
// having read them; nil: all. What is damaged, or stored only where this session may not
// build on it, is to be read from its source and stored again. Index first.
func (s *Session) MayInherit() func(id format.ID) bool {
	if len(s.damaged) == 0 && s.trust == nil {
		return nil
	}
	return func(id format.ID) bool {
		if s.damaged[id] {
			return false
		}
		if s.trust == nil {
			return true
		}
		there, err := s.Has(id)
		return there && err == nil // what cannot be looked up is read again
	}
}

// trustOwn is the session's trust, with what the session itself wrote: a host that is
// distrusted still finds what it has just stored.
func (s *Session) trustOwn() index.Trust {
	if s.trust == nil {
		return nil
	}
	return func(pack format.PackName, o index.Origin) bool {
		_, own := s.wrote.Load(o.Segment)
		return own || s.trust(pack, o)
	}
}

// trustsTree reports whether the session may take over unread what a snapshot of a host
// says of files: that their content is still what it was. Vetting covers packs, not that.
func (s *Session) trustsTree(host format.Host) bool {
	if host == s.repo.keys.Host() {
		return true
	}
	return s.policy == TrustAll && s.records.Distrusted()[host] == nil
}
