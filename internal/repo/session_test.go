package repo_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/repo"
	"firn/internal/seal"
)

// TestOrder follows the requests of a session: the order is what the protocol rests on.
func TestOrder(t *testing.T) {
	b := newBench(t, object.NewMem())
	faulty := objecttest.NewFault(b.store, 0)
	s := b.begin(b.open(faulty, owner))
	b.add(s, noise(1, 1000))
	_, err := s.Commit(t.Context(), &format.Manifest{})
	b.must(err)
	var got []string
	for _, op := range faulty.Operations() {
		step := string(op.Op) + " " + op.Name[:min(2, len(op.Name))]
		if slices.Contains([]string{"put s/", "list g/", "list x/", "put p/", "put q/", "put x/", "put m/"}, step) {
			got = append(got, step)
		}
	}
	if want := "put s/,list g/,list x/,put p/,put q/,put x/,put m/"; strings.Join(got, ",") != want {
		t.Errorf("%v instead of %s", got, want)
	}
}

// TestLostAnswer has the manifest arrive and its answer not: the repeated request finds
// its own bytes.
func TestLostAnswer(t *testing.T) {
	for _, prefix := range []string{"m/*", "x/*", "p/*", "s/*"} {
		b := newBench(t, object.NewMem())
		faulty := objecttest.NewFault(b.store, 0, objecttest.Rule{Op: objecttest.Put, Name: prefix, Nth: 1, Do: objecttest.Lose})
		r := b.open(object.Retry(faulty, object.RetryOptions{First: time.Millisecond, Longest: time.Millisecond}), owner)
		s, err := r.Begin(t.Context(), repo.SessionOptions{})
		if prefix == "s/*" { // to begin anew costs nothing
			if err != nil && !errors.Is(err, object.ErrExists) {
				t.Errorf("%s: %v", prefix, err)
			}
			continue
		}
		b.must(err)
		_, err = s.LoadIndex(t.Context())
		b.must(err)
		b.add(s, noise(1, 1000))
		if _, err := s.Commit(t.Context(), &format.Manifest{}); err != nil {
			t.Errorf("%s: %v", prefix, err)
		}
	}
}

func TestFence(t *testing.T) {
	b := newBench(t, object.NewMem())
	s := b.begin(b.repo)
	for range 2 {
		if kind, err := b.repo.Fence(t.Context(), s.Name(), "test"); err != nil || kind != format.KindTombstone {
			t.Errorf("%v, %v", kind, err)
		}
	}
	if _, err := s.Commit(t.Context(), &format.Manifest{}); !errors.Is(err, repo.ErrFenced) {
		t.Errorf("a closed session commits: %v", err)
	}
	b.must(s.Abandon(t.Context(), "test"))
	done := b.save()
	if kind, err := b.repo.Fence(t.Context(), done.Name(), "test"); err != nil || kind != format.KindManifest {
		t.Errorf("a committed session is closed: %v, %v", kind, err)
	}
	if _, err := b.repo.Outcome(t.Context(), "0123456789abcdef-00000000000000000000000000000000"); !errors.Is(err, object.ErrNotFound) {
		t.Errorf("an outcome of nobody: %v", err)
	}
}

// TestForgottenSession has the session's object go, as a maintainer fences without
// conditional writes.
func TestForgottenSession(t *testing.T) {
	b := newBench(t, objecttest.Restrict(object.NewMem(), object.Capabilities{Attests: true}))
	s := b.begin(b.repo)
	b.must(b.store.Delete(t.Context(), format.SessionObject(s.Name())))
	if _, err := s.Commit(t.Context(), &format.Manifest{}); !errors.Is(err, repo.ErrFenced) {
		t.Errorf("commit: %v", err)
	}
	if err := s.PutSegment(t.Context(), "x/0123456789abcdef-00", nil); !errors.Is(err, repo.ErrFenced) {
		t.Errorf("segment: %v", err)
	}
	if left := b.names("x/"); len(left) > 0 {
		t.Errorf("it wrote %v", left)
	}
	b.must(s.Abandon(t.Context(), "test"))
}

func TestParent(t *testing.T) {
	b := newBench(t, object.NewMem())
	kept, gone, closed := b.save(), b.save(), b.begin(b.repo)
	b.must(closed.Abandon(t.Context(), "test"))
	_, err := b.repo.WriteRecord(t.Context(), &format.Record{Kind: format.RecordPrune, Forgotten: []string{gone.Name()}})
	b.must(err)
	s, err := b.repo.Begin(t.Context(), repo.SessionOptions{})
	b.must(err)
	for name, test := range map[string]struct {
		session string
		want    error
	}{
		"kept": {kept.Name(), nil}, "forgotten": {gone.Name(), object.ErrNotFound},
		"closed": {closed.Name(), object.ErrNotFound}, "nobody's": {"0123456789abcdef-00", object.ErrNotFound},
	} {
		if err := s.Parent(t.Context(), test.session); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = s.LoadIndex(t.Context())
	b.must(err)
	if err := s.Parent(t.Context(), kept.Name()); err == nil {
		t.Error("a parent is chosen after the index was read")
	}
	b.must(s.Abandon(t.Context(), "test"))
}

// TestRecords has a condemned pack masked until a decision gives it back.
func TestRecords(t *testing.T) {
	b := newBench(t, object.NewMem())
	b.save(noise(1, 1000))
	pack := b.reader(b.repo)
	at, err := pack.Locate(b.repo.Keys().ChunkID(format.KindData, noise(1, 1000)))
	b.must(err)
	name, err := b.repo.WriteRecord(t.Context(), &format.Record{Kind: format.RecordPrune, CondemnedPacks: []format.PackName{at.Pack.Name}})
	b.must(err)
	s := b.begin(b.repo)
	if fresh := b.add(s, noise(1, 1000)); fresh != 1 {
		t.Error("a session relies on a condemned pack")
	}
	b.must(s.Settle(t.Context(), &format.Decision{Record: name}))
	other := b.begin(b.repo)
	// Whoever comes second adopts what is decided.
	b.must(other.Settle(t.Context(), &format.Decision{Record: name, DroppedPacks: []format.PackName{at.Pack.Name}}))
	records, err := b.repo.ReadRecords(t.Context())
	b.must(err)
	if len(records.Masked()) != 0 || len(records.Dropped()) != 0 || len(records.Prunes) != 1 || records.Prunes[0].Decision == nil {
		t.Errorf("%+v", records)
	}
	b.must(errors.Join(s.Abandon(t.Context(), "test"), other.Abandon(t.Context(), "test")))
}

// TestMasks says what records mean together.
func TestMasks(t *testing.T) {
	pack := func(n byte) format.PackName { return format.PackName{Kind: format.KindData, Hash: format.ID{n}} }
	packs := func(set map[format.PackName]bool) (list []byte) {
		for name := range set {
			list = append(list, name.Hash[0])
		}
		slices.Sort(list)
		return list
	}
	records := &repo.Records{
		Prunes: []repo.PruneRecord{
			{Record: format.Record{CondemnedPacks: []format.PackName{pack(1), pack(2)}, Forgotten: []string{"one"}}},
			{
				Record:   format.Record{CondemnedPacks: []format.PackName{pack(2), pack(3), pack(4)}, Forgotten: []string{"two"}},
				Decision: &format.Decision{DroppedPacks: []format.PackName{pack(3)}},
			},
		},
		Damages: []repo.DamageRecord{{Record: format.Record{DamagedPacks: []format.PackName{pack(5)}, DamagedChunks: []format.ID{{7}}}}},
	}
	if got := packs(records.Masked()); !slices.Equal(got, []byte{1, 2, 3, 5}) {
		t.Errorf("masked %v", got)
	}
	if got := packs(records.Dropped()); !slices.Equal(got, []byte{3}) {
		t.Errorf("dropped %v", got)
	}
	if got := packs(records.DamagedPacks()); !slices.Equal(got, []byte{5}) {
		t.Errorf("damaged %v", got)
	}
	if f := records.Forgotten(); !f["one"] || !f["two"] || len(f) != 2 {
		t.Errorf("forgotten %v", f)
	}
	if s := records.Settled(); s["one"] || !s["two"] {
		t.Errorf("settled %v", s)
	}
	if c := records.DamagedChunks(); len(c) != 1 || !c[format.ID{7}] {
		t.Errorf("damaged chunks %v", c)
	}
}

// TestUnreadableRecord has a record that may say anything: nobody goes on.
func TestUnreadableRecord(t *testing.T) {
	for name, harm := range map[string]func(b *bench, record string){
		"altered": func(b *bench, record string) { b.flip(record, 100) },
		"empty":   func(b *bench, record string) { b.put(record, nil) },
		"moved":   func(b *bench, record string) { b.put(record[:len(record)-1]+"0", b.get(record)) },
		"another host's": func(b *bench, _ string) {
			forged := "g/0123456789abcdef-00000000000000000000000000000000"
			body, err := b.repo.Keys().SealRecord(format.KindRecord, forged, (&format.Record{Kind: format.RecordPrune}).Append(nil))
			b.must(err)
			b.put(forged, body)
		},
		"another kind": func(b *bench, record string) { b.put(record, b.get(b.names("s/")[0])) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, object.NewMem())
			b.save()
			record, err := b.repo.WriteRecord(t.Context(), &format.Record{Kind: format.RecordPrune, Time: 5})
			b.must(err)
			if strings.HasSuffix(record, "0") {
				t.Skip("the name is what it is to be moved to")
			}
			harm(b, record)
			r := b.open(b.store, owner)
			if _, err := r.ReadRecords(t.Context()); !repo.IsDamage(err) && !errors.Is(err, seal.ErrUntrusted) {
				t.Errorf("read: %v", err)
			}
			if _, err := r.Begin(t.Context(), repo.SessionOptions{}); err == nil {
				t.Error("a session begins")
			}
		})
	}
}
