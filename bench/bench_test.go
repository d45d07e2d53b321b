package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"firn/internal/alike"
)

// all builds one corpus of each kind, as small as they get.
func all(t *testing.T) []*corpus {
	t.Helper()
	const scale = 0.001
	work := t.TempDir()
	var built []*corpus
	for _, name := range corpusNames {
		if err := buildCorpus(t.Context(), name, work, scale); err != nil {
			t.Fatal(err)
		}
		c, err := readCorpus(name, work, scale)
		if err != nil {
			t.Fatal(err)
		}
		built = append(built, c)
	}
	return built
}

func differences(t *testing.T, a, b string) []alike.Difference {
	t.Helper()
	_, found, err := alike.Folders(t.Context(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	// Renaming files changes the times of folders.
	return slices.DeleteFunc(found, func(d alike.Difference) bool { return strings.HasPrefix(d.What, "mtime") })
}

func TestCorporaAreTheSameEveryTime(t *testing.T) {
	one, two := all(t), all(t)
	for i := range one {
		if one[i].Digest != two[i].Digest || one[i].Bytes != two[i].Bytes || !slices.Equal(one[i].Swaps, two[i].Swaps) {
			t.Errorf("corpus %s: built twice, it is not the same", one[i].Name)
		}
		if err := two[i].change(true); err != nil {
			t.Fatal(err)
		}
		if err := one[i].change(true); err != nil {
			t.Fatal(err)
		}
		if found := differences(t, one[i].tree(), two[i].tree()); len(found) > 0 {
			t.Errorf("corpus %s, changed: %v", one[i].Name, found[0])
		}
	}
}

// copyCorpus copies the first state, with the times that all its files have.
func copyCorpus(t *testing.T, c *corpus, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(c.tree())); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(to, func(name string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(name, stamp, stamp))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestChangeAndBack(t *testing.T) {
	for _, c := range all(t) {
		before := filepath.Join(t.TempDir(), "before")
		copyCorpus(t, c, before)
		if err := c.change(true); err != nil {
			t.Fatal(err)
		}
		if found := differences(t, before, c.tree()); len(found) == 0 {
			t.Errorf("corpus %s: the second state is like the first", c.Name)
		}
		again, err := readCorpus(c.Name, filepath.Dir(c.folder), c.Scale)
		if err != nil || !again.Changed {
			t.Fatalf("corpus %s: its card does not say that it is in its second state (%v)", c.Name, err)
		}
		if err := again.change(false); err != nil {
			t.Fatal(err)
		}
		if found := differences(t, before, c.tree()); len(found) > 0 {
			t.Errorf("corpus %s: does not come back to its first state: %v", c.Name, found[0])
		}
	}
}

func TestReport(t *testing.T) {
	r := &report{Runs: 3, Tools: []version{{"firn", "1"}, {"restic", "2"}}, Corpora: []*corpus{{Name: "small", Files: 7}}, steps: list{first}}
	for i, wall := range []float64{9, 1, 2} {
		o := outcome{Corpus: "small", Tool: "firn", Run: i + 1, Step: first}
		o.Usage = usage{Wall: wall, User: wall, System: 1, Peak: 50e6}
		o.Requests.Total, o.Stored.Bytes, o.Stored.Objects = 5, 3e6, 4
		r.Outcomes = append(r.Outcomes, o)
	}
	r.Outcomes = append(r.Outcomes, outcome{Corpus: "small", Tool: "restic", Step: first, Usage: usage{Wall: 4, User: 6, Peak: 100e6}})
	text := r.markdown()
	for _, want := range []string{
		"| wall s / client CPU s / peak MB / requests | firn | restic |\n|---|---:|---:|\n| first backup | 2.00 / 3.00 / 50 / 5 |",
		"| first backup | 50 | 50 | 50 |",
		"| first backup | 3.0 (4) |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("report lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "unchanged") {
		t.Errorf("report has a step that was not run:\n%s", text)
	}
}

func TestMeasure(t *testing.T) {
	u, err := measure(t.Context(), "/bin/sh", []string{"-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"}, nil, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if u.Wall <= 0 || u.User+u.System <= 0 || u.Peak <= 0 {
		t.Errorf("usage %+v", u)
	}
	if _, err := measure(t.Context(), "/bin/sh", []string{"-c", "echo no luck; exit 3"}, nil, t.TempDir()); err == nil || !strings.Contains(err.Error(), "no luck") {
		t.Errorf("failing command: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := measure(ctx, "/bin/sh", []string{"-c", "sleep 60"}, nil, t.TempDir()); err == nil {
		t.Error("a cancelled context does not end a command")
	}
}

func TestSettings(t *testing.T) {
	good := settings{corpora: list{"small"}, tools: list{"firn"}, steps: list{forget}, runs: 1, scale: 1}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	if !good.needs(first) || !good.needs(changed) || good.needs(unchanged) || good.needs(check) {
		t.Error("forget needs the first backup and the changed one, and no other step")
	}
	for _, bad := range []settings{
		{corpora: list{"tiny"}, runs: 1, scale: 1},
		{steps: list{"frist"}, runs: 1, scale: 1},
		{runs: 0, scale: 1},
		{runs: 1, scale: 0},
	} {
		if bad.check() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
