package repo_test

import (
	"math/rand/v2"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/seal"
)

var owner = seal.Secret{Key: &[32]byte{1}}

// bench is a repository on a drive in memory.
type bench struct {
	*testing.T
	store object.Store
	repo  *repo.Repository
}

func newBench(t *testing.T, store object.Store) *bench {
	t.Helper()
	r, err := repo.Create(t.Context(), store, repo.CreateOptions{Slots: []repo.NewSlot{{Secret: owner, Label: "first"}}, Cache: t.TempDir()})
	b := &bench{t, store, r}
	b.must(err)
	t.Cleanup(func() { b.must(r.Close()) })
	return b
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// open opens the repository through a drive, with an empty cache.
func (b *bench) open(store object.Store, secret seal.Secret) *repo.Repository {
	b.Helper()
	r, err := repo.Open(b.Context(), store, repo.OpenOptions{Secret: secret})
	b.must(err)
	b.Cleanup(func() { b.must(r.Close()) })
	return r
}

// begin begins a session that is ready to write.
func (b *bench) begin(r *repo.Repository) *repo.Session {
	b.Helper()
	s, err := r.Begin(b.Context(), repo.SessionOptions{Writer: repo.WriterOptions{PackSize: 1 << 20, MetaPackSize: 1 << 20}})
	b.must(err)
	_, err = s.LoadIndex(b.Context())
	b.must(err)
	return s
}

// noise returns n bytes that follow from a number.
func noise(number, n int) []byte {
	body := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(number), byte(number >> 8)}).Read(body)
	return body
}

// add stores chunks in a session and says how many were new.
func (b *bench) add(s *repo.Session, chunks ...[]byte) (fresh int) {
	b.Helper()
	w := s.NewBlockWriter(format.KindData)
	for _, chunk := range chunks {
		_, isNew, err := w.Add(b.Context(), chunk)
		b.must(err)
		if isNew {
			fresh++
		}
	}
	b.must(w.Flush(b.Context()))
	return fresh
}

// save commits an empty snapshot beside which chunks are stored.
func (b *bench) save(chunks ...[]byte) *repo.Session {
	b.Helper()
	s := b.begin(b.repo)
	b.add(s, chunks...)
	_, err := s.Commit(b.Context(), &format.Manifest{})
	b.must(err)
	return s
}

// reader returns a reader of the repository as it is now.
func (b *bench) reader(r *repo.Repository) *repo.Reader {
	b.Helper()
	rd, bad, err := r.NewReader(b.Context())
	b.must(err)
	if len(bad) > 0 {
		b.Fatal(bad[0])
	}
	b.Cleanup(func() { b.must(rd.Close()) })
	return rd
}

func (b *bench) names(prefix string) (names []string) {
	b.Helper()
	for info, err := range b.store.List(b.Context(), prefix) {
		b.must(err)
		names = append(names, info.Name)
	}
	return names
}

func (b *bench) get(name string) []byte {
	b.Helper()
	body, _, err := b.store.Get(b.Context(), name, 1<<30)
	b.must(err)
	return body
}

func (b *bench) put(name string, body []byte) {
	b.Helper()
	_, err := b.store.Put(b.Context(), name, body, object.PutOptions{})
	b.must(err)
}

// flip inverts a bit of an object.
func (b *bench) flip(name string, at int) {
	b.Helper()
	body := b.get(name)
	body[at] ^= 0x10
	b.put(name, body)
}
