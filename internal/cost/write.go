package cost

import (
	"fmt"
	"time"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/object"
	"firn/internal/price"
	"firn/internal/prune"
	"firn/internal/repo"
	"firn/internal/snapshot"
)

func days(n int) string {
	if n == 1 {
		return "one day"
	}
	return fmt.Sprintf("%d days", n)
}

// small are the small objects of a backup besides packs: its session, an index
// segment, the snapshot. A long one writes more segments.
const small = 3

// WrittenBy returns the packs that a snapshot's backup wrote: its host's of that
// time, as far as the index names them.
func WrittenBy(view *index.View, s *snapshot.Snapshot) []format.PackName {
	var packs []format.PackName
	from, to := time.Unix(0, s.Started).Unix(), time.Unix(0, s.Finished).Unix()
	for info := range view.Packs() {
		if info.Host == s.Signer && info.Written >= from && info.Written <= to {
			packs = append(packs, info.Name)
		}
	}
	return packs
}

// Written is what it has cost to write packs, with the small objects beside them,
// and what they cost a month.
func (inv *Inventory) Written(t Terms, packs []format.PackName) (once, monthly *Estimate) {
	once = t.begin()
	part := &Inventory{holdings: map[shelf]*Holding{}, packs: map[format.PackName]object.Info{}}
	for _, name := range packs {
		if info, there := inv.packs[name]; there {
			part.take(info)
		}
	}
	for _, h := range part.Holdings() {
		c := t.Sheet.Class(h.Class)
		what := "PUT of metadata packs"
		if h.Data {
			what = "PUT of data packs"
		}
		once.add(Item{
			Kind: Requests, Class: c.Name, What: what, Count: h.Objects, Bytes: h.Bytes,
			Amount: price.Requests(h.Objects, c.PerThousandPut),
		})
	}
	c := t.Sheet.Class("")
	once.add(Item{
		Kind: Requests, Class: c.Name, What: "PUT of session, index segment and snapshot, at least", Count: small,
		Amount: price.Requests(small, c.PerThousandPut),
	})
	return once, part.Month(t)
}

// Metadata is what it costs at most to read all but data packs, whole and so many
// times.
func (inv *Inventory) Metadata(t Terms, times int64) *Estimate {
	e := t.begin()
	total := int64(0)
	for _, h := range inv.Holdings() {
		if h.Data {
			continue
		}
		c := t.Sheet.Class(h.Class)
		e.read(&c, times*(h.Objects+h.Bytes/stretch), times*h.Bytes, "all but data packs, at most")
		total += times * h.Bytes
	}
	list := t.Sheet.Class("")
	e.add(Item{
		Kind: Requests, Class: list.Name, What: "LIST, about", Count: inv.Listings,
		Amount: price.Requests(inv.Listings, list.PerThousandList),
	})
	e.transfer(total)
	return e
}

// stretch is how many bytes of metadata are read with one request at least, where
// more than one is needed.
const stretch = 1 << 20

// Prune is what a plan of prune costs: what is moved is read and written anew, and
// what goes before its time is charged for to its end.
func (inv *Inventory) Prune(t Terms, plan *prune.Report) *Estimate {
	e := t.begin()
	class := map[format.Kind]string{}
	moved, written := map[format.Kind]int64{}, int64(0)
	var needs []repo.Need
	for i := range plan.Moves {
		m := &plan.Moves[i]
		needs = append(needs, repo.Need{Pack: m.Pack, Size: m.Size, Bytes: m.Bytes, Requests: m.Requests})
		moved[m.Pack.Kind] += int64(m.Bytes)
		class[m.Pack.Kind] = inv.packs[m.Pack].Class
	}
	for _, l := range inv.byClass(needs) {
		c := t.Sheet.Class(l.class)
		e.read(&c, l.requests, l.bytes, "packs that are moved")
		written += l.bytes
	}
	for _, kind := range []format.Kind{format.KindData, format.KindMeta} {
		size := int64(repo.WriterOptions{}.FullPack(kind))
		n := (moved[kind] + size - 1) / size
		c := t.Sheet.Class(class[kind])
		e.add(Item{Kind: Requests, Class: c.Name, What: "PUT of new packs, about", Count: n, Bytes: moved[kind], Amount: price.Requests(n, c.PerThousandPut)})
	}
	e.transfer(written)
	inv.early(t, e, plan)
	e.add(Item{Kind: Requests, What: "DELETE of packs", Count: (int64(len(plan.Goes)) + perPage - 1) / perPage, Amount: 0})
	return e
}

// early adds what packs cost that go before their time, by class.
func (inv *Inventory) early(t Terms, e *Estimate, plan *prune.Report) {
	fees := map[string]*Item{}
	var order []string
	for _, name := range plan.Goes {
		info := inv.packs[name]
		fee, until := Early(t.Sheet, info, t.Now)
		if until.IsZero() {
			continue
		}
		if fees[info.Class] == nil {
			c := t.Sheet.Class(info.Class)
			fees[info.Class] = &Item{Kind: EarlyDeletion, Class: c.Name, What: fmt.Sprintf("deletion within %s of writing", days(c.MinimumDays))}
			order = append(order, info.Class)
		}
		f := fees[info.Class]
		f.Count++
		f.Bytes += info.Size
		f.Amount += fee
	}
	for _, class := range order {
		e.add(*fees[class])
	}
}
