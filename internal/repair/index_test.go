package repair_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"firn/internal/check"
	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/object"
	"firn/internal/repair"
	"firn/internal/repo"
	"firn/internal/seal"
)

// harm is a way to damage an object.
var harms = []struct {
	name string
	do   func(t testing.TB, store object.Store, name string)
}{
	{"missing", func(t testing.TB, store object.Store, name string) { remove(t, store, name) }},
	{"cut", func(t testing.TB, store object.Store, name string) {
		body := objects(t, store)[name]
		put(t, store, name, []byte(body[:len(body)/2]))
	}},
	{"altered", func(t testing.TB, store object.Store, name string) {
		body := []byte(objects(t, store)[name])
		body[len(body)/2] ^= 1
		put(t, store, name, body)
	}},
}

// mirrorsOnly adds a metadata pack that holds nothing but mirrors, as a long backup
// makes them, and returns its name.
func (w *world) mirrorsOnly(t testing.TB) string {
	t.Helper()
	before := objects(t, w.store)
	r := open(t, w.store, owner)
	defer shut(t, r)
	s, err := r.Begin(t.Context(), repo.SessionOptions{Writer: small})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.LoadIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := s.NewBlockWriter(format.KindData)
	if _, _, err := b.Add(t.Context(), []byte("something new")); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{b.Flush(t.Context()), s.Flush(t.Context()), s.Abandon(t.Context(), "test")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range named(t, w.store, format.PrefixMeta) {
		if _, old := before[name]; !old {
			return name
		}
	}
	t.Fatal("no new metadata pack")
	return ""
}

// TestMatrix damages what can be made again in every way: afterwards the check is clean.
func TestMatrix(t *testing.T) {
	w := newWorld(t)
	segment := named(t, w.store, format.PrefixSegments)[0]
	mirrors := w.mirrorsOnly(t)
	whole := objects(t, w.store)
	for kind, name := range map[string]string{
		"root": format.RootName(1), "root copy": format.RootCopyName(1), "segment": segment, "mirror": mirrors,
	} {
		for _, harm := range harms {
			t.Run(kind+"/"+harm.name, func(t *testing.T) {
				store := storeOf(t, whole)
				harm.do(t, store, name)
				if len(inspect(t, store).Findings) == 0 {
					t.Fatal("the check finds nothing")
				}
				mend(t, store, maintainer)
				wantClean(t, store, 2)
				for _, f := range inspect(t, store).Findings {
					if f.Kind == check.Unmirrored || strings.HasPrefix(name, format.PrefixSegments) || strings.Contains(name, "firn") {
						t.Errorf("left: %s %s: %s", f.Kind, f.Object, f.Detail)
					}
				}
				again, index := mend(t, store, owner)
				if len(again.Faults)+len(index.Bad)+index.Listed+index.Mirrored+index.Written > 0 {
					t.Errorf("a second repair does something: %v, %+v", again.Faults, index)
				}
			})
		}
	}
}

// entries lists the index, without where it is written.
func entries(t testing.TB, store object.Store) map[string]bool {
	t.Helper()
	r := open(t, store, owner)
	defer shut(t, r)
	rd, bad, err := r.NewReader(t.Context())
	if err != nil || len(bad) > 0 {
		t.Fatal(err, bad)
	}
	defer shut(t, rd)
	all := map[string]bool{}
	for g, err := range rd.View().Merge(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range g.At {
			bases := slices.SortedFunc(slices.Values(at.Pack.BasePacks), func(a, b format.ID) int { return bytes.Compare(a[:], b[:]) })
			all[fmt.Sprint(g.ID, at.Pack.Name, at.Pack.Size, at.Pack.Used, bases, at.BlockOffset, at.BlockLength, at.ChunkOffset)] = true
		}
	}
	return all
}

// TestIndexFromNothing makes the whole index again.
func TestIndexFromNothing(t *testing.T) {
	w := newWorld(t)
	want := entries(t, w.store)
	remove(t, w.store, named(t, w.store, format.PrefixSegments)...)
	_, report := mend(t, w.store, maintainer)
	if report.Listed != report.Packs || report.Written != 1 || report.Mirrored != 0 {
		t.Errorf("%+v", report)
	}
	if got := entries(t, w.store); !maps.Equal(got, want) {
		t.Errorf("%d entries, want %d", len(got), len(want))
	}
	wantClean(t, w.store, 2)
}

// TestIndexOfDeltas lists packs with all that their deltas stand on, directly or not.
func TestIndexOfDeltas(t *testing.T) {
	w := newWorld(t)
	cache := t.TempDir()
	content := make([]byte, 300<<10)
	_, _ = rand.NewChaCha8([32]byte{5}).Read(content)
	for night := range 3 {
		content[1000*night]++
		r, err := repo.Open(t.Context(), w.store, repo.OpenOptions{Secret: owner, Cache: cache})
		if err != nil {
			t.Fatal(err)
		}
		s, err := r.Begin(t.Context(), repo.SessionOptions{Writer: repo.WriterOptions{PackSize: 1 << 20}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.LoadIndex(t.Context()); err != nil {
			t.Fatal(err)
		}
		b := s.NewBlockWriter(format.KindData)
		if _, _, err := b.AddLarge(t.Context(), content, &repo.Origin{Changing: true}); err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{b.Flush(t.Context()), s.Flush(t.Context()), s.Abandon(t.Context(), "test"), r.Close()} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	want, deepest := entries(t, w.store), 0
	r := open(t, w.store, owner)
	defer shut(t, r)
	rd, _, err := r.NewReader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for p := range rd.View().Packs() {
		deepest = max(deepest, len(p.BasePacks))
	}
	shut(t, rd)
	if deepest < 2 {
		t.Fatalf("no delta stands on another: %d", deepest)
	}
	remove(t, w.store, named(t, w.store, format.PrefixSegments)...)
	mend(t, w.store, owner)
	if got := entries(t, w.store); !maps.Equal(got, want) {
		t.Errorf("%d entries, want %d, or other bases", len(got), len(want))
	}
}

// TestIndexInPart has a segment that lists a part of a pack, as a merged one may.
func TestIndexInPart(t *testing.T) {
	w := newWorld(t)
	want := entries(t, w.store)
	r := open(t, w.store, owner)
	defer shut(t, r)
	rd, _, err := r.NewReader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := index.NewBuilder()
	n := 0
	for g, err := range rd.View().Merge(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range g.At {
			if n++; n%2 == 0 {
				b.AddPack(*at.Pack, []index.PackEntry{{ID: g.ID, BlockOffset: at.BlockOffset, BlockLength: at.BlockLength, ChunkOffset: at.ChunkOffset}})
			}
		}
	}
	shut(t, rd)
	name, body, err := b.Seal(r.Keys(), nil, r.Now())
	if err != nil {
		t.Fatal(err)
	}
	remove(t, w.store, named(t, w.store, format.PrefixSegments)...)
	put(t, w.store, name, body)
	mend(t, w.store, owner)
	if got := entries(t, w.store); !maps.Equal(got, want) {
		t.Errorf("%d entries, want %d", len(got), len(want))
	}
}

// TestIndexOfRevokedHosts: with all segments lost, packs of a revoked host are listed if they
// hold what they say, and what it forged since is not.
func TestIndexOfRevokedHosts(t *testing.T) {
	w := newWorld(t)
	forger := open(t, w.store, writer) // goes on with its key
	defer shut(t, forger)
	r := open(t, w.store, owner)
	if _, err := r.Rotate(t.Context(), forger.Keys().Host().String()); err != nil {
		t.Fatal(err)
	}
	shut(t, r)
	want := entries(t, w.store)
	forged := forge(t, w.store, forger)
	remove(t, w.store, named(t, w.store, format.PrefixSegments)...)
	r = open(t, w.store, owner)
	defer shut(t, r)
	report, err := repair.Index(t.Context(), r, repair.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Unread) != 1 || report.Unread[0].Name != forged {
		t.Errorf("not believed: %v, want %s", report.Unread, forged)
	}
	got := entries(t, w.store)
	for entry := range want {
		if !got[entry] {
			t.Errorf("not listed: %s", entry)
		}
	}
	if report.Mirrored == 0 || len(got) != len(want)+report.Mirrored {
		t.Errorf("%d entries, want %d and %d mirrors that are believed", len(got), len(want), report.Mirrored)
	}
	wantClean(t, w.store, 2)
}

// forge uploads a pack whose footer names chunks that are not in it.
func forge(t testing.TB, store object.Store, r *repo.Repository) string {
	t.Helper()
	section, header, err := r.Keys().NewSection(format.KindMeta)
	if err != nil {
		t.Fatal(err)
	}
	body := append(format.AppendHeader(nil, format.Header{Kind: format.KindMeta, Epoch: 1}), header...)
	block := format.Block{Offset: uint32(len(body)), Codec: format.CodecStored, IDs: []format.ID{{1, 2, 3}}, Lengths: []uint32{4}}
	body = section.SealBlock(body, &block, format.HeaderSize, format.AppendBlockContent(nil, format.CodecStored, 4, nil))
	block.Length = uint32(len(body)) - block.Offset
	return putPack(t, store, r.Keys(), body, format.Footer{
		Sections: []format.Section{{Offset: format.HeaderSize, Epoch: 1, Host: r.Keys().Host()}}, Blocks: []format.Block{block},
	})
}

// putPack completes a pack with a footer that keys sign, and puts it.
func putPack(t testing.TB, store object.Store, keys *seal.Keyring, body []byte, f format.Footer) string {
	t.Helper()
	f.Digest = sha256.Sum256(body)
	footer, err := keys.SealFooter(format.KindMeta, &f)
	if err != nil {
		t.Fatal(err)
	}
	body = append(body, footer...)
	body = format.PackTrailer{FooterLength: uint32(len(footer))}.Append(body)
	name := format.PackName{Kind: format.KindMeta, Hash: sha256.Sum256(body)}.Object()
	put(t, store, name, body)
	return name
}

func TestWhoMayRepair(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct {
		secret           seal.Secret
		index, snapshots bool
	}{{owner, true, true}, {maintainer, true, false}, {writer, false, false}} {
		r := open(t, w.store, test.secret)
		_, err := repair.Index(t.Context(), r, repair.Options{DryRun: true})
		if test.index != (err == nil) || err != nil && !errors.Is(err, repo.ErrRole) {
			t.Errorf("role %d, index: %v", r.Keys().Role(), err)
		}
		_, err = repair.Snapshots(t.Context(), r, nil, repair.Options{DryRun: true})
		if test.snapshots != (err == nil) || err != nil && !errors.Is(err, repo.ErrRole) {
			t.Errorf("role %d, snapshots: %v", r.Keys().Role(), err)
		}
		shut(t, r)
	}
}

// TestDryRun finds all there is to repair and changes nothing.
func TestDryRun(t *testing.T) {
	w := newWorld(t)
	remove(t, w.store, format.RootCopyName(1), named(t, w.store, format.PrefixData)[0])
	remove(t, w.store, named(t, w.store, format.PrefixSegments)[0])
	before := objects(t, w.store)
	r := open(t, object.ReadOnly(w.store), owner)
	defer shut(t, r)
	dry := repair.Options{DryRun: true}
	roots, err := repair.Roots(t.Context(), r, dry)
	if err != nil || len(roots.Faults) != 1 || !roots.Faults[0].Mended {
		t.Errorf("roots: %+v, %v", roots, err)
	}
	if report, err := repair.Index(t.Context(), r, dry); err != nil || report.Listed == 0 {
		t.Errorf("index: %+v, %v", report, err)
	}
	reports, err := repair.Snapshots(t.Context(), r, nil, dry)
	if err != nil || len(reports) != 2 || reports[0].Lost+reports[1].Lost == 0 || reports[0].Replaced+reports[1].Replaced != "" {
		t.Errorf("snapshots: %+v, %v", reports, err)
	}
	if !maps.Equal(before, objects(t, w.store)) {
		t.Error("a dry run changed something")
	}
}
