package thaw_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/repo"
	"firn/internal/thaw"
)

// A tariff for tests, with round prices.
type tariff map[string][]thaw.Tier

func (t tariff) Tiers(class string) []thaw.Tier { return t[class] }
func (tariff) Keep() (float64, bool)            { return 0.001, true }
func (tariff) Currency() string                 { return "USD" }
func (tariff) Date() string                     { return "2026-11-20" }

func tier(t object.Tier, from, to time.Duration, perGB, perThousand float64) thaw.Tier {
	return thaw.Tier{Tier: t, From: from, To: to, Priced: true, PerGB: perGB, PerThousand: perThousand}
}

var prices = tariff{
	"GLACIER": {
		tier(object.Expedited, time.Minute, 5*time.Minute, 0.03, 10), tier(object.Standard, 3*time.Hour, 5*time.Hour, 0.01, 0.05),
		tier(object.Bulk, 5*time.Hour, 12*time.Hour, 0, 0),
	},
	"DEEP_ARCHIVE": {tier(object.Standard, 9*time.Hour, 12*time.Hour, 0.02, 0.1), tier(object.Bulk, 9*time.Hour, 48*time.Hour, 0.0025, 0.025)},
}

// winter is a store with packs in archive classes, inside a bubble of virtual time.
type winter struct {
	*testing.T
	cold  *objecttest.Cold
	packs int
	said  []string // by watches
}

// freeze runs a test in virtual time.
func freeze(t *testing.T, test func(w *winter)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &winter{T: t, cold: objecttest.NewCold(object.NewMem(), nil)}
		w.cold.Freezer = objecttest.NewFreezer(time.Now)
		test(w)
	})
}

func (w *winter) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// add puts data packs of a size into a class.
func (w *winter) add(n, size int, class string) (needs []repo.Need) {
	w.Helper()
	for range n {
		w.packs++
		name := format.PackName{Kind: format.KindData}
		binary.BigEndian.PutUint32(name.Hash[:], uint32(w.packs*2654435761)) // spread over the folders
		binary.BigEndian.PutUint32(name.Hash[4:], uint32(w.packs))
		_, err := w.cold.Put(w.Context(), name.Object(), make([]byte, size), object.PutOptions{Class: class})
		w.must(err)
		needs = append(needs, repo.Need{Pack: name, Size: uint64(size), Bytes: uint64(size)})
	}
	return needs
}

// look plans.
func (w *winter) look(needs []repo.Need) *thaw.Plan {
	w.Helper()
	p, err := thaw.Look(w.Context(), w.cold, needs, w.packs)
	w.must(err)
	return p
}

// watch makes a watch over what is needed, through t.
func (w *winter) watch(t object.Thawer, needs []repo.Need, wanted object.Tier, days int) *thaw.Watch {
	w.Helper()
	return thaw.NewWatch(t, w.look(needs), thaw.Options{
		Tier: wanted, Days: days, Tariff: prices,
		Say: func(text string) { w.said = append(w.said, text) },
	})
}

// read reads all that is needed once it is ready, as a restore does, and returns
// what was not read and why.
func (w *winter) read(ctx context.Context, watch *thaw.Watch, needs []repo.Need) (left []repo.Need, err error) {
	for len(needs) > 0 {
		left = nil
		for _, n := range needs {
			if !watch.Ready(n.Pack) {
				left = append(left, n)
				continue
			}
			if _, _, err := w.cold.Get(ctx, n.Pack.Object(), 1<<20); err != nil {
				return nil, err
			}
		}
		if needs = left; len(left) > 0 {
			if err := watch.Wait(ctx); err != nil {
				return left, err
			}
		}
	}
	return nil, nil
}

// restore follows all that is needed until it was read.
func (w *winter) restore(watch *thaw.Watch, needs []repo.Need) {
	w.Helper()
	w.must(watch.Run(w.Context(), func(ctx context.Context) error {
		_, err := w.read(ctx, watch, needs)
		return err
	}))
	if vain := w.cold.Vain(); len(vain) > 0 {
		w.Errorf("%d packs were read while frozen, such as %s", len(vain), vain[0])
	}
}

// since returns the requests since others.
func since(now, before objecttest.Requests) string {
	return fmt.Sprintf("%d thaw, %d head, %d list, %d get", now.Thaw-before.Thaw, now.Head-before.Head, now.List-before.List, now.Get-before.Get)
}

// wantSaid sees that something with a text in it was said, or with "" nothing.
func (w *winter) wantSaid(text string) {
	w.Helper()
	all := strings.Join(w.said, "\n")
	if text == "" && all != "" || !strings.Contains(all, text) {
		w.Errorf("said: %q", all)
	}
}
