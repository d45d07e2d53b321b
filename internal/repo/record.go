package repo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sort"
	"strings"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

// PruneRecord is a prune record and, once there is one, its decision.
type PruneRecord struct {
	Name     string // g/…
	Author   format.Host
	Written  time.Time // by the drive's clock
	Record   format.Record
	Decision *format.Decision
	// Settled is when the decision was written, by the drive's clock.
	Settled time.Time
}

// Records is what all record objects of a drive say together.
type Records struct {
	Prunes  []PruneRecord // ascending by name
	Damages []DamageRecord
	Retired []string // decisions whose records are gone
}

// DamageRecord names packs and chunks found missing or broken.
type DamageRecord struct {
	Name    string
	Written time.Time
	Record  format.Record
}

// Forgotten holds the sessions whose manifests are forgotten.
func (rs *Records) Forgotten() map[string]bool {
	forgotten := map[string]bool{}
	for _, p := range rs.Prunes {
		for _, session := range p.Record.Forgotten {
			forgotten[session] = true
		}
	}
	return forgotten
}

// Masked holds the packs a writer must not rely on: what an unsettled record
// condemns, what a settled one drops, and what is damaged.
func (rs *Records) Masked() map[format.PackName]bool {
	masked := rs.Dropped()
	for _, p := range rs.Prunes {
		if p.Decision == nil {
			for _, pack := range p.Record.CondemnedPacks {
				masked[pack] = true
			}
		}
	}
	maps.Copy(masked, rs.DamagedPacks())
	return masked
}

// Dropped holds the packs of settled decisions: they may be gone.
func (rs *Records) Dropped() map[format.PackName]bool {
	dropped := map[format.PackName]bool{}
	for _, p := range rs.Prunes {
		if p.Decision != nil {
			for _, pack := range p.Decision.DroppedPacks {
				dropped[pack] = true
			}
		}
	}
	return dropped
}

// DamagedChunks holds the chunks found unreadable.
func (rs *Records) DamagedChunks() map[format.ID]bool {
	damaged := map[format.ID]bool{}
	for _, d := range rs.Damages {
		for _, id := range d.Record.DamagedChunks {
			damaged[id] = true
		}
	}
	return damaged
}

// Settled holds the sessions that a settled record forgets: whoever may have
// inherited from them is over.
func (rs *Records) Settled() map[string]bool {
	settled := map[string]bool{}
	for i := range rs.Prunes {
		if rs.Prunes[i].Decision != nil {
			for _, session := range rs.Prunes[i].Record.Forgotten {
				settled[session] = true
			}
		}
	}
	return settled
}

// DamagedPacks holds the packs found missing or broken.
func (rs *Records) DamagedPacks() map[format.PackName]bool {
	damaged := map[format.PackName]bool{}
	for _, d := range rs.Damages {
		for _, pack := range d.Record.DamagedPacks {
			damaged[pack] = true
		}
	}
	return damaged
}

// ReadRecords reads all records. One that cannot be read may condemn
// anything, so it is an error and nothing goes on. Those that a revoked host
// signed and the owner does not vouch for are none.
func (r *Repository) ReadRecords(ctx context.Context) (*Records, error) {
	prunes := map[string]*PruneRecord{}
	var decisions []object.Info
	rs := &Records{}
	listed := map[string]bool{}
	for info, err := range r.store.List(ctx, "g/") {
		if err != nil {
			return nil, fmt.Errorf("list records: %w", err)
		}
		listed[info.Name] = true
		if strings.HasSuffix(info.Name, ".s") {
			decisions = append(decisions, info)
			continue
		}
		record, signer, err := r.readRecord(ctx, info.Name)
		if errors.Is(err, object.ErrNotFound) || errors.Is(err, seal.ErrRevoked) {
			continue // retired between the listing and the reading, or nobody's word
		}
		if err != nil {
			return nil, err
		}
		switch record.Kind {
		case format.RecordPrune:
			prunes[info.Name] = &PruneRecord{Name: info.Name, Author: signer, Written: info.Modified, Record: *record}
		case format.RecordDamage:
			rs.Damages = append(rs.Damages, DamageRecord{Name: info.Name, Written: info.Modified, Record: *record})
		default:
			return nil, fmt.Errorf("read %s: %w: record of unknown kind %d", info.Name, ErrFeature, record.Kind)
		}
	}
	for _, info := range decisions {
		name := strings.TrimSuffix(info.Name, ".s")
		p, ok := prunes[name]
		if !ok {
			if !listed[name] {
				rs.Retired = append(rs.Retired, info.Name)
			}
			continue
		}
		d, err := r.readDecision(ctx, info.Name)
		if errors.Is(err, object.ErrNotFound) || errors.Is(err, seal.ErrRevoked) {
			continue
		}
		if err != nil {
			return nil, err
		}
		p.Decision, p.Settled = d, info.Modified
	}
	for _, p := range prunes {
		rs.Prunes = append(rs.Prunes, *p)
	}
	sort.Slice(rs.Prunes, func(i, j int) bool { return rs.Prunes[i].Name < rs.Prunes[j].Name })
	r.cache.trimObjects("g/", listed)
	r.cache.trimAwaited(listed)
	return rs, nil
}

func (r *Repository) readRecord(ctx context.Context, name string) (*format.Record, format.Host, error) {
	record := new(format.Record)
	var signer format.Host
	err := r.getSealed(ctx, name, format.KindRecord, func(body []byte, cert format.Certificate) error {
		signer = format.HostOf(cert.PublicKey)
		*record = format.Record{}
		return record.Decode(body)
	})
	return record, signer, err
}

func (r *Repository) readDecision(ctx context.Context, name string) (*format.Decision, error) {
	decision := new(format.Decision)
	err := r.getSealed(ctx, name, format.KindDecision, func(body []byte, _ format.Certificate) error {
		*decision = format.Decision{}
		if err := decision.Decode(body); err != nil {
			return err
		}
		if format.DecisionName(decision.Record) != name {
			return fmt.Errorf("%w: it decides another record", ErrDamaged)
		}
		return nil
	})
	return decision, err
}

// getSealed reads, opens and decodes a sealed immutable object of one kind.
func (r *Repository) getSealed(ctx context.Context, name string, kind format.Kind, decode func([]byte, format.Certificate) error) error {
	return r.getCached(ctx, name, func(b []byte) error {
		opened, err := r.openSealed(name, b)
		if err != nil {
			return err
		}
		if opened.Kind != kind {
			return fmt.Errorf("open %s: %w: an object of kind %q where %q belongs", name, ErrDamaged, opened.Kind, kind)
		}
		if err := decode(opened.Body, opened.Signer); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		return nil
	})
}

// WriteRecord writes a prune or damage record and returns its name.
func (r *Repository) WriteRecord(ctx context.Context, record *format.Record) (string, error) {
	name := format.RecordName(r.keys.Host(), random16())
	body, err := r.keys.SealRecord(format.KindRecord, name, record.Append(nil))
	if err != nil {
		return "", fmt.Errorf("write record: %w", err)
	}
	if err := r.putOnce(ctx, name, body); err != nil {
		return "", fmt.Errorf("write record: %w", err)
	}
	return name, nil
}

// Settle writes the decision of a record, unless another pruner settled it
// first: then that decision counts.
func (s *Session) Settle(ctx context.Context, decision *format.Decision) error {
	name := format.DecisionName(decision.Record)
	body, err := s.repo.keys.SealRecord(format.KindDecision, name, decision.Append(nil))
	if err != nil {
		return fmt.Errorf("settle %s: %w", decision.Record, err)
	}
	err = s.between(ctx, func(ctx context.Context) error { return s.repo.putOnce(ctx, name, body) })
	if err != nil && !errors.Is(err, object.ErrExists) {
		return fmt.Errorf("settle %s: %w", decision.Record, err)
	}
	return nil
}
