package main

import (
	"fmt"
	"strings"

	"firn/internal/config"
)

const introduction = `# The configuration file

<!-- Written by go generate ./internal/config from the structs there. Change the comments in the source, not this file. -->

The file is YAML. Every key is checked: one that is not listed here is an error that names the place and the nearest known key.
` + "`firn config path`" + ` shows which file is used, ` + "`firn config check`" + ` checks it, and the schema for editors is
[config.schema.json](config.schema.json).

It is looked for in this order: ` + "`-c FILE`" + `, the variable ` + "`FIRN_CONFIG`" + `, ` + "`firn/config.yml`" + ` in the user's
configuration folder (` + "`~/.config`" + ` on Linux), ` + "`/etc/firn/config.yml`" + `, ` + "`/app/config.yml`" + `.

In values, ` + "`${NAME}`" + ` stands for an environment variable, which must be set; ` + "`${NAME:-DEFAULT}`" + ` stands for DEFAULT if it
is not set or empty; ` + "`$$`" + ` stands for a dollar sign. Lengths of time are written as 30s, 5m or 1h; amounts per second as 500KB
(thousands) or 10MiB (powers of 1024).

` + "```yaml" + `
drives:
  - provider: s3
    label: Production
    vendor: wasabi
    bucket: company-backups
    region: eu-central-1
    access_key: ${ACCESS_KEY}
    secret_key: ${SECRET_KEY}
    prefix: backups/prod
  - provider: local
    label: Disk
    path: /srv/backup
backup:
  exclude: ["*.tmp"]
retention:
  keep_daily: 7
  keep_weekly: 5
` + "```" + `
`

// titles are the headings of the groups.
var titles = map[string]string{
	"Config":    "Top level",
	"Drive":     "A drive, under `drives`",
	"ClassRule": "An item under `storage_classes` of a drive",
	"Backup":    "Under `backup`",
	"Retention": "Under `retention`",
}

// markdownOf writes the reference page.
func markdownOf(groups []group) []byte {
	var b strings.Builder
	b.WriteString(introduction)
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n| key | value | meaning |\n|---|---|---|\n", titles[g.name])
		for _, s := range g.settings {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.key, valueOf(&s), cell(s.doc+limits(&s)))
		}
		if g.name == "Drive" {
			writeAliases(&b)
		}
	}
	return []byte(b.String())
}

// writeAliases lists the other names of settings.
func writeAliases(b *strings.Builder) {
	b.WriteString("\n### Other names\n\nNames from other programs mean the same here. In URLs and flags, - may stand for _.\n\n| name | means |\n|---|---|\n")
	_, others := config.Keys()
	for _, name := range others {
		of, opposite, why := config.AliasOf(name)
		meaning := "`" + of + "`"
		switch {
		case why != "":
			meaning = "nothing: " + why
		case of == name:
			meaning = "`endpoint`, `bucket` and `prefix` as one URL, in which the server comes first; or `path`"
		case opposite:
			meaning = "the opposite of `" + of + "`"
		}
		fmt.Fprintf(b, "| `%s` | %s |\n", name, cell(meaning))
	}
}

// valueOf says what can be written as a setting's value.
func valueOf(s *setting) string {
	if choices := s.tag.Get("enum"); choices != "" {
		return "`" + strings.Join(strings.Split(choices, ","), "`, `") + "`"
	}
	switch s.kind {
	case "bool", "*bool":
		return "`true`, `false`"
	case "int", "*int":
		return s.tag.Get("min") + " to " + s.tag.Get("max")
	}
	return map[string]string{
		"string": "text", "Secret": "secret", "Span": "length of time in y, m, w, d, h", "Duration": "length of time", "Rate": "amount per second",
		"Count": "number or `forever`", "Command": "command or list of words", "ClassRules": "list, or `PREFIX=CLASS,…`", "[]string": "list of texts", "[]Tags": "list of lists of tags",
		"[]Drive": "list of drives", "Backup": "settings", "Retention": "settings",
	}[s.kind]
}

// limits says what a setting is by default and for which drives it is.
func limits(s *setting) string {
	text := ""
	if value := s.tag.Get("default"); value != "" {
		text += " Default: " + value + "."
	}
	if provider := s.tag.Get("for"); provider == "local" {
		text += " For `provider: local` only."
	}
	return text
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
