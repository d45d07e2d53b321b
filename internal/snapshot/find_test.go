package snapshot

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"firn/internal/format"
)

// made returns a snapshot whose ID begins with a number in hex.
func made(id uint32, started int64, host string, sources ...string) *Snapshot {
	s := &Snapshot{Hash: format.ID{byte(id)}}
	s.Session, s.Started, s.Host = fmt.Sprintf("0123456789abcdef-%08x%024d", id, 0), started, host
	for _, source := range sources {
		s.Sources = append(s.Sources, []byte(source))
	}
	s.SourceKey = SourceKey(host, s.Sources)
	return s
}

var (
	etcOld = made(0xaaaa0001, 10, "alpha", "/etc")
	etcNew = made(0xaaaa0002, 20, "alpha", "/etc")
	home   = made(0xbbbb0001, 30, "alpha", "/home", "/srv")
	other  = made(0xcccc0001, 40, "beta", "/etc")
	some   = &Set{Snapshots: []*Snapshot{etcOld, etcNew, home, other}}
)

func TestFind(t *testing.T) {
	tests := []struct {
		words string
		want  *Snapshot
		err   error
	}{
		{"latest", other, nil},
		{"latest:/etc", other, nil},
		{"latest:/home", home, nil},
		{"latest:/home/", home, nil},
		{"latest:/srv/x/..", home, nil},
		{"latest:alpha", home, nil},
		{"latest:beta", other, nil},
		{"latest:/nowhere", nil, ErrNotFound},
		{"latest:", nil, ErrNotFound},
		{etcOld.ID(), etcOld, nil},
		{etcOld.Short(), etcOld, nil},
		{"b", home, nil},
		{"aaaa0002", etcNew, nil},
		{"aaaa", nil, ErrAmbiguous},
		{"a", nil, ErrAmbiguous},
		{home.Session, home, nil},
		{"0123456789abcdef", nil, ErrNotFound}, // the host's part of a session is no ID
		{"dddd", nil, ErrNotFound},
		{home.ID() + "0", nil, ErrNotFound},
		{"", nil, ErrNotFound},
		{"Latest", nil, ErrNotFound},
	}
	for _, test := range tests {
		got, err := some.Find(test.words)
		if !errors.Is(err, test.err) || (err == nil) != (test.err == nil) || got != test.want {
			t.Errorf("Find(%q) = %v, %v; want %v, %v", test.words, got, err, test.want, test.err)
		}
	}
	if got, err := new(Set).Find("latest"); got != nil || !errors.Is(err, ErrNotFound) {
		t.Errorf("latest of none: %v, %v", got, err)
	}
}

func TestForgottenIsNotFound(t *testing.T) {
	set := &Set{Snapshots: []*Snapshot{etcOld}, Forgotten: []*Snapshot{other}}
	for _, words := range []string{other.ID(), "latest:beta"} {
		if got, err := set.Find(words); !errors.Is(err, ErrNotFound) {
			t.Errorf("Find(%q) = %v, %v", words, got, err)
		}
	}
	if got, err := set.Find("latest"); got != etcOld {
		t.Errorf("latest: %v, %v", got, err)
	}
}

func TestNames(t *testing.T) {
	if len(home.ID()) != 32 || home.Short() != "bbbb0001" || ID(home.Session) != home.ID() {
		t.Errorf("ID %q, short %q", home.ID(), home.Short())
	}
	if home.Time().UnixNano() != 30 {
		t.Errorf("time %v", home.Time())
	}
}

// TestSourceKey has no two sources share a key by how they are put together.
func TestSourceKey(t *testing.T) {
	keys := map[[16]byte]string{}
	for _, source := range []struct {
		host    string
		sources []string
	}{
		{"alpha", nil}, {"alpha", []string{""}}, {"alpha", []string{"/etc"}}, {"beta", []string{"/etc"}},
		{"alpha", []string{"/etc", "/home"}}, {"alpha", []string{"/home", "/etc"}}, {"alpha", []string{"/etc\x00/home"}},
		{"alpha\x00/etc", nil}, {"alpha", []string{"/etc\x005\x00/home"}},
	} {
		s := made(0, 0, source.host, source.sources...)
		name := fmt.Sprintf("%q %q", source.host, source.sources)
		if before, taken := keys[s.SourceKey]; taken {
			t.Errorf("%s and %s have the same key", before, name)
		}
		keys[s.SourceKey] = name
		if again := SourceKey(source.host, s.Sources); again != s.SourceKey {
			t.Errorf("%s has two keys", name)
		}
	}
}

func TestOf(t *testing.T) {
	if got := some.Of(etcOld.SourceKey); !slices.Equal(got, []*Snapshot{etcOld, etcNew}) {
		t.Errorf("%v", got)
	}
	if got := some.Of([16]byte{9}); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// TestHeads has two runs that did not know each other fork a chain, and a third join it.
func TestHeads(t *testing.T) {
	named := func(s *Snapshot, previous ...*Snapshot) *Snapshot {
		next := *s
		for _, p := range previous {
			next.Previous = append(next.Previous, format.Head{Session: p.Session, Manifest: p.Hash})
		}
		return &next
	}
	first := made(1, 1, "alpha", "/etc")
	left, right := named(made(2, 2, "alpha", "/etc"), first), named(made(3, 3, "alpha", "/etc"), first)
	join := named(made(4, 4, "alpha", "/etc"), left, right)
	sessions := func(heads []format.Head) (names []string) {
		for _, h := range heads {
			names = append(names, ID(h.Session)[:8])
		}
		return names
	}
	for name, test := range map[string]struct {
		set  []*Snapshot
		want []string
	}{
		"none":                 {nil, nil},
		"one":                  {[]*Snapshot{first}, []string{"00000001"}},
		"a fork":               {[]*Snapshot{first, left, right}, []string{"00000002", "00000003"}},
		"joined":               {[]*Snapshot{first, left, right, join}, []string{"00000004"}},
		"the first is gone":    {[]*Snapshot{left, right}, []string{"00000002", "00000003"}},
		"others do not matter": {[]*Snapshot{first, other, home}, []string{"00000001"}},
	} {
		set := &Set{Snapshots: test.set}
		if got := sessions(set.Heads(first.SourceKey)); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v instead of %v", name, got, test.want)
		}
	}
	got := sessions(some.HeadsOfOthers(home.SourceKey))
	if want := []string{"aaaa0002", "cccc0001"}; !slices.Equal(got, want) {
		t.Errorf("heads of others: %v instead of %v", got, want)
	}
}
