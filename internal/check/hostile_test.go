package check_test

import (
	"context"
	"testing"

	"firn/internal/check"
	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/object"
)

// TestPoisonedIndex: a segment of a certified host says of needed chunks that
// they are where others are. Reading the data shows it; nobody restores them wrongly.
func TestPoisonedIndex(t *testing.T) {
	store := object.NewMem()
	r, _, want := small(t, store)
	rd, _, err := r.NewReader(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	b := index.NewBuilder()
	entries := map[*format.PackInfo][]index.PackEntry{}
	var last index.Location
	for group, err := range rd.View().Merge(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if at := group.At[0]; at.Pack.Name.Kind == format.KindData {
			if last.Pack != nil {
				entries[last.Pack] = append(entries[last.Pack], index.PackEntry{
					ID: group.ID, BlockOffset: last.BlockOffset, BlockLength: last.BlockLength, ChunkOffset: last.ChunkOffset,
				})
			}
			last = at
		}
	}
	for info, list := range entries {
		b.AddPack(*info, list)
	}
	name, body, err := b.Seal(r.Keys(), nil, r.Now())
	if err != nil {
		t.Fatal(err)
	}
	put(t, store, name, body)
	closeAll(t, rd)

	report := run(t, open(t, store), all)
	if !report.Damaged() {
		t.Fatalf("nothing found:\n%s", describe(report))
	}
	for _, f := range report.Findings {
		if f.Kind != check.Contradictory || f.Unreadable > 0 {
			t.Errorf("%s", describe(report))
		}
	}
	compareAll(t, open(t, store), report, want)
}

// TestSecondHost: what another signing key wrote is as good.
func TestSecondHost(t *testing.T) {
	store := object.NewMem()
	r, _, _ := small(t, store)
	other := open(t, store)
	dir := t.TempDir()
	files{"x": noise(77, 10<<10)}.write(t, dir)
	backUp(t, other, dir, false)
	if r.Keys().Host() == other.Keys().Host() {
		t.Fatal("both have one signing key")
	}
	if report := run(t, r, all); len(report.Findings) > 0 || report.Snapshots != 2 {
		t.Errorf("%d snapshots\n%s", report.Snapshots, describe(report))
	}
}

// TestSeveral: damage of several kinds at once is named object by object.
func TestSeveral(t *testing.T) {
	store := object.NewMem()
	r, _, _ := small(t, store)
	want := map[string]check.Kind{
		format.RootCopyName(1):    check.Missing,
		list(t, store, "p/")[0]:   check.Missing,
		list(t, store, "p/")[1]:   check.WrongSize,
		list(t, store, "p/")[2]:   check.Altered,
		format.SlotName(r.Slot()): check.Altered,
	}
	for name, kind := range want {
		b := get(t, store, name)
		switch kind {
		case check.Missing:
			remove(t, store, name)
		case check.WrongSize:
			put(t, store, name, append(b, 0))
		default:
			b[2] ^= 1
			put(t, store, name, b)
		}
	}
	report := run(t, r, all)
	got := map[string]check.Kind{}
	for _, f := range report.Findings {
		if f.Kind != check.Unmirrored {
			got[f.Object] = f.Kind
		}
	}
	delete(got, format.PrefixKeys) // no slot is left
	if len(got) != len(want) {
		t.Errorf("%s", describe(report))
	}
	for name, kind := range want {
		if got[name] != kind {
			t.Errorf("%s is %q, want %q", name, got[name], kind)
		}
	}
}
