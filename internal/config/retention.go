package config

import (
	"fmt"
	"slices"
	"strconv"

	"firn/internal/policy"
)

// Retention is which snapshots to keep. Rules add up: what one keeps is kept.
type Retention struct {
	// Enabled says false if the rules are to be ignored.
	Enabled *bool `yaml:"enabled" default:"true"`

	// By says what value counts: age keeps snapshots of so many days, count so
	// many snapshots.
	By string `yaml:"by" enum:"age,count"`
	// Value is the number of days or snapshots.
	Value int `yaml:"value" min:"1" max:"1000000"`

	// KeepLast keeps the newest so many; forever keeps all.
	KeepLast Count `yaml:"keep_last"`
	// KeepHourly keeps the newest of each of the last so many hours that have one.
	KeepHourly Count `yaml:"keep_hourly"`
	// KeepDaily keeps the newest of each of the last so many days that have one.
	KeepDaily Count `yaml:"keep_daily"`
	// KeepWeekly keeps the newest of each of the last so many weeks that have one.
	KeepWeekly Count `yaml:"keep_weekly"`
	// KeepMonthly keeps the newest of each of the last so many months that have one.
	KeepMonthly Count `yaml:"keep_monthly"`
	// KeepYearly keeps the newest of each of the last so many years that have one.
	KeepYearly Count `yaml:"keep_yearly"`

	// KeepWithin keeps all that is younger than this, such as 30d or 1y6m.
	KeepWithin Span `yaml:"keep_within"`
	// KeepWithinHourly keeps the newest of each hour within this.
	KeepWithinHourly Span `yaml:"keep_within_hourly"`
	// KeepWithinDaily keeps the newest of each day within this.
	KeepWithinDaily Span `yaml:"keep_within_daily"`
	// KeepWithinWeekly keeps the newest of each week within this.
	KeepWithinWeekly Span `yaml:"keep_within_weekly"`
	// KeepWithinMonthly keeps the newest of each month within this.
	KeepWithinMonthly Span `yaml:"keep_within_monthly"`
	// KeepWithinYearly keeps the newest of each year within this.
	KeepWithinYearly Span `yaml:"keep_within_yearly"`

	// KeepTags keeps snapshots that have all tags of one of these lists.
	KeepTags []Tags `yaml:"keep_tags"`
}

// Keep is the policy the rules make; it is empty if they are disabled.
func (r *Retention) Keep() policy.Keep {
	if r.Enabled != nil && !*r.Enabled {
		return policy.Keep{}
	}
	k := policy.Keep{
		Last: int(r.KeepLast), Hourly: int(r.KeepHourly), Daily: int(r.KeepDaily),
		Weekly: int(r.KeepWeekly), Monthly: int(r.KeepMonthly), Yearly: int(r.KeepYearly),
		Within: r.KeepWithin.Span, WithinHourly: r.KeepWithinHourly.Span, WithinDaily: r.KeepWithinDaily.Span,
		WithinWeekly: r.KeepWithinWeekly.Span, WithinMonthly: r.KeepWithinMonthly.Span, WithinYearly: r.KeepWithinYearly.Span,
	}
	for _, tags := range r.KeepTags {
		k.Tags = append(k.Tags, slices.Clone(tags))
	}
	switch r.By {
	case "count":
		k.Last = r.Value
	case "age":
		k.Within = policy.Span{Days: r.Value}
	}
	return k
}

// Count is a number of snapshots, or policy.Forever for all.
type Count int

// UnmarshalText reads a number from 0 on or the word forever.
func (c *Count) UnmarshalText(text []byte) error {
	if string(text) == "forever" || string(text) == "-1" {
		*c = policy.Forever
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 || n > 1_000_000 {
		return fmt.Errorf("%q is neither a number of snapshots nor forever", text)
	}
	*c = Count(n)
	return nil
}

// String writes the count as UnmarshalText reads it.
func (c Count) String() string {
	if c == policy.Forever {
		return "forever"
	}
	return strconv.Itoa(int(c))
}

// MarshalText writes the count as UnmarshalText reads it.
func (c Count) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Span is a length of calendar time.
type Span struct{ policy.Span }

// UnmarshalText reads numbers with y, m, w, d or h, such as 1y6m.
func (s *Span) UnmarshalText(text []byte) (err error) {
	s.Span, err = policy.ParseSpan(string(text))
	return err
}

// MarshalText writes the span as UnmarshalText reads it.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Tags are tags that a snapshot has all of.
type Tags []string
