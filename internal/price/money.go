package price

import (
	"fmt"
	"math"
	"strings"
)

// signs are how amounts of a currency begin.
var signs = map[string]string{"USD": "$", "EUR": "€", "GBP": "£"}

// Money writes an amount of the sheet's currency for people: "$1.23", "less than
// $0.01", "unknown".
func (s *Sheet) Money(amount float64) string {
	sign := signs[s.Currency]
	if sign == "" {
		sign = s.Currency + " "
	}
	switch {
	case !IsKnown(amount):
		return "unknown"
	case amount > 0 && amount < 0.005:
		return "less than " + sign + "0.01"
	case math.Abs(amount) >= 1e15:
		return fmt.Sprintf("%s%.3g", sign, amount)
	}
	return fmt.Sprintf("%s%.2f", sign, amount)
}

// About is Money with a word that says it is an estimate.
func (s *Sheet) About(amount float64) string {
	text := s.Money(amount)
	if amount != 0 && IsKnown(amount) && !strings.HasPrefix(text, "less") {
		text = "about " + text
	}
	return text
}

// Storage is what bytes in objects of a class cost for a time of days, with what
// is charged beside their size.
func (s *Sheet) Storage(class string, objects, bytes int64, days float64) float64 {
	c := s.Class(class)
	month := float64(bytes+objects*c.OverheadBytes)/float64(s.GB)*c.PerGBMonth + float64(objects)/1000*c.PerThousandKept
	if c.StandardBytes > 0 {
		month += float64(objects*c.StandardBytes) / float64(s.GB) * s.Class(standard).PerGBMonth
	}
	return month * days / DaysOfMonth
}

// DaysOfMonth is how long a month is where prices are turned into those of days.
const DaysOfMonth = 30

// Billed is how many bytes an object of a class is charged for, without overhead.
func (c *Class) Billed(size int64) int64 { return max(size, c.MinimumBytes) }

// Requests is what a number of requests costs at a price for a thousand.
func Requests(n int64, perThousand float64) float64 {
	if n == 0 {
		return 0 // whatever one costs
	}
	return float64(n) / 1000 * perThousand
}

// PerGB is what bytes cost at a price for one of the vendor's GB.
func (s *Sheet) PerGB(bytes int64, price float64) float64 {
	if bytes == 0 {
		return 0 // whatever one costs
	}
	return float64(bytes) / float64(s.GB) * price
}
