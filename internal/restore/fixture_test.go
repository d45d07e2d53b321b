package restore_test

import (
	"bytes"
	"context"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/restore"
	"firn/internal/seal"
	"firn/internal/target"
	"firn/internal/tree"
)

var owner = seal.Secret{Key: &[32]byte{1}}

// noise returns n bytes that follow from a number.
func noise(number, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(number), byte(number >> 8)}).Read(b)
	return b
}

// spec is an entry to be stored, and the chunks and holes of its content.
type spec struct {
	entry  format.Entry
	pieces []any // []byte: a chunk; int: a hole of that length
}

func file(pieces ...any) spec {
	return spec{format.Entry{Type: format.TypeFile, Mode: 0o600, MTime: 1}, pieces}
}

func folder() spec { return spec{format.Entry{Type: format.TypeDirectory, Mode: 0o700, MTime: 1}, nil} }

func link(to string) spec {
	return spec{format.Entry{Type: format.TypeSymlink, Mode: 0o777, MTime: 1, Target: []byte(to)}, nil}
}

// content is what the file reads.
func (s spec) content() []byte {
	var all []byte
	for _, piece := range s.pieces {
		switch piece := piece.(type) {
		case []byte:
			all = append(all, piece...)
		case int:
			all = append(all, make([]byte, piece)...)
		}
	}
	return all
}

// stock is a tree in a repository in memory.
type stock struct {
	*testing.T
	store *object.Mem
	specs map[string]spec
	root  tree.Root

	text, forged string // what stands for what in the pages
	scatter      bool   // each piece goes into a pack of its own
}

// forger writes pages with another text in them.
type forger struct {
	*repo.PageWriter
	text, forged []byte
}

func (f forger) WritePage(ctx context.Context, page []byte) (format.ID, error) {
	if len(f.text) > 0 {
		page = bytes.ReplaceAll(page, f.text, f.forged)
	}
	return f.PageWriter.WritePage(ctx, page)
}

// stow stores a tree. Files in later groups go into packs of their own.
func stow(t *testing.T, groups ...map[string]spec) *stock {
	t.Helper()
	return stowForged(t, "", "", groups...)
}

// stowForged stores a tree in whose pages one text stands for another as long.
func stowForged(t *testing.T, text, forged string, groups ...map[string]spec) *stock {
	t.Helper()
	s := &stock{T: t, store: object.NewMem(), specs: map[string]spec{}, text: text, forged: forged}
	s.fill(groups...)
	return s
}

// scatter stores a tree with each piece of its files in a pack of its own.
func scatter(t *testing.T, specs map[string]spec) *stock {
	t.Helper()
	s := &stock{T: t, store: object.NewMem(), specs: map[string]spec{}, scatter: true}
	s.fill(specs)
	return s
}

// fill makes the repository and stores all groups.
func (s *stock) fill(groups ...map[string]spec) {
	s.Helper()
	r, err := repo.Create(s.Context(), s.store, repo.CreateOptions{Slots: []repo.NewSlot{{Secret: owner}}})
	s.must(err)
	defer func() { s.must(r.Close()) }()
	for _, group := range groups {
		maps.Copy(s.specs, group)
		s.write(r, group)
	}
}

func (s *stock) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// write stores a group's content and the tree of all so far.
func (s *stock) write(r *repo.Repository, group map[string]spec) {
	s.Helper()
	ctx := s.Context()
	size := 1 << 20
	if s.scatter {
		size = 1
	}
	session, err := r.Begin(ctx, repo.SessionOptions{Writer: repo.WriterOptions{PackSize: size, MetaPackSize: 1 << 20}})
	s.must(err)
	_, err = session.LoadIndex(ctx)
	s.must(err)
	blocks, pages := session.NewBlockWriter(format.KindData), session.NewPageWriter()
	for _, key := range slices.Sorted(maps.Keys(group)) {
		spec := group[key]
		for _, piece := range spec.pieces {
			next := format.Piece{Hole: true}
			switch piece := piece.(type) {
			case []byte:
				id, _, err := blocks.Add(ctx, piece)
				s.must(err)
				next = format.Piece{Length: uint64(len(piece)), ID: id}
				if s.scatter {
					s.must(blocks.Flush(ctx))
				}
			case int:
				next.Length = uint64(piece)
			}
			spec.entry.Content = append(spec.entry.Content, next)
			spec.entry.Size += next.Length
		}
		s.specs[key] = spec
	}
	keys := r.Keys().Root()
	builder := tree.NewBuilder(forger{pages, []byte(s.text), []byte(s.forged)}, tree.Shape{
		Min: int(keys.PageMin), Mean: int(keys.PageMean), Max: int(keys.PageMax), CutKey: r.Keys().PageCutKey(),
	})
	for _, key := range slices.Sorted(maps.Keys(s.specs)) {
		entry := s.specs[key].entry
		s.must(builder.Add(ctx, []byte(key), &entry))
	}
	s.root, err = builder.Finish(ctx)
	s.must(err)
	s.must(blocks.Flush(ctx))
	s.must(pages.Flush(ctx))
	_, err = session.Commit(ctx, &format.Manifest{Root: s.root.ID, RootLength: s.root.Length, Sums: s.root.Sums})
	s.must(err)
}

// problems are what a restore tells of, by path.
type problems map[string]error

// reader opens the repository through a drive and reads it.
func (s *stock) reader(drive object.Store, use func(rd *repo.Reader)) {
	s.Helper()
	r, err := repo.Open(s.Context(), drive, repo.OpenOptions{Secret: owner})
	s.must(err)
	defer func() { s.must(r.Close()) }()
	rd, bad, err := r.NewReader(s.Context())
	s.must(err)
	defer func() { s.must(rd.Close()) }()
	if len(bad) > 0 {
		s.Fatal(bad[0])
	}
	use(rd)
}

// toDisk restores to a folder through a drive.
func (s *stock) toDisk(drive object.Store, dir string, opts restore.Options) (problems, *restore.Progress, error) {
	s.Helper()
	told := problems{}
	p := &restore.Progress{OnProblem: func(path string, err error) { told[path] = err }}
	opts.Progress = p
	var failure error
	s.reader(drive, func(rd *repo.Reader) {
		disk, err := target.NewDisk(dir, target.DiskOptions{DryRun: opts.DryRun})
		s.must(err)
		defer func() { s.must(disk.Close()) }()
		failure = restore.ToDisk(s.Context(), rd, s.root, disk, opts)
	})
	return told, p, failure
}

// compare sees that a folder holds these keys of the tree and nothing else.
func (s *stock) compare(dir string, want ...string) {
	s.Helper()
	var got []string
	s.must(filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		key := strings.TrimPrefix(path, dir+"/")
		if d.IsDir() {
			key += "/"
		}
		got = append(got, key)
		spec := s.specs[key]
		switch {
		case d.Type()&os.ModeSymlink != 0:
			to, err := os.Readlink(path)
			if err != nil || to != string(spec.entry.Target) {
				s.Errorf("%s leads to %q, %v", key, to, err)
			}
		case d.Type().IsRegular():
			content, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(content, spec.content()) {
				s.Errorf("%s has another content, %v", key, err)
			}
		}
		return nil
	}))
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.Errorf("there is %v instead of %v", got, want)
	}
}

// all lists the keys of the tree.
func (s *stock) all() []string { return slices.Collect(maps.Keys(s.specs)) }

// packOf finds the pack a chunk lies in.
func (s *stock) packOf(chunk []byte) (name string) {
	s.Helper()
	r, err := repo.Open(s.Context(), s.store, repo.OpenOptions{Secret: owner})
	s.must(err)
	id := r.Keys().ChunkID(format.KindData, chunk)
	s.must(r.Close())
	s.reader(s.store, func(rd *repo.Reader) {
		at, err := rd.Locate(id)
		s.must(err)
		name = at.Pack.Name.Object()
	})
	return name
}
