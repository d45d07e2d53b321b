package repo_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/seal"
)

// parties is a repository with an owner and machines of other roles, each with a cache
// of its own.
type parties struct {
	*bench
	writer, other, maintainer *repo.Repository
}

func newParties(t *testing.T) *parties {
	t.Helper()
	b := newBench(t, object.NewMem())
	member := func(n byte, role format.Role) *repo.Repository {
		secret := seal.Secret{Key: &[32]byte{n}}
		_, err := b.repo.AddSlot(t.Context(), role, repo.NewSlot{Secret: secret})
		b.must(err)
		return b.open(b.store, secret)
	}
	return &parties{b, member(2, format.RoleWriter), member(3, format.RoleWriter), member(4, format.RoleMaintainer)}
}

// stored stores chunks as a host and commits them.
func (p *parties) stored(as *repo.Repository, chunks ...[]byte) {
	p.Helper()
	s := p.begin(as)
	p.add(s, chunks...)
	_, err := s.Commit(p.Context(), &format.Manifest{})
	p.must(err)
}

// builds reports whether a session of a host, that trusts as policy says, builds on a
// stored chunk.
func (p *parties) builds(as *repo.Repository, policy repo.Trust, chunk []byte) bool {
	p.Helper()
	s, err := as.Begin(p.Context(), repo.SessionOptions{Trust: policy})
	p.must(err)
	defer func() { p.must(s.Abandon(p.Context(), "test")) }()
	_, err = s.LoadIndex(p.Context())
	p.must(err)
	has, err := s.Has(as.Keys().ChunkID(format.KindData, chunk))
	p.must(err)
	inherits := s.MayInherit()
	if inherits != nil && inherits(as.Keys().ChunkID(format.KindData, chunk)) != has {
		p.Error("a chunk is built on and not taken over, or the other way round")
	}
	return has
}

// poison has a host list a chunk at a place of others, in their pack or its own, and say
// that the pack is theirs.
func (p *parties) poison(as *repo.Repository, chunk, at []byte, author format.Host) string {
	p.Helper()
	place, err := p.reader(p.repo).Locate(p.repo.Keys().ChunkID(format.KindData, at))
	p.must(err)
	info := *place.Pack
	info.Host = author
	b := index.NewBuilder()
	b.AddPack(info, []index.PackEntry{{
		ID: p.repo.Keys().ChunkID(format.KindData, chunk).Short(), BlockOffset: place.BlockOffset,
		BlockLength: place.BlockLength, ChunkOffset: place.ChunkOffset,
	}})
	name, body, err := b.Seal(as.Keys(), nil, as.Now())
	p.must(err)
	p.put(name, body)
	return name
}

func (p *parties) records() *repo.Records {
	p.Helper()
	records, err := p.repo.ReadRecords(p.Context())
	p.must(err)
	return records
}

// compact merges all segments into one as a host.
func (p *parties) compact(as *repo.Repository) {
	p.Helper()
	inputs, err := as.SegmentNames(p.Context())
	p.must(err)
	rd := p.reader(as)
	p.must(rd.View().Compact(p.Context(), as.Keys(), inputs, nil, as.Now().Add(time.Second), func(name string, body []byte) error {
		p.put(name, body)
		return nil
	}))
	p.must(p.store.Delete(p.Context(), inputs...))
}

// TestTrustPolicies has each policy build on what it says.
func TestTrustPolicies(t *testing.T) {
	p := newParties(t)
	own, foreign, vetted := noise(1, 1000), noise(2, 1000), noise(3, 1000)
	p.stored(p.other, own)
	p.stored(p.writer, foreign)
	segments := len(p.names("x/"))
	p.stored(p.writer, vetted)
	at, err := p.reader(p.repo).Locate(p.repo.Keys().ChunkID(format.KindData, vetted))
	p.must(err)
	record := format.Record{Kind: format.RecordVetting, VettedPacks: []format.PackName{at.Pack.Name}, VettedSegments: p.names("x/")}
	if len(record.VettedSegments) != segments+1 {
		t.Fatalf("%d segments", len(record.VettedSegments))
	}
	_, err = p.maintainer.WriteRecord(t.Context(), &record)
	p.must(err)
	if p.builds(p.other, repo.TrustVetted, vetted) {
		t.Error("a maintainer, who cannot read content, vetted it")
	}
	_, err = p.repo.WriteRecord(t.Context(), &record)
	p.must(err)
	for round := range 2 {
		for policy, want := range map[repo.Trust][3]bool{
			repo.TrustAll: {true, true, true}, repo.TrustVetted: {true, false, round == 0}, repo.TrustOwn: {true, false, false},
		} {
			got := [3]bool{p.builds(p.other, policy, own), p.builds(p.other, policy, foreign), p.builds(p.other, policy, vetted)}
			if got != want {
				t.Errorf("round %d, policy %d builds on own, foreign and vetted chunks: %v, want %v", round, policy, got, want)
			}
		}
		p.compact(p.maintainer) // after which nobody vetted the segment, and all else is known as before
	}
}

// TestVettingCoversNoLaterWord has a host list more chunks in a pack of which another
// segment was vetted.
func TestVettingCoversNoLaterWord(t *testing.T) {
	p := newParties(t)
	right, never := noise(1, 1000), noise(2, 1000)
	p.stored(p.writer, right)
	at, err := p.reader(p.repo).Locate(p.repo.Keys().ChunkID(format.KindData, right))
	p.must(err)
	_, err = p.repo.WriteRecord(t.Context(), &format.Record{
		Kind: format.RecordVetting, VettedPacks: []format.PackName{at.Pack.Name}, VettedSegments: p.names("x/"),
	})
	p.must(err)
	p.poison(p.writer, never, right, p.writer.Keys().Host())
	if !p.builds(p.other, repo.TrustVetted, right) || p.builds(p.other, repo.TrustVetted, never) {
		t.Error("what was vetted does not count, or what was not does")
	}
	if !p.builds(p.other, repo.TrustAll, never) {
		t.Error("the poisoned index does not do what this test is about")
	}
}

// TestDistrust masks what a host listed, wherever, however often it is merged, and nothing
// else; and it can be undone.
func TestDistrust(t *testing.T) {
	p := newParties(t)
	theirs, his, hidden, false1, false2 := noise(1, 1000), noise(2, 1000), noise(3, 1000), noise(4, 1000), noise(5, 1000)
	p.stored(p.other, theirs)
	p.stored(p.writer, his, hidden)
	owner := p.other.Keys().Host()
	p.poison(p.writer, false1, his, p.writer.Keys().Host())
	p.poison(p.writer, false2, theirs, owner) // in a pack of the other host, said to be the other's word
	checks := func(when string, trusted bool) {
		t.Helper()
		for name, chunk := range map[string][]byte{"his": his, "hidden": hidden, "false in his pack": false1, "false in their pack": false2} {
			if got := p.builds(p.other, repo.TrustAll, chunk); got != trusted {
				t.Errorf("%s: a chunk %s is built on: %v", when, name, got)
			}
		}
		if !p.builds(p.other, repo.TrustAll, theirs) {
			t.Errorf("%s: their own chunk is not built on", when)
		}
	}
	checks("at first", true)
	host := p.writer.Keys().Host()
	_, err := p.maintainer.Distrust(t.Context(), host, "test")
	p.must(err)
	checks("distrusted", false)
	p.compact(p.repo)
	checks("distrusted and merged", false)
	p.compact(p.maintainer)
	checks("distrusted and merged twice", false)

	s := p.begin(p.other)
	if n := p.add(s, his, theirs); n != 1 {
		t.Errorf("%d chunks are stored again, want the distrusted one", n)
	}
	_, err = s.Commit(t.Context(), &format.Manifest{})
	p.must(err)
	if !p.builds(p.other, repo.TrustAll, his) {
		t.Error("what was stored anew is not built on")
	}

	_, err = p.maintainer.Retrust(t.Context(), p.records(), host, "test")
	p.must(err)
	checks("trusted again", true)
}

// TestDistrustedHostFindsItsOwn has a distrusted host store a chunk once in a session.
func TestDistrustedHostFindsItsOwn(t *testing.T) {
	p := newParties(t)
	chunk := noise(1, 1000)
	p.stored(p.writer, chunk)
	_, err := p.repo.Distrust(t.Context(), p.writer.Keys().Host(), "test")
	p.must(err)
	s := p.begin(p.writer)
	if n := p.add(s, chunk); n != 1 {
		t.Errorf("%d chunks are new, want it stored again", n)
	}
	p.must(s.Flush(t.Context()))
	if n := p.add(s, chunk); n != 0 {
		t.Errorf("%d chunks are new, though the session has just stored it", n)
	}
	p.must(s.Abandon(t.Context(), "test"))
}

// TestDistrustByRank has an owner's word stand against a maintainer, and nobody distrust
// itself.
func TestDistrustByRank(t *testing.T) {
	p := newParties(t)
	p.stored(p.writer, noise(1, 1000))
	host := p.writer.Keys().Host()
	name, err := p.repo.Distrust(t.Context(), host, "test")
	p.must(err)
	if _, err := p.maintainer.Retrust(t.Context(), p.records(), host, ""); !errors.Is(err, repo.ErrOwnersWord) {
		t.Errorf("a maintainer takes back what an owner said: %v", err)
	}
	_, err = p.maintainer.WriteRecord(t.Context(), &format.Record{Kind: format.RecordDistrust, Withdrawn: []string{name}})
	p.must(err)
	if p.records().Distrusted()[host] == nil {
		t.Error("a maintainer's record took back what an owner said")
	}
	if _, err := p.repo.Distrust(t.Context(), p.repo.Keys().Host(), ""); !errors.Is(err, repo.ErrOwnKey) {
		t.Errorf("a host distrusts itself: %v", err)
	}
	if _, err := p.writer.Distrust(t.Context(), p.other.Keys().Host(), ""); !errors.Is(err, seal.ErrRole) {
		t.Errorf("a writer distrusts: %v", err)
	}
}

// TestDistrustedMaintainer has what a distrusted maintainer merged, vetted or moved count no more.
func TestDistrustedMaintainer(t *testing.T) {
	p := newParties(t)
	chunk := noise(1, 1000)
	p.stored(p.writer, chunk)
	p.compact(p.maintainer)
	if !p.builds(p.other, repo.TrustAll, chunk) {
		t.Fatal("the merged segment says nothing")
	}
	_, err := p.repo.Distrust(t.Context(), p.maintainer.Keys().Host(), "test")
	p.must(err)
	if p.builds(p.other, repo.TrustAll, chunk) {
		t.Error("the word of a distrusted maintainer counts")
	}
}

// TestParentOfDistrusted has no session inherit from a snapshot of a host that it does
// not trust: what that says of unchanged files would be believed unread.
func TestParentOfDistrusted(t *testing.T) {
	p := newParties(t)
	s := p.begin(p.writer)
	_, err := s.Commit(t.Context(), &format.Manifest{})
	p.must(err)
	parent := func(policy repo.Trust, as *repo.Repository) error {
		t.Helper()
		heir, err := as.Begin(t.Context(), repo.SessionOptions{Trust: policy})
		p.must(err)
		defer func() { p.must(heir.Abandon(t.Context(), "test")) }()
		return heir.Parent(t.Context(), s.Name())
	}
	p.must(parent(repo.TrustAll, p.other))
	p.must(parent(repo.TrustOwn, p.writer))
	for _, policy := range []repo.Trust{repo.TrustVetted, repo.TrustOwn} {
		if err := parent(policy, p.other); !errors.Is(err, object.ErrNotFound) {
			t.Errorf("policy %d inherits from another host: %v", policy, err)
		}
	}
	_, err = p.repo.Distrust(t.Context(), p.writer.Keys().Host(), "test")
	p.must(err)
	if err := parent(repo.TrustAll, p.other); !errors.Is(err, object.ErrNotFound) {
		t.Errorf("a session inherits from a distrusted host: %v", err)
	}
}

// TestReaderPrefersTrusted reads a chunk where a trusted host has it, and tells when only a
// distrusted one does.
func TestReaderPrefersTrusted(t *testing.T) {
	p := newParties(t)
	chunk, only := noise(1, 1000), noise(2, 1000)
	p.stored(p.writer, chunk, only)
	_, err := p.repo.Distrust(t.Context(), p.writer.Keys().Host(), "test")
	p.must(err)
	p.stored(p.other, chunk)
	rd := p.reader(p.repo)
	for want, content := range [][]byte{chunk, only} {
		at, err := rd.Locate(p.repo.Keys().ChunkID(format.KindData, content))
		p.must(err)
		if at.Doubted != (want == 1) || rd.Doubted() != uint64(want) {
			t.Errorf("chunk %d: doubted %v, %d in all", want, at.Doubted, rd.Doubted())
		}
		got, err := rd.Chunk(t.Context(), format.KindData, p.repo.Keys().ChunkID(format.KindData, content), uint32(len(content)))
		p.must(err)
		if !bytes.Equal(got, content) {
			t.Errorf("chunk %d reads as another", want)
		}
	}
}

// TestMovedKeepsAuthor has blocks that a maintainer moves stay their authors'.
func TestMovedKeepsAuthor(t *testing.T) {
	p := newParties(t)
	his, theirs := noise(1, 1000), noise(2, 1000)
	p.stored(p.writer, his)
	p.stored(p.other, theirs)
	rd := p.reader(p.repo)
	var old []*format.PackInfo
	s := p.begin(p.maintainer)
	for _, chunk := range [][]byte{his, theirs} {
		at, err := rd.Locate(p.repo.Keys().ChunkID(format.KindData, chunk))
		p.must(err)
		old = append(old, at.Pack)
		p.must(s.CopyBlocks(t.Context(), at.Pack, []repo.BlockAt{{Offset: at.BlockOffset, Length: at.BlockLength}}))
	}
	p.must(s.Flush(t.Context()))
	p.must(s.Abandon(t.Context(), "test"))
	hosts := map[format.Host]int{}
	for info := range p.reader(p.repo).View().Packs() {
		if info.Name.Kind == format.KindData && info.Name != old[0].Name && info.Name != old[1].Name {
			hosts[info.Host]++
			footer, err := p.repo.ReadFooter(t.Context(), info.Name, int64(info.Size))
			p.must(err)
			if author := repo.AuthorOf(footer); author != info.Host {
				t.Errorf("the footer says that %s answers for %s, the index says %s", author, info.Name, info.Host)
			}
		}
	}
	if len(hosts) != 2 || hosts[p.writer.Keys().Host()] != 1 || hosts[p.other.Keys().Host()] != 1 {
		t.Errorf("moved packs by author: %v", hosts)
	}
	_, err := p.repo.Distrust(t.Context(), p.writer.Keys().Host(), "test")
	p.must(err)
	if p.builds(p.other, repo.TrustAll, his) || !p.builds(p.other, repo.TrustAll, theirs) {
		t.Error("the moved copy hides who wrote it, or takes others along")
	}
}

// TestHosts counts who stored what.
func TestHosts(t *testing.T) {
	p := newParties(t)
	p.stored(p.writer, noise(1, 1000))
	_, err := p.repo.Distrust(t.Context(), p.writer.Keys().Host(), "its disk fails")
	p.must(err)
	hosts, err := p.repo.Hosts(t.Context(), p.records())
	p.must(err)
	if len(hosts) != 2 {
		t.Fatalf("%d hosts: %+v", len(hosts), hosts)
	}
	for _, h := range hosts {
		switch {
		case h.Own:
			if h.Role != format.RoleOwner || h.Records != 1 || h.Distrusted != nil || h.Packs != 0 {
				t.Errorf("own: %+v", h)
			}
		case h.Role != format.RoleWriter || h.Snapshots != 1 || h.Segments != 1 || h.Packs != 2 || h.Distrusted == nil:
			t.Errorf("writer: %+v", h)
		}
	}
	found, err := repo.FindHost(hosts, p.writer.Keys().Host().String()[:6])
	if err != nil || found.Host != p.writer.Keys().Host() {
		t.Errorf("%v, %v", found, err)
	}
	for _, word := range []string{"", "zz"} {
		if _, err := repo.FindHost(hosts, word); !errors.Is(err, repo.ErrNoHost) {
			t.Errorf("%q: %v", word, err)
		}
	}
}
