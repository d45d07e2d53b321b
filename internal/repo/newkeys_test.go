package repo_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/repo"
	"firn/internal/seal"
)

// rotate rotates the keys as the owner, on another machine.
func (p *parties) rotate(revoke ...string) *repo.Rotation {
	p.Helper()
	done, err := p.open(p.store, owner).Rotate(p.Context(), revoke...)
	p.must(err)
	return done
}

// TestRotationBesideRunningPrograms has programs of all roles that were begun before two
// rotations read, each as its role may, what was written after them, and others read what these write.
func TestRotationBesideRunningPrograms(t *testing.T) {
	p := newParties(t)
	before, after, late := noise(1, 5000), noise(2, 5000), noise(3, 5000)
	running := p.begin(p.writer)
	p.add(running, before)
	p.rotate()
	p.rotate()
	rotated := p.open(p.store, owner)
	p.stored(rotated, after)
	_, err := rotated.WriteRecord(t.Context(), &format.Record{Kind: format.RecordPrune, Forgotten: []string{"nobody's"}})
	p.must(err)
	id := p.repo.Keys().ChunkID(format.KindData, after)
	for _, r := range []*repo.Repository{p.repo, p.writer, p.maintainer} {
		records, err := r.ReadRecords(t.Context())
		if err != nil || !records.Forgotten()["nobody's"] {
			t.Errorf("role %d reads records: %v", r.Keys().Role(), err)
		}
		rd := p.reader(r)
		at, err := rd.Locate(id)
		if err != nil {
			t.Errorf("role %d finds a chunk: %v", r.Keys().Role(), err)
			continue
		}
		if _, err := r.ReadFooter(t.Context(), at.Pack.Name, int64(at.Pack.Size)); err != nil {
			t.Errorf("role %d reads a footer: %v", r.Keys().Role(), err)
		}
		got, err := rd.Chunk(t.Context(), format.KindData, id, uint32(len(after)))
		if may := r == p.repo; may && (err != nil || !bytes.Equal(got, after)) || !may && !errors.Is(err, repo.ErrRole) {
			t.Errorf("role %d reads a chunk: %v", r.Keys().Role(), err)
		}
	}
	p.add(running, late)
	_, err = running.Commit(t.Context(), &format.Manifest{})
	p.must(err)
	rd := p.reader(p.open(p.store, owner))
	for _, chunk := range [][]byte{before, late} {
		got, err := rd.Chunk(t.Context(), format.KindData, rotated.Keys().ChunkID(format.KindData, chunk), uint32(len(chunk)))
		if err != nil || !bytes.Equal(got, chunk) {
			t.Errorf("what the running session stored: %v", err)
		}
	}
	if out, err := rotated.ReadOutcome(t.Context(), running.Name()); err != nil || out.Manifest == nil {
		t.Errorf("its snapshot: %v", err)
	}
}

// TestNewKeysAreReadOnce has many readers meet new keys at once: one of them reads the root.
func TestNewKeysAreReadOnce(t *testing.T) {
	p := newParties(t)
	meter := objecttest.NewFault(p.store, 1)
	r := p.open(meter, seal.Secret{Key: &[32]byte{4}})
	p.rotate()
	rotated := p.open(p.store, owner)
	var names []string
	for range 8 {
		name, err := rotated.WriteRecord(t.Context(), &format.Record{Kind: format.RecordPrune})
		p.must(err)
		names = append(names, name)
	}
	opened := len(meter.Operations())
	var readers sync.WaitGroup
	for range names {
		readers.Go(func() {
			if records, err := r.ReadRecords(t.Context()); err != nil || len(records.Prunes) != len(names) {
				t.Errorf("%v", err)
			}
		})
	}
	readers.Wait()
	if asked := rootRequests(meter.Operations()[opened:]); asked != 2 {
		t.Errorf("%d requests for roots; one that is there and one after it would do", asked)
	}
}

func rootRequests(operations []objecttest.Operation) (n int) {
	for _, op := range operations {
		if strings.HasPrefix(op.Name, strings.TrimSuffix(format.RootName(1), "1")) || op.Op == objecttest.List && strings.HasPrefix("firn.", op.Name) {
			n++
		}
	}
	return n
}

// TestNewKeysOfNobody has objects name keys that nobody made: the root is not read for each.
func TestNewKeysOfNobody(t *testing.T) {
	p := newParties(t)
	meter := objecttest.NewFault(p.store, 1)
	r := p.open(meter, seal.Secret{Key: &[32]byte{4}})
	p.stored(p.writer, noise(1, 100))
	rd := p.reader(p.repo)
	opened := len(meter.Operations())
	for info := range rd.View().Packs() {
		header := p.get(info.Name.Object())
		copy(header, format.AppendHeader(nil, format.Header{Kind: info.Name.Kind, Epoch: 7}))
		p.put(info.Name.Object(), header)
		for range 20 {
			if _, err := r.ReadFooter(t.Context(), info.Name, int64(info.Size)); !errors.Is(err, seal.ErrNoKey) {
				t.Errorf("%v", err)
			}
		}
	}
	if asked := rootRequests(meter.Operations()[opened:]); asked > 20 {
		t.Errorf("%d requests for roots", asked)
	}
}

// TestLeftOut ends who was revoked, or lost its slot, with an error that says so; never
// with one about the object at hand, for a record that is taken for nobody's is passed over.
func TestLeftOut(t *testing.T) {
	for name, shut := range map[string]func(p *parties, slot [16]byte){
		"revoked": func(p *parties, slot [16]byte) { p.rotate(hex.EncodeToString(slot[:])) },
		"slot removed": func(p *parties, slot [16]byte) {
			p.must(p.repo.RemoveSlot(p.Context(), slot))
			p.rotate()
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newParties(t)
			session := p.begin(p.maintainer)
			shut(p, p.maintainer.Slot())
			_, err := p.open(p.store, owner).WriteRecord(t.Context(), &format.Record{Kind: format.RecordPrune})
			p.must(err)
			for range 2 {
				_, err := p.maintainer.ReadRecords(t.Context())
				if !errors.Is(err, repo.ErrLeftOut) || errors.Is(err, seal.ErrRevoked) || repo.IsDamage(err) {
					t.Errorf("%v", err)
				}
			}
			if name == "revoked" {
				if err := session.StillOpen(t.Context()); !errors.Is(err, repo.ErrFenced) {
					t.Errorf("its session: %v", err)
				}
			}
		})
	}
}

// TestNewKeysThroughFaults: a drive that fails while the root is read makes an error, and
// the next try goes on; the copy of a root will do; an older root takes nothing back.
func TestNewKeysThroughFaults(t *testing.T) {
	p := newParties(t)
	faulty := objecttest.NewFault(p.store, 1)
	r := p.open(faulty, seal.Secret{Key: &[32]byte{4}})
	p.rotate()
	_, err := p.open(p.store, owner).WriteRecord(t.Context(), &format.Record{Kind: format.RecordPrune})
	p.must(err)
	faulty.Add(objecttest.Rule{Op: objecttest.Get, Do: objecttest.Fail, Name: format.RootName(2)})
	if _, err := r.ReadRecords(t.Context()); !errors.Is(err, object.ErrUnreachable) {
		t.Errorf("%v", err)
	}
	faulty.Heal()
	p.flip(format.RootName(2), 40)
	if _, err := r.ReadRecords(t.Context()); err != nil {
		t.Errorf("with the copy of the root: %v", err)
	}
	p.must(p.store.Delete(t.Context(), format.RootName(2), format.RootCopyName(2)))
	if records, err := r.ReadRecords(t.Context()); err != nil || len(records.Prunes) != 1 || r.Keys().Root().Number != 2 {
		t.Errorf("%v, root %d", err, r.Keys().Root().Number)
	}
}
