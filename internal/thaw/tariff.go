package thaw

import (
	"time"

	"firn/internal/object"
	"firn/internal/price"
)

// tiering is the class that moves objects to and fro by itself. It has archive
// tiers where the bucket has them switched on, and price sheets do not tell how
// long these take.
const tiering = "INTELLIGENT_TIERING"

// TariffOf reads what is needed off a sheet of prices.
func TariffOf(s *price.Sheet) Tariff { return sheet{s} }

type sheet struct{ *price.Sheet }

// Tiers implements Tariff.
func (s sheet) Tiers(class string) []Tier {
	known := s.Class(class).Thaw
	if len(known) == 0 && class == tiering {
		return s.tiering()
	}
	tiers := make([]Tier, len(known))
	for i, t := range known {
		tiers[i] = s.tier(t)
	}
	return tiers
}

func (s sheet) tier(t price.ThawTier) Tier {
	own := Tier{Tier: t.Tier, From: t.From, To: t.To}
	if own.Priced = price.IsKnown(t.PerGB) && price.IsKnown(t.PerThousand); own.Priced {
		own.PerGB, own.PerThousand = t.PerGB*1e9/float64(s.GB), t.PerThousand
	}
	return own
}

// tiering are the tiers of INTELLIGENT_TIERING: the times of its two archive
// tiers together, since nothing tells before in which an object is. Only the
// fastest costs anything, as much as it does elsewhere.
func (s sheet) tiering() []Tier {
	fast := Tier{Tier: object.Expedited}
	for _, t := range s.Class("GLACIER").Thaw {
		if t.Tier == object.Expedited {
			fast = s.tier(t)
		}
	}
	fast.From, fast.To = time.Minute, 12*time.Hour
	all := []Tier{
		fast,
		{Tier: object.Standard, From: 3 * time.Hour, To: 12 * time.Hour, Priced: true},
		{Tier: object.Bulk, From: 5 * time.Hour, To: 48 * time.Hour, Priced: true},
	}
	for i := range all {
		all[i].Stays = true
	}
	return all
}

// Keep implements Tariff: a copy is billed as an object in STANDARD.
func (s sheet) Keep() (perDay float64, known bool) {
	month := s.Class("").PerGBMonth
	if !price.IsKnown(month) {
		return 0, false
	}
	const days = 30
	return month * 1e9 / float64(s.GB) / days, true
}

// Date implements Tariff.
func (s sheet) Date() string {
	if !s.Known() {
		return ""
	}
	return s.Sheet.Date.Format(time.DateOnly)
}

// Currency implements Tariff.
func (s sheet) Currency() string { return s.Sheet.Currency }
