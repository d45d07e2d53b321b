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

	Vettings  []StandingRecord // what verifiers read and found right
	Distrusts []StandingRecord // whom not to build on; see Distrusted
	Ledgers   []StandingRecord // forgotten snapshots of records that were retired
	Withheld  []string         // of Distrusts: this machine saw them, and the drive lists them no longer
}

// StandingRecord is a record that holds by itself, without a decision.
type StandingRecord struct {
	Name    string
	Author  format.Host
	Role    format.Role // the author's
	Written time.Time   // by the drive's clock
	Record  format.Record
}

// DamageRecord names packs and chunks found missing or broken.
type DamageRecord struct {
	Name    string
	Written time.Time
	Record  format.Record
}

// Forgotten holds the sessions whose manifests are forgotten.
func (rs *Records) Forgotten() map[string]bool {
	forgotten := rs.inLedgers()
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
	settled := rs.inLedgers()
	for i := range rs.Prunes {
		if rs.Prunes[i].Decision != nil {
			for _, session := range rs.Prunes[i].Record.Forgotten {
				settled[session] = true
			}
		}
	}
	return settled
}

// inLedgers holds the forgotten sessions whose records were retired. Should a manifest
// of theirs come back, it is as forgotten as before.
func (rs *Records) inLedgers() map[string]bool {
	sessions := map[string]bool{}
	for i := range rs.Ledgers {
		for _, session := range rs.Ledgers[i].Record.Forgotten {
			sessions[session] = true
		}
	}
	return sessions
}

// file enters a record by its kind, but for those of prune, which it leaves to the
// caller, since they go with a decision.
func (rs *Records) file(info object.Info, signer format.Certificate, record *format.Record) error {
	standing := StandingRecord{
		Name: info.Name, Author: format.HostOf(signer.PublicKey), Role: signer.Role, Written: info.Modified, Record: *record,
	}
	switch record.Kind {
	case format.RecordPrune:
	case format.RecordDamage:
		rs.Damages = append(rs.Damages, DamageRecord{Name: info.Name, Written: info.Modified, Record: *record})
	case format.RecordVetting:
		rs.Vettings = append(rs.Vettings, standing)
	case format.RecordDistrust:
		rs.Distrusts = append(rs.Distrusts, standing)
	case format.RecordLedger:
		rs.Ledgers = append(rs.Ledgers, standing)
	default:
		return fmt.Errorf("read %s: %w: record of unknown kind %d", info.Name, ErrFeature, record.Kind)
	}
	return nil
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
		if err := rs.file(info, signer, record); err != nil {
			return nil, err
		}
		if record.Kind == format.RecordPrune {
			prunes[info.Name] = pruneRecord(info, signer, record)
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
	if err := r.withheld(rs, listed); err != nil {
		return nil, err
	}
	r.cache.trimObjects("g/", listed)
	r.cache.trimAwaited(listed)
	return rs, nil
}

func pruneRecord(info object.Info, signer format.Certificate, record *format.Record) *PruneRecord {
	return &PruneRecord{Name: info.Name, Author: format.HostOf(signer.PublicKey), Written: info.Modified, Record: *record}
}

func (r *Repository) readRecord(ctx context.Context, name string) (*format.Record, format.Certificate, error) {
	record := new(format.Record)
	var signer format.Certificate
	err := r.getSealed(ctx, name, format.KindRecord, func(body []byte, cert format.Certificate) error {
		signer = cert
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

// WriteRecord writes a record, which is not a decision, and returns its name.
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
