package main

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMain lets the test's own program stand between dump and firn, as the command's does.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == noteVerb {
		os.Exit(note(os.Args[2], os.Args[3:]))
	}
	os.Exit(m.Run())
}

// made is an engine that needs no database: its table is a file of rows.
type made struct {
	file string
	rows []order
}

func (m *made) version() string            { return "made up" }
func (m *made) tidy(context.Context) error { return nil }
func (m *made) dump() []string             { return []string{"cat", m.file} }
func (m *made) stop() error                { return nil }

func (m *made) load(_ context.Context, added, changed []order) error {
	m.rows = append(m.rows, added...)
	for _, o := range changed {
		m.rows[o.id] = o
	}
	var text []byte
	for _, o := range m.rows {
		text = append(o.appendValues(text), '\n')
	}
	return os.WriteFile(m.file, text, 0o600)
}

func testProgram(t *testing.T) *program {
	t.Helper()
	if _, err := exec.LookPath("cat"); err != nil {
		t.Skip("there is no cat")
	}
	p, err := newProgram(t.Context(), t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNights(t *testing.T) {
	p := testProgram(t)
	table := newTable(6e6, patterns["hot"])
	r, err := sleep(t.Context(), p, &made{file: p.file("table")}, table, 3)
	if err != nil {
		t.Fatal(err)
	}
	first := r.Nights[0]
	if first.Blocks[0] == 0 || first.Stored < first.Dump.Bytes/10 || first.Restored == nil || first.Restored.Requests.In < first.Stored/2 {
		t.Errorf("the first night: %+v, restored %+v", first, first.Restored)
	}
	for _, n := range r.Nights[1:] {
		if n.Stored > first.Stored/10 || n.Rows == 0 || slices.Max(n.Blocks[1:]) == 0 || n.Changed != len(table.versions)/changedDaily {
			t.Errorf("night %d: %+v", n.Night, n)
		}
	}
	if r.Whole == 0 || r.Left > r.Whole || r.Check.Requests.Total == 0 || r.Prune.Requests.Total == 0 {
		t.Errorf("in the morning: %+v", r)
	}
	if _, err := p.restore(t.Context(), first.snapshot, r.Nights[1].Dump.Digest); err == nil {
		t.Error("a forgotten snapshot comes back, with the content of another")
	}
	last := r.Nights[2]
	if _, err := p.restore(t.Context(), last.snapshot, first.Dump.Digest); err == nil || !strings.Contains(err.Error(), "as it was dumped") {
		t.Errorf("another content goes unnoticed: %v", err)
	}
	text := r.markdown()
	if strings.Count(text, "\n| ") != 1+len(r.Nights) || !strings.Contains(text, "\n| 3 | ") {
		t.Errorf("report:\n%s", text)
	}
	if err := r.write(p.file("report")); err != nil {
		t.Fatal(err)
	}
	if written, err := os.ReadFile(filepath.Join(p.file("report"), "nights.json")); err != nil || !bytes.Contains(written, []byte(`"bytes_of_rows"`)) {
		t.Errorf("%s, %v", written, err)
	}
}

func TestDays(t *testing.T) {
	for name, choose := range patterns {
		table := newTable(3e6, choose)
		rows := len(table.versions)
		added, changed := table.live()
		if len(changed) != rows/changedDaily || len(added) != rows/addedDaily || added[0].id != rows || len(table.versions) != rows+len(added) {
			t.Errorf("%s: of %d rows %d changed, %d added", name, rows, len(changed), len(added))
		}
		again := slices.Clone(changed)
		slices.SortFunc(again, func(a, b order) int { return a.id - b.id })
		if len(slices.CompactFunc(again, func(a, b order) bool { return a.id == b.id })) < len(changed) {
			t.Errorf("%s: a row changes twice in a day", name)
		}
		for _, o := range changed {
			if int(table.versions[o.id]) != o.version || o.version != 1 {
				t.Errorf("%s: %+v, table says %d", name, o, table.versions[o.id])
			}
		}
		seen := 0
		for run := range table.rows(700) {
			for _, o := range run {
				if o.id != seen || o.version != int(table.versions[o.id]) {
					t.Fatalf("%s: row %d is %+v", name, seen, o)
				}
				seen++
			}
		}
		if seen != len(table.versions) {
			t.Errorf("%s: %d rows of %d", name, seen, len(table.versions))
		}
	}
}

func TestHotRangeMoves(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for _, day := range []int{1, 40, 95} {
		within := 0
		for range 1000 {
			if at := hot(random, day, 10_000); (at-day*100+10_000)%10_000 < 1000 {
				within++
			}
		}
		if within < 780 || within > 860 { // 800, and a tenth of the others
			t.Errorf("day %d: %d of 1000 changes are in the hot tenth", day, within)
		}
	}
}

func TestOrderKeepsWhatDoesNotChange(t *testing.T) {
	fields := func(o order) []string { return strings.SplitN(string(o.appendValues(nil)), ",", 9) }
	before, after := fields(order{7, 0}), fields(order{7, 1})
	for i := range before {
		if same := before[i] == after[i]; same != (i < 7) {
			t.Errorf("column %d is %s, then %s", i+1, before[i], after[i])
		}
	}
	if !bytes.Equal(order{7, 1}.appendValues(nil), order{7, 1}.appendValues(nil)) {
		t.Error("a row is not the same each time it is made")
	}
}

func TestNote(t *testing.T) {
	if _, err := exec.LookPath("cat"); err != nil {
		t.Skip("there is no cat")
	}
	file := filepath.Join(t.TempDir(), "content")
	if err := os.WriteFile(file, []byte("some rows\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var passed bytes.Buffer
	n, err := passOn([]string{"cat", file}, &passed)
	if err != nil || passed.String() != "some rows\n" || n.Bytes != 10 {
		t.Errorf("%+v, %q, %v", n, passed.String(), err)
	}
	if digest, err := digestOf(file); err != nil || digest != n.Digest {
		t.Errorf("digest %s, of the file %s, %v", n.Digest, digest, err)
	}
	if _, err := passOn([]string{"cat", file + " is not there"}, io.Discard); err == nil {
		t.Error("a command that fails goes unnoticed")
	}
}

func TestSettings(t *testing.T) {
	good := settings{engine: "sqlite", pattern: "hot", nights: 2, size: 1}
	for _, spoil := range []func(s *settings){
		func(s *settings) { s.engine = "abacus" },
		func(s *settings) { s.pattern = "striped" },
		func(s *settings) { s.nights = 1 },
		func(s *settings) { s.size = 0 },
	} {
		s := good
		spoil(&s)
		if err := run(t.Context(), s); err == nil || !strings.HasPrefix(err.Error(), "-") {
			t.Errorf("%+v: %v", s, err)
		}
	}
}
