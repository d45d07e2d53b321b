package prune_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/prune"
	"firn/internal/repo"
	"firn/internal/seal"
	"firn/internal/snapshot"
	"firn/internal/tree"
)

var owner = seal.Secret{Key: &[32]byte{1}}

// shelf is a repository on a drive in memory. Tests that use one run in a bubble, where
// time is virtual.
type shelf struct {
	t     *testing.T
	store object.Store
	repo  *repo.Repository
}

func newShelf(t *testing.T, store object.Store) *shelf {
	t.Helper()
	r, err := repo.Create(t.Context(), store, repo.CreateOptions{Slots: []repo.NewSlot{{Secret: owner}}, Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{t: t, store: store, repo: r}
	t.Cleanup(func() { s.must(r.Close()) })
	return s
}

func (s *shelf) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// content is a chunk's bytes, which follow from a word.
func content(word string) []byte {
	var b []byte
	for i := range 40 {
		sum := sha256.Sum256(fmt.Append(nil, word, i))
		b = append(b, sum[:]...)
	}
	return b
}

func (s *shelf) id(word string) format.ID {
	return s.repo.Keys().ChunkID(format.KindData, content(word))
}

var small = repo.WriterOptions{PackSize: 256 << 10, MetaPackSize: 256 << 10}

// begin begins a session as a writer does, a little after all that was before.
func (s *shelf) begin(r *repo.Repository) *repo.Session {
	s.t.Helper()
	time.Sleep(time.Second)
	session, err := r.Begin(s.t.Context(), repo.SessionOptions{Writer: small})
	s.must(err)
	_, err = session.LoadIndex(s.t.Context())
	s.must(err)
	return session
}

// add writes files of these contents, each in a block of its own, and returns the tree.
func (s *shelf) add(session *repo.Session, words ...string) tree.Root {
	s.t.Helper()
	ctx := s.t.Context()
	blocks, pages := session.NewBlockWriter(format.KindData), session.NewPageWriter()
	root := s.repo.Keys().Root()
	builder := tree.NewBuilder(pages, tree.Shape{
		Min: int(root.PageMin), Mean: int(root.PageMean), Max: int(root.PageMax), CutKey: s.repo.Keys().PageCutKey(),
	})
	for _, word := range slices.Sorted(slices.Values(words)) {
		id, _, err := blocks.Add(ctx, content(word))
		s.must(err)
		s.must(blocks.Flush(ctx))
		size := uint64(len(content(word)))
		s.must(builder.Add(ctx, []byte(word), &format.Entry{
			Type: format.TypeFile, Mode: 0o600, Size: size, Content: []format.Piece{{Length: size, ID: id}},
		}))
	}
	made, err := builder.Finish(ctx)
	s.must(err)
	s.must(pages.Flush(ctx))
	return made
}

// save makes a snapshot and returns its session.
func (s *shelf) save(words ...string) string {
	s.t.Helper()
	session := s.begin(s.repo)
	made := s.add(session, words...)
	_, err := session.Commit(s.t.Context(), &format.Manifest{Root: made.ID, RootLength: made.Length, Sums: made.Sums})
	s.must(err)
	return session.Name()
}

func (s *shelf) forget(sessions ...string) {
	s.t.Helper()
	s.must(prune.Forget(s.t.Context(), s.repo, sessions, "test"))
}

// prune prunes and returns the report. Packs are moved only if moves is set.
func (s *shelf) prune(change func(*prune.Options)) *prune.Report {
	s.t.Helper()
	report, err := prune.Run(s.t.Context(), s.repo, options(change))
	s.must(err)
	return report
}

// options are those of a prune that deletes at once and moves nothing.
func options(change func(*prune.Options)) prune.Options {
	opts := prune.Options{Grace: -1, MaxUnused: 1, Writer: small}
	if change != nil {
		change(&opts)
	}
	return opts
}

// fresh looks at the snapshots through an empty cache.
func (s *shelf) fresh(look func(ctx context.Context, r *repo.Repository, set *snapshot.Set)) {
	s.t.Helper()
	r, err := repo.Open(s.t.Context(), s.store, repo.OpenOptions{Secret: owner})
	s.must(err)
	defer func() { s.must(r.Close()) }()
	records, err := r.ReadRecords(s.t.Context())
	s.must(err)
	set, err := snapshot.List(s.t.Context(), r, records)
	s.must(err)
	look(s.t.Context(), r, set)
}

// holds sees that there are these snapshots, whole, with these contents.
func (s *shelf) holds(want map[string][]string) {
	s.t.Helper()
	s.fresh(func(ctx context.Context, r *repo.Repository, set *snapshot.Set) {
		rd, _, err := r.NewReader(ctx)
		s.must(err)
		defer func() { s.must(rd.Close()) }()
		if len(set.Snapshots) != len(want) || len(set.Damage) > 0 {
			s.t.Errorf("%d snapshots instead of %d, %d damaged", len(set.Snapshots), len(want), len(set.Damage))
		}
		for _, snap := range set.Snapshots {
			var got []string
			for item, err := range tree.Walk(ctx, rd, snap.Tree(), nil) {
				s.must(err)
				got = append(got, string(item.Key))
				piece := item.Entry.Content[0]
				if _, err := rd.Chunk(ctx, format.KindData, piece.ID, uint32(piece.Length)); err != nil {
					s.t.Errorf("content %s: %v", item.Key, err)
				}
			}
			if !slices.Equal(got, want[snap.Session]) {
				s.t.Errorf("snapshot %s has %v instead of %v", snap.Short(), got, want[snap.Session])
			}
		}
	})
}

// names lists the objects under prefixes.
func (s *shelf) names(prefixes ...string) (names []string) {
	s.t.Helper()
	for _, prefix := range prefixes {
		for info, err := range s.store.List(s.t.Context(), prefix) {
			s.must(err)
			names = append(names, info.Name)
		}
	}
	return names
}

// records are the prune records without a decision, and with one.
func (s *shelf) records() (open, settled []string) {
	s.t.Helper()
	names := s.names(format.PrefixRecords)
	for _, name := range names {
		switch {
		case strings.HasSuffix(name, ".s"):
		case slices.Contains(names, name+".s"):
			settled = append(settled, name)
		default:
			open = append(open, name)
		}
	}
	return open, settled
}
