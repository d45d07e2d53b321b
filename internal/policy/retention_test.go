package policy

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func at(text string) Item {
	t, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return Item{Time: t}
}

func kept(k Keep, items []Item) []int {
	var list []int
	for i, v := range k.Apply(items) {
		if v.Keep {
			list = append(list, i)
		}
	}
	return list
}

func TestApply(t *testing.T) {
	items := []Item{
		at("2025-12-31 23:30"), at("2026-01-01 00:10"), at("2026-01-01 12:00"), at("2026-01-02 12:00"),
		at("2026-01-02 12:30"), at("2026-01-02 13:00"), at("2026-02-01 08:00"),
	}
	items[1].Tags = []string{"gold", "db"}
	for _, c := range []struct {
		name string
		keep Keep
		want []int
	}{
		{"none", Keep{}, nil},
		{"last", Keep{Last: 2}, []int{5, 6}},
		{"last forever", Keep{Last: Forever}, []int{0, 1, 2, 3, 4, 5, 6}},
		{"hourly", Keep{Hourly: 3}, []int{4, 5, 6}},
		{"daily", Keep{Daily: 3}, []int{2, 5, 6}},
		{"weekly", Keep{Weekly: 2}, []int{5, 6}},
		{"monthly", Keep{Monthly: 2}, []int{5, 6}},
		{"yearly", Keep{Yearly: 5}, []int{0, 6}},
		{"daily forever", Keep{Daily: Forever}, []int{0, 2, 5, 6}},
		{"within", Keep{Within: Span{Months: 1}}, []int{2, 3, 4, 5, 6}},
		{"within daily", Keep{WithinDaily: Span{Years: 1}}, []int{0, 2, 5, 6}},
		{"tag", Keep{Tags: [][]string{{"gold"}, {"silver"}}}, []int{1}},
		{"all tags of a list", Keep{Tags: [][]string{{"gold", "db"}}}, []int{1}},
		{"one tag of a list is missing", Keep{Tags: [][]string{{"gold", "other"}}}, nil},
		{"union", Keep{Last: 1, Yearly: 2}, []int{0, 6}},
	} {
		if got := kept(c.keep, items); !slices.Equal(got, c.want) {
			t.Errorf("%s: kept %v, want %v", c.name, got, c.want)
		}
	}
}

func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.SliceOfNDistinct(rapid.Int64Range(0, 5*365*24*3600), 1, 40, rapid.ID[int64]).Draw(t, "times")
		keep := Keep{
			Last: rapid.IntRange(-1, 5).Draw(t, "last"), Daily: rapid.IntRange(-1, 5).Draw(t, "daily"),
			Yearly: rapid.IntRange(-1, 3).Draw(t, "yearly"), WithinWeekly: Span{Days: rapid.IntRange(0, 99).Draw(t, "days")},
		}
		times := func(order []int64) []int64 {
			items := make([]Item, len(order))
			for i, s := range order {
				items[i].Time = time.Unix(s, 0).UTC()
			}
			var list []int64
			for i, v := range keep.Apply(items) {
				if v.Keep != (len(v.Reasons) > 0) {
					t.Fatalf("verdict without reason or the other way round: %+v", v)
				}
				if v.Keep {
					list = append(list, order[i])
				}
			}
			slices.Sort(list)
			return list
		}
		other := rapid.Permutation(seconds).Draw(t, "order")
		if a, b := times(seconds), times(other); !slices.Equal(a, b) {
			t.Fatalf("%v and %v", a, b)
		}
		if !keep.Empty() && len(times(seconds)) == 0 {
			t.Fatal("a policy with rules keeps at least the newest")
		}
	})
}

func TestParseSpan(t *testing.T) {
	for text, want := range map[string]Span{
		"1y": {Years: 1}, "2y5m7d3h": {2, 5, 7, 3}, "2w": {Days: 14}, "12h30d": {Days: 30, Hours: 12},
	} {
		if got, err := ParseSpan(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "5", "d", "-1d", "1x", "1d2d", "0d", "99999999999d", "1.5h"} {
		if got, err := ParseSpan(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

func FuzzParseSpan(f *testing.F) {
	f.Add("1y2m3d4h")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSpan(text)
		if err != nil {
			return
		}
		if again, err := ParseSpan(s.String()); err != nil || again != s {
			t.Errorf("%q: %v, then %v (%v)", text, s, again, err)
		}
	})
}
