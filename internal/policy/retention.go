// Package policy decides which snapshots a retention policy keeps. It is pure:
// it knows times, tags and counts, nothing of repositories.
//
// Invariant: a snapshot that any rule keeps is kept, and every snapshot kept
// has at least one reason. The command line and package job call it.
package policy

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Forever keeps all snapshots a counting rule looks at.
const Forever = -1

// Keep is a retention policy: the union of its rules. The zero value has no
// rule. Counting rules keep the newest snapshot of each of the last n hours,
// days, … that have one, by calendar in the snapshots' time zone; Forever
// stands for all.
type Keep struct {
	Last, Hourly, Daily, Weekly, Monthly, Yearly int

	// Within rules keep what is no older than this before the newest snapshot,
	// all of it or the newest of each hour, day, ….
	Within, WithinHourly, WithinDaily, WithinWeekly, WithinMonthly, WithinYearly Span

	// Tags keep snapshots that have all tags of one of these lists.
	Tags [][]string
}

// Empty reports whether the policy has no rule at all.
func (k *Keep) Empty() bool {
	return len(k.counts()) == 0 && len(k.spans()) == 0 && len(k.Tags) == 0
}

// Item is a snapshot as far as retention is concerned.
type Item struct {
	Time time.Time
	Tags []string
}

// Verdict says what becomes of one item and why.
type Verdict struct {
	Keep    bool
	Reasons []string
}

// counting is a rule that keeps the newest item of each of n periods.
type counting struct {
	name   string
	n      int
	period func(time.Time) string
}

// within is a rule that keeps items not older than a span.
type within struct {
	name   string
	span   Span
	period func(time.Time) string
}

// The periods, each named so that two times in one period give one name.
func each(t time.Time) string  { return t.Format(time.RFC3339Nano) }
func hour(t time.Time) string  { return t.Format("2006-01-02 15") }
func day(t time.Time) string   { return t.Format("2006-01-02") }
func month(t time.Time) string { return t.Format("2006-01") }
func year(t time.Time) string  { return t.Format("2006") }

// week is the ISO 8601 week.
func week(t time.Time) string {
	y, w := t.ISOWeek()
	return fmt.Sprintf("%d-%02d", y, w)
}

func (k *Keep) counts() []counting {
	all := []counting{
		{"last", k.Last, nil}, {"hourly", k.Hourly, hour}, {"daily", k.Daily, day},
		{"weekly", k.Weekly, week}, {"monthly", k.Monthly, month}, {"yearly", k.Yearly, year},
	}
	return slices.DeleteFunc(all, func(c counting) bool { return c.n == 0 })
}

func (k *Keep) spans() []within {
	all := []within{
		{"within", k.Within, each}, {"within-hourly", k.WithinHourly, hour}, {"within-daily", k.WithinDaily, day},
		{"within-weekly", k.WithinWeekly, week}, {"within-monthly", k.WithinMonthly, month}, {"within-yearly", k.WithinYearly, year},
	}
	return slices.DeleteFunc(all, func(w within) bool { return w.span.IsZero() })
}

// Apply judges items of one group (a host and its sources, say). The verdicts
// are in the order of the items, whatever that is.
func (k *Keep) Apply(items []Item) []Verdict {
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	// Newest first; of equal times the one given last counts as newer.
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(items[b].Time.Compare(items[a].Time), cmp.Compare(b, a))
	})
	verdicts := make([]Verdict, len(items))
	keep := func(i int, reason string) {
		verdicts[i].Keep = true
		verdicts[i].Reasons = append(verdicts[i].Reasons, reason)
	}
	for _, rule := range k.counts() {
		rule.apply(items, order, keep)
	}
	for _, rule := range k.spans() {
		rule.apply(items, order, keep)
	}
	for i := range items {
		for _, tags := range k.Tags {
			if hasAll(items[i].Tags, tags) {
				keep(i, fmt.Sprintf("tag %v", tags))
			}
		}
	}
	return verdicts
}

func (c *counting) apply(items []Item, order []int, keep func(int, string)) {
	left, last := c.n, ""
	for at, i := range order {
		if left == 0 {
			return
		}
		if c.period != nil {
			period := c.period(items[i].Time)
			if at > 0 && period == last {
				continue
			}
			last = period
		}
		keep(i, c.name)
		if left > 0 {
			left--
		}
	}
}

func (w *within) apply(items []Item, order []int, keep func(int, string)) {
	if len(order) == 0 {
		return
	}
	since := w.span.Before(items[order[0]].Time)
	last := ""
	for at, i := range order {
		if items[i].Time.Before(since) {
			return
		}
		period := w.period(items[i].Time)
		if at > 0 && period == last && w.name != "within" {
			continue
		}
		last = period
		keep(i, w.name+" "+w.span.String())
	}
}

func hasAll(have, want []string) bool {
	for _, tag := range want {
		if !slices.Contains(have, tag) {
			return false
		}
	}
	return len(want) > 0
}
