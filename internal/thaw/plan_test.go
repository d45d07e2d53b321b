package thaw_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/repo"
	"firn/internal/thaw"
)

// TestLook has a plan tell how packs stand, with as few requests as it takes.
func TestLook(t *testing.T) {
	for _, c := range []struct {
		name   string
		needed int
		mute   bool
		want   string
	}{
		{"few of many", 10, false, "0 thaw, 10 head, 0 list, 0 get"},
		{"many", 2500, false, "0 thaw, 0 head, 3 list, 0 get"},
		{"listings do not tell", 2500, true, "0 thaw, 2500 head, 0 list, 0 get"},
	} {
		t.Run(c.name, func(t *testing.T) {
			freeze(t, func(w *winter) {
				needs := w.add(3000, 1, "GLACIER")
				if c.mute {
					w.cold.Hide()
				}
				before := w.cold.Requests()
				p := w.look(needs[:c.needed])
				if got := since(w.cold.Requests(), before); got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
				if sum := p.Total(); sum.Frozen.Packs != c.needed || sum.All.Packs != c.needed || !p.Cold() {
					t.Errorf("%+v", sum)
				}
			})
		})
	}
}

// TestClasses has packs in all states.
func TestClasses(t *testing.T) {
	freeze(t, func(w *winter) {
		standard := w.add(3, 10, "STANDARD")
		deep := w.add(2, 100, "DEEP_ARCHIVE")
		glacier := w.add(5, 1000, "GLACIER")
		tiering := w.add(4, 5, objecttest.Tiering)
		w.cold.Lay(tiering[0].Pack.Object(), objecttest.ArchiveAccess)
		ask := func(n repo.Need, t object.Tier, days int) {
			w.must(w.cold.Thaw(w.Context(), n.Pack.Object(), object.ThawRequest{Tier: t, Days: days}))
		}
		ask(glacier[0], object.Expedited, 3)
		time.Sleep(time.Hour)
		ask(glacier[1], object.Bulk, 1)
		w.must(w.cold.Delete(w.Context(), glacier[2].Pack.Object()))
		lies, _ := w.cold.Look(glacier[0].Pack.Object())
		for range 2 { // one by one, and by a listing
			p := w.look(slices.Concat(standard, deep, glacier, tiering, glacier))
			want := []thaw.ClassSum{
				{Class: "DEEP_ARCHIVE", All: thaw.Sum{Packs: 2, Bytes: 200}, Frozen: thaw.Sum{Packs: 2, Bytes: 200}},
				{
					Class: "GLACIER", All: thaw.Sum{Packs: 4, Bytes: 4000}, Frozen: thaw.Sum{Packs: 2, Bytes: 2000},
					Asked: thaw.Sum{Packs: 1, Bytes: 1000}, Thawed: thaw.Sum{Packs: 1, Bytes: 1000}, Until: lies.Until,
				},
				{Class: objecttest.Tiering, All: thaw.Sum{Packs: 4, Bytes: 20}, Frozen: thaw.Sum{Packs: 1, Bytes: 5}},
				{Class: "STANDARD", All: thaw.Sum{Packs: 3, Bytes: 30}},
			}
			classes := p.Classes()
			lost := slices.IndexFunc(classes, func(c thaw.ClassSum) bool { return c.Missing.Packs > 0 })
			if lost < 0 || classes[lost].Missing != (thaw.Sum{Packs: 1, Bytes: 1000}) {
				t.Fatalf("nothing is missing: %+v", classes)
			}
			if got := slices.Delete(classes, lost, lost+1); !slices.Equal(got, want) {
				t.Errorf("%+v\nwant %+v", got, want)
			}
			standard = append(standard, w.add(10, 0, "STANDARD")...)
			want[3].All.Packs += 10
			standard = standard[:3]
		}
	})
}

// TestOffers compares what tiers cost with what it comes to by hand.
func TestOffers(t *testing.T) {
	pack := func(class string, state thaw.State) thaw.Pack {
		return thaw.Pack{Class: class, Size: 1e9, State: state}
	}
	glacier, deep := pack("GLACIER", thaw.Frozen), pack("DEEP_ARCHIVE", thaw.Frozen)
	other, asked, thawed := pack("ARCHIVE", thaw.Frozen), pack("GLACIER", thaw.Asked), pack("GLACIER", thaw.Thawed)
	for _, c := range []struct {
		name  string
		packs []thaw.Pack
		want  []string
	}{
		{"one class", []thaw.Pack{glacier, glacier, asked, thawed}, []string{
			"expedited 1m0s 5m0s 0.0940 map[]", // 2 × 0.03 + 0.002 × 10 + 2 × 7 × 0.001
			"standard 3h0m0s 5h0m0s 0.0341 map[]",
			"bulk 5h0m0s 12h0m0s 0.0140 map[]",
		}},
		{"two classes", []thaw.Pack{glacier, deep}, []string{
			"expedited 9h0m0s 12h0m0s 0.0741 map[DEEP_ARCHIVE:standard]", // 0.03 + 0.01 + 0.02 + 0.0001 + 0.014
			"standard 9h0m0s 12h0m0s 0.0442 map[]",
			"bulk 9h0m0s 48h0m0s 0.0165 map[]",
		}},
		{"a class without the fastest", []thaw.Pack{deep}, []string{"standard 9h0m0s 12h0m0s 0.0271 map[]", "bulk 9h0m0s 48h0m0s 0.0095 map[]"}},
		{"nothing known", []thaw.Pack{other}, []string{"expedited 0s 0s ? map[]", "standard 0s 0s ? map[]", "bulk 0s 0s ? map[]"}},
		{"nothing frozen", []thaw.Pack{asked, thawed}, nil},
	} {
		p := &thaw.Plan{Packs: c.packs}
		var got []string
		for _, o := range p.Offers(prices, 7) {
			cost := "?"
			if o.Priced {
				cost = fmt.Sprintf("%.4f", math.Round(o.Cost*1e4)/1e4)
			}
			got = append(got, fmt.Sprintf("%s %s %s %s %v", o.Tier, o.From, o.To, cost, o.Otherwise))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
