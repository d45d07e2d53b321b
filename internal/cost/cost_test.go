package cost_test

import (
	"context"
	"iter"
	"math"
	"testing"
	"time"

	"firn/internal/check"
	"firn/internal/cost"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/price"
	"firn/internal/prune"
	"firn/internal/repo"
	"firn/internal/restore"
	"firn/internal/storageconfig"
	"firn/internal/target"
)

const gib = 1 << 30

// TestMonthByHand: what a month costs beside what somebody reckons from the listing:
// data packs in GLACIER with 32 KiB at its price and 8 KiB at STANDARD's for each, all
// else in STANDARD_IA with 128 KiB at least for each.
func TestMonthByHand(t *testing.T) {
	p := newPlace(t)
	p.write("one", 9<<20, 1)
	p.backup()
	p.must(p.cold.Transition(t.Context(), "", "STANDARD_IA"))
	p.must(p.cold.Transition(t.Context(), format.PrefixData, "GLACIER"))
	e := p.inventory().Month(p.terms())

	packs, bytes := p.objects(true)
	data := line(t, e, cost.Storage, "GLACIER", "data packs")
	near(t, "data packs", data.Amount, (float64(bytes)+float64(packs)*32768)/gib*0.0036+float64(packs)*8192/gib*0.023)
	if data.Count != packs || data.Bytes != bytes || packs < 3 {
		t.Errorf("%d data packs of %d bytes: %+v", packs, bytes, data)
	}

	others, charged := int64(0), int64(0)
	for info, err := range p.cold.List(t.Context(), "") {
		p.must(err)
		if info.Class == "STANDARD_IA" {
			others++
			charged += max(info.Size, 128<<10)
		}
	}
	rest := line(t, e, cost.Storage, "STANDARD_IA", "all else")
	near(t, "all else", rest.Amount, float64(charged)/gib*0.0125)
	if rest.Count != others || rest.Bytes != charged {
		t.Errorf("%d others, charged for %d bytes: %+v", others, charged, rest)
	}
	if sum, unknown := e.Sum(); unknown != 0 || len(e.Items) != 2 {
		t.Errorf("%+v", e.Items)
	} else {
		near(t, "in all", sum, data.Amount+rest.Amount)
	}
}

// TestUnknownPrices: what has no price is never reckoned as free.
func TestUnknownPrices(t *testing.T) {
	p := newPlace(t)
	p.write("one", 1<<20, 1)
	p.backup()
	p.must(p.cold.Transition(t.Context(), format.PrefixData, "EXPRESS"))
	e := p.inventory().Month(p.terms())
	if price.IsKnown(line(t, e, cost.Storage, "EXPRESS", "").Amount) {
		t.Error("a class that is not in the table has a price")
	}
	if sum, unknown := e.Sum(); unknown != 1 || sum <= 0 {
		t.Errorf("in all %g, %d unknown", sum, unknown)
	}
}

// restoring is a restore's plan, and its cost.
func (p *place) restoring(t cost.Terms, root func() ([]repo.Need, error)) ([]repo.Need, *cost.Estimate) {
	p.t.Helper()
	needs, err := root()
	p.must(err)
	return needs, p.inventory().Read(t, needs, "data packs")
}

// TestRestoreByHand: the requests and bytes of an estimate are those that the restore
// then makes; the money is what somebody reckons from them.
func TestRestoreByHand(t *testing.T) {
	p := newPlace(t)
	p.write("one", 9<<20, 1)
	p.write("small/a", 100, 2)
	p.write("small/b", 200<<10, 3)
	s := p.backup()
	p.must(p.cold.Transition(t.Context(), format.PrefixData, "DEEP_ARCHIVE"))
	rd, _, err := p.repo.NewReader(t.Context())
	p.must(err)
	defer func() { p.must(rd.Close()) }()

	terms := p.terms()
	terms.Tier, terms.Days = object.Bulk, 3
	needs, e := p.restoring(terms, func() ([]repo.Need, error) {
		return restore.Packs(t.Context(), rd, s.Tree(), restore.Options{})
	})
	if len(p.cold.Vain()) > 0 {
		t.Fatalf("the estimate read frozen packs: %v", p.cold.Vain())
	}
	packs, whole, fetched := float64(len(needs)), 0.0, 0.0
	for _, n := range needs {
		whole += float64(n.Size)
		fetched += float64(n.Bytes)
	}
	near(t, "requests to thaw", line(t, e, cost.Thaw, "DEEP_ARCHIVE", "requests to thaw, bulk").Amount, packs/1000*0.025)
	near(t, "thawing", line(t, e, cost.Thaw, "DEEP_ARCHIVE", "thawing, bulk").Amount, whole/gib*0.0025)
	near(t, "copies", line(t, e, cost.Storage, "", "readable copies for 3 days").Amount, whole/gib*0.023*3/30)
	near(t, "transfer", line(t, e, cost.Transfer, "", "").Amount, fetched/gib*0.09)
	gets := line(t, e, cost.Requests, "DEEP_ARCHIVE", "GET of data packs")
	near(t, "requests", gets.Amount, float64(gets.Count)/1000*0.0004)

	for _, n := range needs {
		p.must(p.cold.Thaw(t.Context(), n.Pack.Object(), object.ThawRequest{Tier: object.Bulk, Days: 3}))
	}
	p.clock.Advance(50 * time.Hour)
	before := p.cold.Requests()
	disk, err := target.NewDisk(t.TempDir(), target.DiskOptions{})
	p.must(err)
	p.must(restore.ToDisk(t.Context(), rd, s.Tree(), disk, restore.Options{}))
	p.must(disk.Close())
	after := p.cold.Requests()
	if got := int64(after.Get - before.Get); got != gets.Count {
		t.Errorf("the estimate says %d requests, the restore made %d", gets.Count, got)
	}
	if got := after.BytesIn - before.BytesIn; got != gets.Bytes {
		t.Errorf("the estimate says %d bytes, the restore read %d", gets.Bytes, got)
	}
}

// TestTierThatIsNotThere: a class without a tier is reckoned in its fastest.
func TestTierThatIsNotThere(t *testing.T) {
	p := newPlace(t)
	p.write("one", 1<<20, 1)
	s := p.backup()
	p.must(p.cold.Transition(t.Context(), format.PrefixData, "DEEP_ARCHIVE"))
	rd, _, err := p.repo.NewReader(t.Context())
	p.must(err)
	defer func() { p.must(rd.Close()) }()
	terms := p.terms()
	terms.Tier = object.Expedited
	_, e := p.restoring(terms, func() ([]repo.Need, error) {
		return restore.Packs(t.Context(), rd, s.Tree(), restore.Options{})
	})
	line(t, e, cost.Thaw, "DEEP_ARCHIVE", "thawing, standard")
}

// TestRetrieval: reading from STANDARD_IA is charged by size.
func TestRetrieval(t *testing.T) {
	p := newPlace(t)
	p.write("one", 5<<20, 1)
	p.backup()
	p.must(p.cold.Transition(t.Context(), format.PrefixData, "STANDARD_IA"))
	needs, err := check.Packs(t.Context(), p.repo, check.Options{ReadData: check.ReadData{Percent: 100}})
	p.must(err)
	e := p.inventory().Read(p.terms(), needs, "data packs")
	_, bytes := p.objects(true)
	near(t, "retrieval", line(t, e, cost.Retrieval, "STANDARD_IA", "").Amount, float64(bytes)/gib*0.01)
	near(t, "transfer", line(t, e, cost.Transfer, "", "").Amount, float64(bytes)/gib*0.09)

	before := p.cold.Requests()
	_, err = check.Run(t.Context(), p.repo, check.Options{NoRecord: true})
	p.must(err)
	middle := p.cold.Requests()
	_, err = check.Run(t.Context(), p.repo, check.Options{NoRecord: true, ReadData: check.ReadData{Percent: 100}})
	p.must(err)
	after := p.cold.Requests()
	meta := int64(p.count(format.PrefixMeta)) // these are read whole too
	if got, want := int64(after.Get-middle.Get)-int64(middle.Get-before.Get), line(t, e, cost.Requests, "STANDARD_IA", "").Count; got != want+meta {
		t.Errorf("the estimate says %d requests for data, the check made %d", want, got-meta)
	}
	most := p.inventory().Metadata(p.terms(), 1)
	if got, want := int64(middle.Get-before.Get), line(t, most, cost.Requests, "STANDARD", "GET of all but data packs, at most").Count; got > want {
		t.Errorf("the estimate says %d requests at most, the check made %d", want, got)
	}
}

// TestBackupByHand: what a backup wrote is told by class.
func TestBackupByHand(t *testing.T) {
	p := newPlace(t)
	p.write("one", 9<<20, 1)
	p.backup()
	first, _ := p.objects(true)
	time.Sleep(1100 * time.Millisecond) // packs tell seconds
	p.write("two", 5<<20, 2)
	s := p.backup()
	all, _ := p.objects(true)
	p.must(p.cold.Transition(t.Context(), format.PrefixData, "GLACIER"))
	rd, _, err := p.repo.NewReader(t.Context())
	p.must(err)
	defer func() { p.must(rd.Close()) }()
	once, monthly := p.inventory().Written(p.terms(), cost.WrittenBy(rd.View(), s))
	data := line(t, once, cost.Requests, "GLACIER", "PUT of data packs")
	if data.Count != all-first || all == first {
		t.Errorf("it wrote %d data packs: %+v", all-first, data)
	}
	near(t, "PUT", data.Amount, float64(all-first)/1000*0.03)
	if meta := line(t, once, cost.Requests, "STANDARD", "PUT of metadata packs"); uint64(data.Count+meta.Count) != s.Stats.PacksAdded {
		t.Errorf("it added %d packs: %+v", s.Stats.PacksAdded, once.Items)
	}
	month := line(t, monthly, cost.Storage, "GLACIER", "")
	near(t, "month", month.Amount, (float64(month.Bytes)+float64(month.Count)*32768)/gib*0.0036+float64(month.Count)*8192/gib*0.023)
}

// TestPruneByHand: what goes early is charged for to the end of its time.
func TestPruneByHand(t *testing.T) {
	p := newPlace(t)
	p.write("one", 9<<20, 1)
	gone := p.backup()
	p.write("one", 5<<20, 2)
	p.backup()
	p.must(p.cold.Transition(t.Context(), format.PrefixData, "GLACIER"))
	p.must(prune.Forget(t.Context(), p.repo, []string{gone.Session}, "test"))
	terms := p.terms()
	opts := prune.Options{
		DryRun: true, Archive: terms.Archive,
		MinimumDays: func(class string) int { return terms.Sheet.Class(class).MinimumDays },
	}
	plan, err := prune.Run(t.Context(), p.repo, opts)
	p.must(err)
	if e := p.inventory().Prune(terms, plan); plan.Left.Early < 2 || len(plan.Goes) > 0 && hasKind(e, cost.EarlyDeletion) {
		t.Errorf("left: %+v, estimate: %+v", plan.Left, e.Items)
	}
	opts.EarlyDelete = true
	plan, err = prune.Run(t.Context(), p.repo, opts)
	p.must(err)
	terms.Now = time.Now().Add(30 * 24 * time.Hour)
	e := p.inventory().Prune(terms, plan)
	fee := line(t, e, cost.EarlyDeletion, "GLACIER", "deletion within 90 days of writing")
	byHand := (float64(fee.Bytes)+float64(fee.Count)*32768)/gib*0.0036*2 + float64(fee.Count)*8192/gib*0.023*2 // two of three months
	if got := fee.Amount; got < byHand*0.99 || got > byHand*1.01 || fee.Count < 2 {
		t.Errorf("%+v, by hand %g", fee, byHand)
	}
	if len(p.cold.Vain()) > 0 {
		t.Errorf("frozen packs were read: %v", p.cold.Vain())
	}
}

func hasKind(e *cost.Estimate, kind cost.Kind) bool {
	for _, i := range e.Items {
		if i.Kind == kind {
			return true
		}
	}
	return false
}

// listing is a drive of which nothing but the listing is asked.
type listing struct {
	object.Store
	infos []object.Info
}

func (l listing) List(context.Context, string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		for _, info := range l.infos {
			if !yield(info, nil) {
				return
			}
		}
	}
}

// TestPageByHand: the calculation by hand of docs/prices.md, 5,000 data packs of 32 MiB
// in DEEP_ARCHIVE.
func TestPageByHand(t *testing.T) {
	table, err := price.Load("")
	if err != nil {
		t.Fatal(err)
	}
	terms := cost.Terms{Sheet: table.Sheet("aws", "us-east-1"), Archive: storageconfig.Archive, Tier: object.Bulk, Days: 7, Now: time.Now()}
	var drive listing
	var needs []repo.Need
	for i := range 5000 {
		pack := format.PackName{Kind: format.KindData, Hash: format.ID{byte(i), byte(i >> 8)}}
		drive.infos = append(drive.infos, object.Info{Name: pack.Object(), Size: 32 << 20, Class: "DEEP_ARCHIVE", Modified: terms.Now})
		needs = append(needs, repo.Need{Pack: pack, Size: 32 << 20, Bytes: 32 << 20, Requests: 4})
	}
	inv, err := cost.Take(t.Context(), drive)
	if err != nil {
		t.Fatal(err)
	}
	month := line(t, inv.Month(terms), cost.Storage, "DEEP_ARCHIVE", "data packs")
	read := inv.Read(terms, needs, "data packs")
	for _, c := range []struct {
		what        string
		got, byHand float64
	}{
		{"a month", month.Amount, 0.1548 + 0.0009},
		{"requests to thaw", line(t, read, cost.Thaw, "DEEP_ARCHIVE", "requests to thaw, bulk").Amount, 0.125},
		{"thawing", line(t, read, cost.Thaw, "DEEP_ARCHIVE", "thawing, bulk").Amount, 0.3906},
		{"copies", line(t, read, cost.Storage, "", "readable copies for 7 days").Amount, 0.8385},
		{"transfer", line(t, read, cost.Transfer, "", "").Amount, 14.0625},
		{"requests to read", line(t, read, cost.Requests, "DEEP_ARCHIVE", "").Amount, 0.008},
	} {
		t.Logf("%s: %.6f, by hand %.4f", c.what, c.got, c.byHand)
		if math.Abs(c.got-c.byHand) > 0.0001 {
			t.Errorf("%s: %.6f, by hand %.4f", c.what, c.got, c.byHand)
		}
	}
}
