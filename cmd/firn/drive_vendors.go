package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"firn/internal/config"
	"firn/internal/object/s3"
)

// driveVendorsFlags are the flags of firn drive vendors.
type driveVendorsFlags struct{ latency bool }

func newDriveVendorsCommand(a *app) *cobra.Command {
	f := &driveVendorsFlags{}
	c := &cobra.Command{
		Use:   "vendors [NAME]",
		Short: "Show what is known of vendors of S3 storage",
		Long: `List the vendors that 'vendor' in a drive can name, or show all that is known of one:
endpoint, regions, storage classes, how long an object is charged at least, pages on
making buckets and keys, what is different there, and what to do about its errors.

--latency measures how long each region's server takes to answer, without keys and
without looking at any bucket; the nearest comes first.`,
		Example: `  firn drive vendors
  firn drive vendors wasabi
  firn drive vendors wasabi --latency`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				if f.latency {
					return usagef("--latency needs the name of a vendor")
				}
				a.listVendors()
				return nil
			}
			return f.show(cmd.Context(), a, args[0])
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, v := range config.Vendors() {
				names = append(names, v.Name)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
	c.Flags().BoolVar(&f.latency, "latency", false, "measure how long the vendor's regions take to answer")
	return c
}

// vendorJSON is what is known of a vendor.
type vendorJSON struct {
	Name        string             `json:"name"`
	Title       string             `json:"title"`
	Aliases     []string           `json:"aliases"`
	Endpoint    string             `json:"endpoint"`
	Regions     []string           `json:"regions"`
	Region      string             `json:"region"`
	Style       string             `json:"style"`
	Classes     []string           `json:"classes"`
	Conditional string             `json:"conditional_put"`
	Checksums   string             `json:"checksums"`
	ObjectLock  string             `json:"object_lock"`
	MinimumDays int                `json:"minimum_days"`
	Buckets     string             `json:"buckets"`
	Keys        string             `json:"keys"`
	Quirks      []string           `json:"quirks"`
	Advice      []vendorAdviceJSON `json:"advice"`
}

// vendorAdviceJSON is what to do about an error at a vendor.
type vendorAdviceJSON struct {
	Code string `json:"code"`
	Do   string `json:"do"`
}

func (a *app) emitVendor(v *config.Vendor) {
	list := func(words []string) []string { return append([]string{}, words...) }
	j := vendorJSON{
		v.Name, v.Title, list(v.Aliases), v.Endpoint, list(v.Regions), v.Region, v.Style, list(v.Classes), v.Conditional, v.Checksums,
		v.ObjectLock, v.MinimumDays, v.Buckets, v.Keys, list(v.Quirks), []vendorAdviceJSON{},
	}
	for _, advice := range v.Advice {
		j.Advice = append(j.Advice, vendorAdviceJSON(advice))
	}
	a.out.emit("vendor", j)
}

func (a *app) listVendors() {
	var rows [][]string
	for _, v := range config.Vendors() {
		a.emitVendor(v)
		endpoint := v.Endpoint
		if endpoint == "" {
			endpoint = "(your server's)"
		}
		rows = append(rows, []string{v.Name, v.Title, fmt.Sprint(len(v.Regions)), endpoint})
	}
	a.out.table([]string{"NAME", "VENDOR", "REGIONS", "ENDPOINT"}, rows)
	a.out.say("'firn drive vendors NAME' shows more; any other server is vendor custom with an endpoint")
}

func (f *driveVendorsFlags) show(ctx context.Context, a *app, name string) error {
	v, err := config.VendorNamed(name)
	if err != nil {
		return advise(usage(err), "'firn drive vendors' lists them")
	}
	if f.latency {
		return a.measureVendor(ctx, v)
	}
	a.emitVendor(v)
	a.out.print("%s (%s)", v.Title, strings.Join(append([]string{v.Name}, v.Aliases...), ", "))
	var paragraphs []string
	for _, fact := range v.Facts() {
		paragraphs = append(paragraphs, fact.Name+": "+fact.Text)
	}
	paragraphs = append(paragraphs, v.Quirks...)
	for _, advice := range v.Advice {
		paragraphs = append(paragraphs, advice.Code+": "+advice.Do)
	}
	for _, p := range paragraphs {
		text := wrap(strings.Fields(p), "    ", helpWidth())
		a.out.print("  - %s", strings.TrimSpace(text))
	}
	return nil
}

// latencyJSON is how long a region's server takes to answer.
type latencyJSON struct {
	Vendor         string  `json:"vendor"`
	Region         string  `json:"region"`
	Endpoint       string  `json:"endpoint"`
	ConnectSeconds float64 `json:"connect_seconds"`
	AnswerSeconds  float64 `json:"answer_seconds"`
	Error          string  `json:"error,omitempty"`
}

// measureVendor measures the regions of a vendor.
func (a *app) measureVendor(ctx context.Context, v *config.Vendor) error {
	servers, err := v.Servers(a.setting("account"))
	if err != nil {
		return usage(err)
	}
	endpoints := make([]string, len(servers))
	regions := map[string]string{}
	for i, server := range servers {
		endpoints[i] = server.Endpoint
		regions[server.Endpoint] = server.Region
	}
	found := s3.MeasureAll(ctx, endpoints)
	var rows [][]string
	answered := false
	for _, m := range found {
		j := latencyJSON{Vendor: v.Name, Region: regions[m.Endpoint], Endpoint: m.Endpoint}
		row := []string{j.Region, m.Endpoint, "", ""}
		if m.Err != nil {
			j.Error = m.Err.Error()
			row[2] = j.Error
		} else {
			answered = true
			j.ConnectSeconds, j.AnswerSeconds = m.Connect.Seconds(), m.Answer.Seconds()
			row[2], row[3] = span(m.Connect), span(m.Answer)
		}
		a.out.emit("latency", j)
		rows = append(rows, row)
	}
	a.out.table([]string{"REGION", "SERVER", "CONNECT", "ANSWER"}, rows)
	if !answered {
		return errors.Join(errors.New("no region answered"), ctx.Err())
	}
	return nil
}
