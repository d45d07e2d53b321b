package cost

import (
	"slices"
	"strings"

	"firn/internal/object"
	"firn/internal/price"
	"firn/internal/repo"
)

// month is how many days are charged in one.
const month = price.DaysOfMonth

// load is what is read of the packs of one class.
type load struct {
	class    string
	requests int64
	bytes    int64
	packs    int64 // that are thawed
	whole    int64 // bytes of these
}

// byClass sums needs up.
func (inv *Inventory) byClass(needs []repo.Need) []*load {
	loads := map[string]*load{}
	for i := range needs {
		n := &needs[i]
		class := inv.packs[n.Pack].Class
		l := loads[class]
		if l == nil {
			l = &load{class: class}
			loads[class] = l
		}
		l.requests += int64(n.Requests)
		l.bytes += int64(n.Bytes)
		l.packs++
		l.whole += int64(n.Size)
	}
	list := make([]*load, 0, len(loads))
	for _, l := range loads {
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b *load) int { return strings.Compare(a.class, b.class) })
	return list
}

// Read is what it costs to read packs as a plan says, those of archive classes
// thawed first, as if none were thawed already. what names the packs.
func (inv *Inventory) Read(t Terms, needs []repo.Need, what string) *Estimate {
	t = t.withDefaults()
	e := t.begin()
	bytes := int64(0)
	for _, l := range inv.byClass(needs) {
		c := t.Sheet.Class(l.class)
		bytes += l.bytes
		if t.Archive(c.Name) {
			t.thaw(e, &c, l)
		}
		e.read(&c, l.requests, l.bytes, what)
	}
	e.transfer(bytes)
	return e
}

// read adds requests that read, and retrieval where reading is charged by size.
func (e *Estimate) read(c *price.Class, requests, bytes int64, what string) {
	e.add(Item{
		Kind: Requests, Class: c.Name, What: "GET of " + what, Count: requests, Bytes: bytes,
		Amount: price.Requests(requests, c.PerThousandGet),
	})
	if c.RetrievalPerGB != 0 { // or is not known
		e.add(Item{Kind: Retrieval, Class: c.Name, What: "retrieval of " + what, Bytes: bytes, Amount: e.Sheet.PerGB(bytes, c.RetrievalPerGB)})
	}
}

// thaw adds what it takes to have readable copies of packs for some days. They are
// stored in STANDARD besides.
func (t *Terms) thaw(e *Estimate, c *price.Class, l *load) {
	tier, ok := c.Tier(t.Tier)
	if !ok {
		tier = price.ThawTier{Tier: t.Tier, PerGB: price.Unknown, PerThousand: price.Unknown}
		if n := len(c.Thaw); n > 0 && t.Tier == object.Expedited {
			tier = c.Thaw[0] // the fastest there is
		}
	}
	e.add(Item{
		Kind: Thaw, Class: c.Name, What: "requests to thaw, " + string(tier.Tier), Count: l.packs,
		Amount: price.Requests(l.packs, tier.PerThousand),
	})
	e.add(Item{Kind: Thaw, Class: c.Name, What: "thawing, " + string(tier.Tier), Bytes: l.whole, Amount: e.Sheet.PerGB(l.whole, tier.PerGB)})
	e.add(Item{
		Kind: Storage, What: "readable copies for " + days(t.Days), Count: l.packs, Bytes: l.whole,
		Amount: e.Sheet.Storage("", 0, l.whole, float64(t.Days)),
	})
}
