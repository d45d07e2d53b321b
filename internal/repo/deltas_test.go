package repo

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

// deltaFixture is a repository that is written to night after night.
type deltaFixture struct {
	t      *testing.T
	store  object.Store
	secret seal.Secret
	cache  string
	time   time.Time
	writer WriterOptions
	repo   *Repository
}

func newDeltaFixture(t *testing.T) *deltaFixture {
	t.Helper()
	f := &deltaFixture{
		t: t, store: object.NewMem(), secret: seal.Secret{Key: &[32]byte{3}}, cache: t.TempDir(), time: time.Now(),
		writer: WriterOptions{PackSize: 4 << 20, Compression: CompressFastest},
	}
	r, err := Create(t.Context(), f.store, CreateOptions{Slots: []NewSlot{{Secret: f.secret}}, Cache: f.cache, Now: f.now})
	if err != nil {
		t.Fatal(err)
	}
	f.repo = r
	t.Cleanup(func() { f.close(f.repo) })
	return f
}

func (f *deltaFixture) now() time.Time { return f.time }

func (f *deltaFixture) close(c io.Closer) {
	f.t.Helper()
	if err := c.Close(); err != nil {
		f.t.Error(err)
	}
}

// open opens the repository once more.
func (f *deltaFixture) open(secret seal.Secret, cache string) *Repository {
	f.t.Helper()
	r, err := Open(f.t.Context(), f.store, OpenOptions{Secret: secret, Cache: cache, Now: f.now})
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// reopen goes on as the next process, a day later.
func (f *deltaFixture) reopen() {
	f.t.Helper()
	f.close(f.repo)
	f.time = f.time.Add(24 * time.Hour)
	f.repo = f.open(f.secret, f.cache)
}

// begin begins a session.
func (f *deltaFixture) begin() *Session {
	f.t.Helper()
	s, err := f.repo.Begin(f.t.Context(), SessionOptions{Writer: f.writer})
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := s.LoadIndex(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	return s
}

// add adds a chunk of a file that changed.
func (f *deltaFixture) add(b *BlockWriter, chunk []byte) format.ID {
	f.t.Helper()
	id, _, err := b.AddLarge(f.t.Context(), chunk, &Origin{Changing: true})
	if err != nil {
		f.t.Fatal(err)
	}
	return id
}

func (f *deltaFixture) commit(s *Session) {
	f.t.Helper()
	if _, err := s.Commit(f.t.Context(), &format.Manifest{}); err != nil {
		f.t.Fatal(err)
	}
}

// night stores chunks in a session of their own.
func (f *deltaFixture) night(chunks ...[]byte) (ids []format.ID) {
	f.t.Helper()
	s := f.begin()
	b := s.NewBlockWriter(format.KindData)
	for _, chunk := range chunks {
		ids = append(ids, f.add(b, chunk))
	}
	f.commit(s)
	return ids
}

// placed is a block as its pack's footer describes it.
type placed struct {
	format.Block
	at   format.BaseRef
	info *format.PackInfo
}

// blocks returns the blocks of all data packs, by their place.
func (f *deltaFixture) blocks() map[format.BaseRef]placed {
	f.t.Helper()
	rd := f.reader(f.repo)
	defer f.close(rd)
	all := map[format.BaseRef]placed{}
	for info := range rd.View().Packs() {
		if info.Name.Kind != format.KindData {
			continue
		}
		footer, err := f.repo.ReadFooter(f.t.Context(), info.Name, int64(info.Size))
		if err != nil {
			f.t.Fatal(err)
		}
		for _, b := range footer.Blocks {
			at := format.BaseRef{Pack: info.Name.Hash, Offset: b.Offset, Length: b.Length}
			all[at] = placed{b, at, info}
		}
	}
	return all
}

func (f *deltaFixture) reader(r *Repository) *Reader {
	f.t.Helper()
	rd, bad, err := r.NewReader(f.t.Context())
	if err != nil || len(bad) > 0 {
		f.t.Fatal(err, bad)
	}
	return rd
}

// block returns the block a chunk was stored in last.
func (f *deltaFixture) block(id format.ID) placed {
	f.t.Helper()
	for _, b := range f.blocks() {
		if b.IDs[0] == id {
			return b
		}
	}
	f.t.Fatalf("no block has chunk %x", id[:8])
	return placed{}
}

// wantChunks reads chunks, through the cache at hand and through an empty one.
func (f *deltaFixture) wantChunks(ids []format.ID, chunks [][]byte) {
	f.t.Helper()
	fresh := f.open(f.secret, f.t.TempDir())
	defer f.close(fresh)
	for _, r := range []*Repository{f.repo, fresh} {
		rd := f.reader(r)
		for i, id := range ids {
			got, err := rd.Chunk(f.t.Context(), format.KindData, id, uint32(len(chunks[i])))
			if err != nil || !bytes.Equal(got, chunks[i]) {
				f.t.Errorf("chunk %d: %d bytes, %v", i, len(got), err)
			}
		}
		f.close(rd)
	}
}

// cachedBases is the files of the cache of bases.
func (f *deltaFixture) cachedBases() []string {
	f.t.Helper()
	files, err := filepath.Glob(filepath.Join(f.repo.cache.dir, "bases", "*"))
	if err != nil {
		f.t.Fatal(err)
	}
	return files
}

// randomBytes is content like a disk's, on which nothing else can be made.
func randomBytes(seed uint64, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 77}).Read(b)
	return b
}

// tableRows is content like a table's; of its rows one in 200 is another in
// each version.
func tableRows(n, version int) []byte {
	var b bytes.Buffer
	for i := range n {
		v := 0
		if i%200 == version%200 {
			v = version
		}
		r := rand.New(rand.NewPCG(uint64(i), uint64(v)))
		fmt.Fprintf(&b, "%d\tname %d\t%016x\tpaid\tOak Street %d\n", i, r.IntN(9999), r.Uint64(), r.IntN(99))
	}
	return b.Bytes()
}

// overwritten is content with n stretches of 4 KiB overwritten.
func overwritten(content []byte, seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 5))
	b := bytes.Clone(content)
	for i := range n {
		copy(b[r.IntN(len(b)-4096):], randomBytes(seed*100+uint64(i)+1000, 4096))
	}
	return b
}

func TestSecondVersionIsADelta(t *testing.T) {
	for name, versions := range map[string][2][]byte{
		"disk":  {randomBytes(1, 1<<20), overwritten(randomBytes(1, 1<<20), 1, 2)},
		"rows":  {tableRows(20_000, 0), tableRows(20_000, 1)},
		"shift": {randomBytes(2, 1<<20), append([]byte("something put before it"), randomBytes(2, 1<<20)...)},
	} {
		t.Run(name, func(t *testing.T) {
			f := newDeltaFixture(t)
			first := f.night(versions[0])[0]
			f.reopen()
			second := f.night(versions[1])[0]
			a, b := f.block(first), f.block(second)
			if a.Codec == format.CodecDelta || b.Codec != format.CodecDelta || !slices.Equal(b.Bases, []format.BaseRef{a.at}) {
				t.Fatalf("codecs %d and %d, bases %v", a.Codec, b.Codec, b.Bases)
			}
			if b.Length > a.Length/20 {
				t.Errorf("the second version takes %d bytes, the first %d", b.Length, a.Length)
			}
			f.wantChunks([]format.ID{first, second}, versions[:])
		})
	}
}

// TestTwoBases: content that two chunks have together stands on both.
func TestTwoBases(t *testing.T) {
	f := newDeltaFixture(t)
	one, two := randomBytes(1, 1<<20), randomBytes(2, 1<<20)
	both := slices.Concat(one[300<<10:], two[:700<<10])
	ids := f.night(one, two)
	ids = append(ids, f.night(both)...)
	if b := f.block(ids[2]); len(b.Bases) != 2 || b.Length > 10<<10 {
		t.Errorf("bases %v, %d bytes", b.Bases, b.Length)
	}
	f.wantChunks(ids, [][]byte{one, two, both})
}

// TestTwelveVersions: however often content changes, deltas stay shallow and
// small, and packs name all that they stand on.
func TestTwelveVersions(t *testing.T) {
	f := newDeltaFixture(t)
	content := [][]byte{randomBytes(1, 1<<20), tableRows(15_000, 0)}
	var ids []format.ID
	var all [][]byte
	var size int
	for version := range 12 {
		content = [][]byte{overwritten(content[0], uint64(version), 3), tableRows(15_000, version)}
		added := f.night(content...)
		ids, all = append(ids, added...), append(all, content...)
		if version > 0 {
			for _, id := range added {
				size += int(f.block(id).Length)
			}
		}
		if version%2 == 0 {
			f.reopen()
		}
	}
	f.wantChunks(ids, all)
	blocks := f.blocks()
	deepest := 0
	for at := range blocks {
		deepest = max(deepest, depthOf(t, blocks, at))
	}
	if deepest > format.MaxDeltaDepth || deepest < 2 {
		t.Errorf("deltas are %d deep", deepest)
	}
	if whole := int(blocks[f.block(ids[0]).at].Length + blocks[f.block(ids[1]).at].Length); size > whole {
		t.Errorf("eleven versions take %d bytes, the first %d", size, whole)
	}
	wantClosures(t, blocks)
}

func depthOf(t *testing.T, blocks map[format.BaseRef]placed, at format.BaseRef) (depth int) {
	t.Helper()
	b, ok := blocks[at]
	if !ok {
		t.Fatalf("%v is no block", at)
	}
	for _, base := range b.Bases {
		depth = max(depth, depthOf(t, blocks, base)+1)
	}
	return depth
}

// wantClosures compares what packs say they stand on with what their blocks do.
func wantClosures(t *testing.T, blocks map[format.BaseRef]placed) {
	t.Helper()
	direct := map[format.ID]map[format.ID]bool{} // packs that a pack's own blocks stand on
	infos := map[format.ID]*format.PackInfo{}
	for at, b := range blocks {
		infos[at.Pack] = b.info
		if direct[at.Pack] == nil {
			direct[at.Pack] = map[format.ID]bool{}
		}
		for _, base := range b.Bases {
			direct[at.Pack][base.Pack] = true
		}
	}
	for pack, info := range infos {
		want := map[format.ID]bool{}
		var follow func(format.ID)
		follow = func(p format.ID) {
			for base := range direct[p] {
				if !want[base] {
					want[base] = true
					follow(base)
				}
			}
		}
		follow(pack)
		if len(info.BasePacks) != len(want) || slices.ContainsFunc(info.BasePacks, func(p format.ID) bool { return !want[p] }) {
			t.Errorf("pack %x says it stands on %d packs, its blocks on %d", pack[:4], len(info.BasePacks), len(want))
		}
	}
}

// TestNoDeltas: where none are wanted, or there is no lasting cache.
func TestNoDeltas(t *testing.T) {
	for name, change := range map[string]func(f *deltaFixture){
		"compression off": func(f *deltaFixture) { f.writer.Compression = CompressOff },
		"no delta cache":  func(f *deltaFixture) { f.writer.DeltaCache = -1 },
		"temporary cache": func(f *deltaFixture) { f.cache = ""; f.reopen() },
	} {
		t.Run(name, func(t *testing.T) {
			f := newDeltaFixture(t)
			change(f)
			first, second := randomBytes(1, 1<<20), overwritten(randomBytes(1, 1<<20), 1, 1)
			ids := append(f.night(first), f.night(second)...)
			if b := f.block(ids[1]); b.Codec == format.CodecDelta || len(f.cachedBases()) > 0 {
				t.Errorf("codec %d, cached %v", b.Codec, f.cachedBases())
			}
			f.wantChunks(ids, [][]byte{first, second})
		})
	}
}

// TestWriterMakesDeltas: who cannot read packs has bases all the same.
func TestWriterMakesDeltas(t *testing.T) {
	f := newDeltaFixture(t)
	secret := seal.Secret{Key: &[32]byte{4}}
	if _, err := f.repo.AddSlot(t.Context(), format.RoleWriter, NewSlot{Secret: secret}); err != nil {
		t.Fatal(err)
	}
	owner, cache := f.repo, t.TempDir()
	versions := [][]byte{randomBytes(1, 1<<20), overwritten(randomBytes(1, 1<<20), 1, 2), overwritten(randomBytes(1, 1<<20), 2, 2)}
	var ids []format.ID
	for _, version := range versions {
		f.repo = f.open(secret, cache)
		ids = append(ids, f.night(version)...)
		f.close(f.repo)
	}
	f.repo = owner
	for i, id := range ids {
		if b := f.block(id); (b.Codec == format.CodecDelta) != (i > 0) {
			t.Errorf("version %d has codec %d", i, b.Codec)
		}
	}
	f.wantChunks(ids, versions)
}
