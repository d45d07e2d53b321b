package price

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/internal/config"
	"firn/internal/object"
)

// TestShipped: the table fits the vendors: each sheet's classes are the vendor's,
// archive classes can be thawed, and only they.
func TestShipped(t *testing.T) {
	table, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for at := range table.sheets {
		named[at.vendor] = true
		s := table.Sheet(at.vendor, at.region)
		v, ok := config.FindVendor(at.vendor)
		if !ok || !s.Known() || s.Source == "" || !s.Class("").Known || !IsKnown(s.PerGBOut) {
			t.Errorf("%v: vendor, date, source, STANDARD or transfer is missing", at)
		}
		if at.region != "" && !slices.Contains(v.Regions, at.region) {
			t.Errorf("%v: the vendor has no such region", at)
		}
		for name, c := range s.classes {
			if !slices.Contains(v.Classes, name) {
				t.Errorf("%v: the vendor has no class %s", at, name)
			}
			if thaw, _ := v.MustThaw(name); thaw != (len(c.Thaw) > 0) {
				t.Errorf("%v %s: ways to thaw: %v", at, name, c.Thaw)
			}
		}
	}
	if named["aws"] = true; len(named) < 6 {
		t.Errorf("vendors in the table: %v", named)
	}
	for _, region := range []string{"us-east-1", "eu-central-1"} {
		for _, class := range []string{"STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"} {
			if c := table.Sheet("aws", region).Class(class); !c.Known || !IsKnown(c.PerThousandPut+c.PerThousandGet+c.PerThousandList+c.PerThousandCopy) {
				t.Errorf("aws %s %s: %+v", region, class, c)
			}
		}
	}
	deep := table.Sheet("aws", "us-east-1").Class("DEEP_ARCHIVE")
	if _, ok := deep.Tier(object.Expedited); ok || deep.MinimumDays != 180 {
		t.Errorf("DEEP_ARCHIVE: %+v", deep)
	}
	if bulk, ok := deep.Tier(object.Bulk); !ok || bulk.To != 48*time.Hour || bulk.PerGB != 0.0025 {
		t.Errorf("DEEP_ARCHIVE bulk: %+v", bulk)
	}
}

// TestUnknown: what is not in the table has no price, which is not zero.
func TestUnknown(t *testing.T) {
	table, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Sheet{table.Sheet("custom", ""), table.Sheet("aws", "us-gov-east-1")} {
		if c := s.Class("STANDARD"); s.Known() || c.Known || IsKnown(c.PerGBMonth) || IsKnown(s.PerGBOut) || s.Money(c.PerGBMonth) != "unknown" {
			t.Errorf("%+v", s)
		}
	}
	s := table.Sheet("aws", "us-east-1")
	if c := s.Class("EXPRESS"); c.Known || IsKnown(c.PerThousandPut) || c.Name != "EXPRESS" {
		t.Errorf("%+v", c)
	}
	if got := s.Storage("EXPRESS", 1, 1, 30); IsKnown(got) {
		t.Errorf("storage in an unknown class costs %g", got)
	}
	if IsKnown(Requests(1, Unknown)) || Requests(0, Unknown) != 0 || s.PerGB(0, Unknown) != 0 {
		t.Error("nothing costs nothing, and something at an unknown price is unknown")
	}
}

// write makes a file of prices.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "prices.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOwnFile: a user's file is laid over the shipped one, setting by setting.
func TestOwnFile(t *testing.T) {
	table, err := Load(write(t, `
prices:
  - vendor: AWS
    regions: [us-east-1, us-gov-east-1]
    date: 2026-12-01
    source: our contract
    per_gb_out: 0.02
    classes:
      - {class: STANDARD, per_gb_month: 0.019}
      - {class: GLACIER, thaw: [{tier: bulk, per_gb: 0.001, per_1000: 0.01, from: 5h, to: 12h}]}
      - {class: EXPRESS, per_gb_month: 0.11}
  - vendor: wasabi
    date: 2026-12-02
    currency: EUR
  - vendor: minio
    date: 2026-12-03
    classes: [{class: STANDARD, per_gb_month: 0.004}]
`))
	if err != nil {
		t.Fatal(err)
	}
	s := table.Sheet("aws", "us-east-1")
	if c := s.Class(""); c.PerGBMonth != 0.019 || c.PerThousandPut != 0.005 || s.PerGBOut != 0.02 || s.Source != "our contract" || s.GB != 1<<30 {
		t.Errorf("%+v, STANDARD %+v", s, c)
	}
	if c := s.Class("GLACIER"); len(c.Thaw) != 1 || c.PerGBMonth != 0.0036 || !s.Class("EXPRESS").Known {
		t.Errorf("GLACIER %+v", c)
	}
	if c := table.Sheet("aws", "us-east-2").Class(""); c.PerGBMonth != 0.023 {
		t.Errorf("another region has changed: %+v", c)
	}
	if s := table.Sheet("aws", "us-gov-east-1"); !s.Known() || s.GB != 1e9 || IsKnown(s.Class("STANDARD").PerThousandPut) {
		t.Errorf("a region that the table has not: %+v", s)
	}
	if s := table.Sheet("wasabi", "eu-central-1"); s.Currency != "EUR" || s.Money(s.PerMonthAtLeast) != "€7.99" {
		t.Errorf("%+v", s)
	}
	if s := table.Sheet("minio", ""); s.Class("").PerGBMonth != 0.004 || s.Money(0.001) != "less than $0.01" {
		t.Errorf("%+v", s)
	}
	if shipped, err := Load(""); err != nil || shipped.Sheet("aws", "us-east-1").Class("").PerGBMonth != 0.023 {
		t.Error("the shipped table has changed")
	}
}

// TestWholeVendor: an entry without regions is laid over all that are known.
func TestWholeVendor(t *testing.T) {
	table, err := Load(write(t, "prices: [{vendor: aws, date: 2026-12-01, per_gb_out: 0.05}]"))
	if err != nil {
		t.Fatal(err)
	}
	for region, known := range map[string]bool{"us-east-1": true, "eu-central-1": true, "us-gov-east-1": false} {
		if s := table.Sheet("aws", region); s.PerGBOut != 0.05 || s.Class("").Known != known {
			t.Errorf("%s: %+v", region, s)
		}
	}
}

func TestMistakes(t *testing.T) {
	const head = "prices:\n  - vendor: aws\n    date: 2026-12-01\n"
	for text, want := range map[string]string{
		head + "    per_gb_outt: 1\n":                                                ":4:5: prices[0].per_gb_outt: there is no such setting; did you mean per_gb_out?",
		head + "    per_gb_out: cheap\n":                                             ":4:17: prices[0].per_gb_out: \"cheap\" is no price",
		head + "    per_gb_out: -1\n":                                                "is no price",
		head + "    per_gb_out: .nan\n":                                              "is no price",
		head + "    gb: 1024\n":                                                      "gb is 1024",
		head + "    classes: [{class: standard_ia}]\n":                               "is no storage class",
		head + "    classes: [{class: A}, {class: A}]\n":                             "missing or there twice",
		head + "    classes: [{per_gb_month: 1}]\n":                                  "missing or there twice",
		head + "    classes: [{class: A, minimum_days: -1}]\n":                       "cannot be",
		head + "    classes: [{class: A, thaw: [{tier: fast}]}]\n":                   `"fast" is not one of expedited, standard, bulk`,
		head + "    classes: [{class: A, thaw: [{from: 1h}]}]\n":                     "tier of thaw is missing",
		head + "    classes: [{class: A, thaw: [{tier: bulk, from: 2h, to: 1h}]}]\n": "to is before from",
		head + "    regions: [a, a]\n":                                               `region "a" is there twice`,
		head + "    currency: dollars\n":                                             "is no currency",
		"prices: [{vendor: aws}]\n":                                                  "date is missing",
		"prices: [{date: 2026-12-01}]\n":                                             "vendor is missing",
		"prices: [{vendor: amazonia, date: 2026-12-01}]\n":                           "is not known",
		"prices: [{vendor: aws, date: 1.12.2026}]\n":                                 "is no date",
		"price: []\n": ":1:1: price: there is no such setting; did you mean prices?",
	} {
		if _, err := Load(write(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, wanted %q", text, err, want)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "read prices") {
		t.Errorf("%v", err)
	}
}

// TestByHand: a month of 1,000 objects of 32 MiB in GLACIER beside what somebody
// reckons with a pencil: 1,000·(32 MiB + 32 KiB) = 31.28052 GiB at $0.0036, and
// 1,000·8 KiB = 0.0076294 GiB at $0.023.
func TestByHand(t *testing.T) {
	table, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	s := table.Sheet("aws", "us-east-1")
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"a month in GLACIER", s.Storage("GLACIER", 1000, 1000*32<<20, 30), 31.2805176*0.0036 + 0.0076294*0.023},
		{"a day in STANDARD", s.Storage("STANDARD", 1000, 1000*32<<20, 1), 31.25 * 0.023 / 30},
		{"a month in INTELLIGENT_TIERING", s.Storage("INTELLIGENT_TIERING", 1000, 1000*32<<20, 30), 31.25*0.023 + 0.0025},
		{"2,500 requests", Requests(2500, 0.005), 0.0125},
		{"3 GiB out", s.PerGB(3<<30, s.PerGBOut), 0.27},
	} {
		if math.Abs(c.got-c.want) > 1e-6 {
			t.Errorf("%s: %.9f, by hand %.9f", c.what, c.got, c.want)
		}
	}
	ia := s.Class("STANDARD_IA")
	if ia.Billed(1) != 128<<10 || ia.Billed(1<<20) != 1<<20 {
		t.Errorf("minimum size: %d", ia.Billed(1))
	}
}

func FuzzPrices(f *testing.F) {
	f.Add(shipped)
	f.Add([]byte("prices: [{vendor: aws, date: 2026-12-01, classes: [{class: A, per_gb_month: 1e3}]}]"))
	f.Add([]byte("prices: [{vendor: &a aws, <<: {date: 2026-12-01}}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		table, err := readShipped().with("fuzz.yaml", text)
		if err != nil {
			return
		}
		for at := range table.sheets {
			s := table.Sheet(at.vendor, at.region)
			for name, c := range s.classes {
				if month := s.Storage(name, 1, c.Billed(1), 30); month < 0 || math.IsInf(month, 0) {
					t.Errorf("%v %s: a month costs %g", at, name, month)
				}
			}
		}
	})
}
