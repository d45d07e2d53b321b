package thaw

import (
	"cmp"
	"slices"
	"time"

	"firn/internal/object"
)

// Tariff is what is known of how a drive's classes are thawed.
type Tariff interface {
	// Tiers returns the tiers of a class; nil if nothing is known of it.
	Tiers(class string) []Tier
	// Keep is about what it costs to keep a gigabyte (10⁹ bytes) readable beside
	// the frozen object for a day; false if that is not known.
	Keep() (perDay float64, known bool)
	// Currency is that of all prices, as USD.
	Currency() string
	// Date is when the prices were looked up, for people; "" if there are none.
	Date() string
}

// Tier is a tier of one class.
type Tier struct {
	object.Tier
	From, To time.Duration // when a copy is there after it was asked for
	// Priced says that the prices are known, for 10⁹ bytes and for a thousand
	// requests.
	Priced             bool
	PerGB, PerThousand float64
	// Stays means that what is thawed stays readable and costs nothing to keep
	// so: a class that moves objects to and fro by itself.
	Stays bool
}

// Offer is what it takes to thaw all frozen packs of a plan in a tier.
type Offer struct {
	Tier object.Tier
	// From and To are when the last pack is there; both 0 if nothing is known.
	From, To time.Duration
	// Cost is about what it costs, if Priced.
	Cost   float64
	Priced bool
	// Otherwise are the classes that do not have the tier, and what is taken.
	Otherwise map[string]object.Tier
}

// speeds are the tiers, fastest first.
var speeds = []object.Tier{object.Expedited, object.Standard, object.Bulk}

// ParseTier reads the name of a tier.
func ParseTier(word string) (object.Tier, bool) {
	return object.Tier(word), slices.Contains(speeds, object.Tier(word))
}

// slower returns the next slower tier, "" if there is none.
func slower(t object.Tier) object.Tier {
	if i := slices.Index(speeds, t); i+1 < len(speeds) {
		return speeds[i+1]
	}
	return ""
}

// tierOf returns the tier of a class that comes nearest to the one wanted: that
// itself, else a slower one, which is cheaper, else the slowest that there is. Of
// a class that nothing is known of, what is wanted is taken.
func tierOf(tariff Tariff, class string, wanted object.Tier) Tier {
	tiers := tariff.Tiers(class)
	for t := wanted; t != ""; t = slower(t) {
		if i := slices.IndexFunc(tiers, func(own Tier) bool { return own.Tier == t }); i >= 0 {
			return tiers[i]
		}
	}
	if len(tiers) == 0 {
		return Tier{Tier: wanted}
	}
	return slices.MaxFunc(tiers, func(a, b Tier) int {
		return cmp.Compare(slices.Index(speeds, a.Tier), slices.Index(speeds, b.Tier))
	})
}

// Offers says what it takes to thaw what is frozen, for so many days, in each
// tier that any of the classes has, fastest first. Packs that were asked for
// already count in no offer.
func (p *Plan) Offers(tariff Tariff, days int) []Offer {
	var offers []Offer
	for _, wanted := range speeds {
		o := Offer{Tier: wanted, Priced: true}
		some := false
		for _, c := range p.Classes() {
			if c.Frozen.Packs == 0 {
				continue
			}
			t := tierOf(tariff, c.Class, wanted)
			if t.Tier != wanted {
				if o.Otherwise == nil {
					o.Otherwise = map[string]object.Tier{}
				}
				o.Otherwise[c.Class] = t.Tier
			} else {
				some = true
			}
			o.add(tariff, t, c.Frozen, days)
		}
		if some {
			offers = append(offers, o)
		}
	}
	return offers
}

// add adds what it takes to thaw packs of one class.
func (o *Offer) add(tariff Tariff, t Tier, frozen Sum, days int) {
	o.From, o.To = max(o.From, t.From), max(o.To, t.To)
	gigabytes := float64(frozen.Bytes) / 1e9
	o.Cost += gigabytes*t.PerGB + float64(frozen.Packs)/1000*t.PerThousand
	o.Priced = o.Priced && t.Priced
	if !t.Stays {
		perDay, known := tariff.Keep()
		o.Cost += gigabytes * perDay * float64(days)
		o.Priced = o.Priced && known
	}
	if !o.Priced {
		o.Cost = 0
	}
}
