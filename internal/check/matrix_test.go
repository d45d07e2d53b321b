package check_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firn/internal/check"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/seal"
)

// history is a repository with two of every kind of object, and what its
// snapshots hold.
type history struct {
	store *object.Mem
	want  map[string]files // by snapshot, absolute paths
}

func newHistory(t testing.TB) *history {
	t.Helper()
	h := &history{store: object.NewMem(), want: map[string]files{}}
	r := create(t, h.store)
	if _, err := r.AddSlot(context.Background(), format.RoleOwner, repo.NewSlot{Secret: seal.Secret{Key: &[32]byte{8}}}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	state := someFiles()
	state.write(t, dir)
	writeSparse(t, filepath.Join(dir, "sparse"))
	var forget string
	for round := range 3 {
		change := files{
			fmt.Sprintf("mid/%d", round):        noise(uint64(5000+round), 160<<10),
			fmt.Sprintf("small/1/new%d", round): noise(uint64(6000+round), 77),
		}
		for name, content := range change {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o640); err != nil {
				t.Fatal(err)
			}
		}
		s := backUp(t, r, dir, false)
		now := files{}
		sparse, err := os.ReadFile(filepath.Join(dir, "sparse"))
		if err != nil {
			t.Fatal(err)
		}
		for name, content := range change {
			state[name] = content
		}
		for name, content := range state {
			now[filepath.Join(dir, name)] = content
		}
		now[filepath.Join(dir, "sparse")] = sparse
		h.want[s.ID()] = now
		if round == 0 {
			forget = s.Session
		}
	}
	forgetAndDrop(t, r, []string{forget}, nil)
	forgetAndDrop(t, r, []string{forget}, nil)
	return h
}

func (h *history) content(id, path string) []byte { return h.want[id][path] }

// kinds are the kinds of objects, with what check can tell of each.
var kinds = []struct {
	name   string
	choose func(name string) bool
}{
	{"root", func(n string) bool { return n == format.RootName(1) }},
	{"root copy", func(n string) bool { return n == format.RootCopyName(1) }},
	{"slot", func(n string) bool { _, err := format.ParseSlotName(n); return err == nil }},
	{"data pack", func(n string) bool { return strings.HasPrefix(n, "p/") }},
	{"metadata pack", func(n string) bool { return strings.HasPrefix(n, "q/") }},
	{"segment", func(n string) bool { return strings.HasPrefix(n, "x/") }},
	{"session", func(n string) bool { return strings.HasPrefix(n, "s/") }},
	{"outcome", func(n string) bool { return strings.HasPrefix(n, "m/") }},
	{"record", func(n string) bool { return strings.HasPrefix(n, "g/") && !strings.HasSuffix(n, ".s") }},
	{"decision", func(n string) bool { return strings.HasSuffix(n, ".s") }},
}

// change is a way to damage an object.
type change struct {
	name string
	do   func(t testing.TB, store object.Store, name, other string) bool
}

func changes() []change {
	list := []change{
		{"missing", func(t testing.TB, s object.Store, name, _ string) bool { remove(t, s, name); return true }},
		{"swapped", func(t testing.TB, s object.Store, name, other string) bool {
			if other == "" {
				return false
			}
			a, b := get(t, s, name), get(t, s, other)
			put(t, s, name, b)
			put(t, s, other, a)
			return !bytes.Equal(a, b)
		}},
	}
	for _, cut := range []struct {
		name string
		keep func(n int) int
	}{
		{"empty", func(int) int { return 0 }}, {"cut in the header", func(int) int { return 9 }},
		{"cut in half", func(n int) int { return n / 2 }}, {"cut by a byte", func(n int) int { return n - 1 }},
	} {
		list = append(list, change{cut.name, func(t testing.TB, s object.Store, name, _ string) bool {
			b := get(t, s, name)
			put(t, s, name, b[:cut.keep(len(b))])
			return true
		}})
	}
	for _, flip := range []struct {
		name string
		at   func(n int) int
	}{
		{"magic", func(int) int { return 0 }}, {"kind", func(int) int { return 4 }}, {"version", func(int) int { return 5 }},
		{"epoch", func(int) int { return 8 }}, {"section epoch", func(int) int { return 20 }},
		{"quarter", func(n int) int { return n / 4 }}, {"half", func(n int) int { return n / 2 }},
		{"near the end", func(n int) int { return n - 40 }}, {"last byte", func(n int) int { return n - 1 }},
	} {
		list = append(list, change{"flip " + flip.name, func(t testing.TB, s object.Store, name, _ string) bool {
			b := get(t, s, name)
			b[flip.at(len(b))] ^= 1
			put(t, s, name, b)
			return true
		}})
	}
	return list
}

// TestMatrix damages an object of every kind in every way: check names it, or
// everything can still be opened and read and is right.
func TestMatrix(t *testing.T) {
	h := newHistory(t)
	names := list(t, h.store, "")
	for _, kind := range kinds {
		var of []string
		for _, n := range names {
			if kind.choose(n) {
				of = append(of, n)
			}
		}
		if len(of) == 0 {
			t.Fatalf("the repository has no %s", kind.name)
		}
		for _, c := range changes() {
			t.Run(kind.name+"/"+c.name, func(t *testing.T) {
				other := ""
				if len(of) > 1 {
					other = of[1]
				}
				h.damage(t, kind.name, of[0], other, c)
			})
		}
	}
}

func (h *history) damage(t *testing.T, kind, name, other string, c change) {
	store := clone(t, h.store)
	r := open(t, store)
	if !c.do(t, store, name, other) {
		t.Skip("there is only one")
	}
	report := run(t, r, all)
	found := false
	for _, f := range report.Findings {
		found = found || f.Object == name
	}
	switch {
	case kind == "session":
		wantClean(t, report) // only that it exists matters
	case kind == "slot" && !found:
		h.slotIsSafe(t, store)
	case c.name == "missing" && kind == "segment":
		if !report.Damaged() || report.Findings[0].Kind != check.Unlisted {
			t.Errorf("a lost segment was not noticed:\n%s", describe(report))
		}
	case c.name == "missing" && (kind == "outcome" || kind == "record" || kind == "decision" || kind == "slot"):
		wantClean(t, report) // what is left is whole
	case !found:
		t.Errorf("the object is not named:\n%s", describe(report))
	}
	compareAll(t, r, report, h.content)
}

// slotIsSafe makes sure that a slot whose damage cannot be seen gives no wrong
// keys: it opens nothing, or what it did.
func (h *history) slotIsSafe(t *testing.T, store object.Store) {
	t.Helper()
	for key := byte(7); key <= 8; key++ {
		r, err := repo.Open(context.Background(), store, repo.OpenOptions{
			Secret: seal.Secret{Key: &[32]byte{key}}, Cache: t.TempDir(),
		})
		if err == nil {
			wantClean(t, run(t, r, check.Options{}))
			closeAll(t, r)
		} else if !errors.Is(err, seal.ErrSecret) && !repo.IsDamage(err) {
			t.Error(err)
		}
	}
}
