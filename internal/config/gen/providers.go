package main

import (
	"fmt"
	"strings"

	"firn/internal/config"
)

const providersHead = `# Providers

<!-- Written by go generate ./internal/config from vendors.yaml there. Change the data, not this file. -->

What Firn knows of S3 servers and of the companies that run them. With ` + "`vendor: NAME`" + ` in a drive, the
endpoint, the region and the addressing style need not be given as far as they stand here;
` + "`firn drive vendors NAME`" + ` shows the same, and ` + "`--latency`" + ` how far its regions are. A server that is not
listed is ` + "`vendor: custom`" + ` with an ` + "`endpoint`" + `. How drives are written is told in [drives.md](drives.md).

The columns: *regions* is how many are known, and others are taken as they are written. *Style* says where the
bucket stands, in the host name (virtual) or in the path. *Conditional PUT* says what becomes of a write that
must not replace anything: yes; no (it is refused); ignored (it replaces nonetheless); unquoted (If-Match wants
the ETag without quotes); unknown. *Days* is for how long an object is charged at least. Whatever stands here, a
drive's abilities are probed before they are relied upon.

`

// providersOf writes the page of vendors.
func providersOf(vendors []*config.Vendor) []byte {
	var b strings.Builder
	b.WriteString(providersHead)
	b.WriteString("| vendor | name | regions | style | conditional PUT | object lock | days |\n|---|---|---|---|---|---|---|\n")
	for _, v := range vendors {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s | %s | %s | %s | %s |\n", v.Name, v.Name, cell(v.Title),
			unlessZero(len(v.Regions)), v.Style, v.Conditional, v.ObjectLock, unlessZero(v.MinimumDays))
	}
	for _, v := range vendors {
		writeProvider(&b, v)
	}
	return []byte(b.String())
}

func unlessZero(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// writeProvider writes all that is known of one vendor.
func writeProvider(b *strings.Builder, v *config.Vendor) {
	fmt.Fprintf(b, "\n## %s\n\n%s", v.Name, v.Title)
	if len(v.Aliases) > 0 {
		fmt.Fprintf(b, ", also `%s`", strings.Join(v.Aliases, "`, `"))
	}
	b.WriteString(".\n\n")
	for _, fact := range v.Facts() {
		text := fact.Text
		switch {
		case fact.Code:
			text = "`" + strings.ReplaceAll(text, " ", "` `") + "`"
		case fact.Link:
			text = "<" + text + ">"
		}
		fmt.Fprintf(b, "- %s: %s\n", fact.Name, text)
	}
	if len(v.Quirks) > 0 {
		b.WriteString("\n")
	}
	for _, quirk := range v.Quirks {
		b.WriteString("- " + quirk + "\n")
	}
	if len(v.Advice) == 0 {
		return
	}
	b.WriteString("\n| error | what to do |\n|---|---|\n")
	for _, a := range v.Advice {
		fmt.Fprintf(b, "| `%s` | %s |\n", a.Code, cell(a.Do))
	}
}
