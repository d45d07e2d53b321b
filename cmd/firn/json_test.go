//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// A shape is one type of JSON line of a command, and the struct it is made of.
type shape struct {
	command, kind string
	fields        any
}

// every stands for lines that any command may write.
const every = "every command"

var shapes = []shape{
	{every, "warning", warningJSON{}}, {every, "error", errorJSON{}}, {every, "progress", state{}},
	{every, "request", requestJSON{}},
	{"init", "created", createdJSON{}}, {"init", "recovery_key", recoveryJSON{}},
	{"backup", "created", createdJSON{}}, {"backup", "recovery_key", recoveryJSON{}},
	{"backup", "problem", problemJSON{}}, {"backup", "summary", backupSummary{}},
	{"restore", "would_restore", entryJSON{}}, {"restore", "problem", problemJSON{}}, {"restore", "summary", restoreSummary{}},
	{"thaw", "thaw_plan", thawPlanJSON{}}, {"thaw", "thaw_asked", thawAskedJSON{}}, {"thaw", "thaw_loss", thawLossJSON{}}, {"thaw", "problem", problemJSON{}},
	{"thaw status", "thaw_status", thawPlanJSON{}},
	{"cat", "thaw_plan", thawPlanJSON{}}, {"cat", "thaw_progress", thawProgressJSON{}}, {"cat", "thaw_loss", thawLossJSON{}},
	{"restore", "thaw_plan", thawPlanJSON{}}, {"restore", "thaw_progress", thawProgressJSON{}}, {"restore", "thaw_loss", thawLossJSON{}},
	{"check", "thaw_plan", thawPlanJSON{}}, {"check", "thaw_progress", thawProgressJSON{}}, {"check", "thaw_loss", thawLossJSON{}},
	{"snapshots", "snapshot", snapshotJSON{}},
	{"ls", "entry", entryJSON{}},
	{"find", "match", matchJSON{}},
	{"diff", "change", changeJSON{}}, {"diff", "summary", diffSums{}},
	{"stats", "snapshot_stats", snapshotStatsJSON{}}, {"stats", "summary", statsJSON{}},
	{"check", "finding", findingJSON{}}, {"check", "summary", checkJSON{}},
	{"repair", "repair", repairJSON{}}, {"repair", "index", indexRepairJSON{}},
	{"repair", "loss", lossJSON{}}, {"repair", "snapshot_repair", snapshotRepairJSON{}},
	{"repair root", "repair", repairJSON{}}, {"repair index", "repair", repairJSON{}}, {"repair index", "index", indexRepairJSON{}},
	{"repair snapshots", "loss", lossJSON{}}, {"repair snapshots", "snapshot_repair", snapshotRepairJSON{}},
	{"forget", "verdict", verdictJSON{}}, {"forget", "summary", forgetSummary{}},
	{"prune", "summary", pruneJSON{}},
	{"cost", "cost", costJSON{}}, {"cost backup", "cost", costJSON{}}, {"cost restore", "cost", costJSON{}},
	{"cost check", "cost", costJSON{}}, {"cost prune", "cost", costJSON{}},
	{"drive storage-config apply", "cost", costJSON{}}, {"drive storage-config apply", "storage_config_apply", storageApplyJSON{}},
	{"key list", "slot", slotJSON{}},
	{"key add", "slot", slotJSON{}}, {"key add", "recovery_key", recoveryJSON{}},
	{"key change", "slot", slotJSON{}}, {"key change", "removed", removedJSON{}}, {"key change", "recovery_key", recoveryJSON{}},
	{"key remove", "removed", removedJSON{}},
	{"trust", "host", hostJSON{}}, {"distrust", "distrust", distrustJSON{}},
	{"audit", "finding", auditFindingJSON{}}, {"audit", "summary", auditJSON{}},
	{"key rotate", "rotation", rotationJSON{}}, {"key revoke", "rotation", rotationJSON{}},
	{"drive takeover", "before", claimJSON{}},
	{"drive takeover", "claim", claimJSON{}},
	{"drive list", "drive", driveJSON{}},
	{"drive add", "edit", driveEditJSON{}}, {"drive set", "edit", driveEditJSON{}},
	{"drive unset", "edit", driveEditJSON{}}, {"drive remove", "edit", driveEditJSON{}},
	{"drive browse", "object", foundJSON{}}, {"drive browse", "summary", browseJSON{}},
	{"drive vendors", "vendor", vendorJSON{}}, {"drive vendors", "latency", latencyJSON{}},
	{"drive check", "step", driveStepJSON{}}, {"drive check", "summary", driveCheckJSON{}}, {"drive check", "policy", policyJSON{}},
	{"drive lifecycle", "lifecycle", lifecycleJSON{}}, {"drive policy", "policy", policyJSON{}},
	{"drive storage-config show", "storage_config", storageJSON{}}, {"drive storage-config set", "storage_config_set", storageSetJSON{}},
	{"drive storage-config check", "storage_config_check", storageCheckJSON{}},
	{"health", "health", healthJSON{}},
	{"config path", "path", configPathJSON{}},
	{"config check", "finding", configFindingJSON{}}, {"config check", "summary", configSummary{}},
	{"version", "version", versionJSON{}},
}

// documentPath is the page that documents the lines.
var documentPath = filepath.Join("..", "..", "docs", "json.md")

// documented is what the page says: command, type, field → type of the field.
type documented map[string]map[string]map[string]string

var (
	commandLine = regexp.MustCompile("(?i)^## `?(?:firn )?([a-z ,-]+?)`?$")
	kindLine    = regexp.MustCompile("^### `([a-z_]+)`")
	sameLine    = regexp.MustCompile("^All fields of `([a-z -]+)` `([a-z_]+)`")
	fieldLine   = regexp.MustCompile("^\\| `([a-zA-Z0-9_.\\[\\]]+)` \\| ([^|]+) \\| [^|]+ \\|$")
)

// readDocument reads the tables of the page.
func readDocument(path string) (documented, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	doc := documented{}
	command, kind := "", ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if m := commandLine.FindStringSubmatch(line); m != nil {
			command, kind = strings.ToLower(m[1]), ""
			if doc[command] == nil {
				doc[command] = map[string]map[string]string{}
			}
		} else if m := kindLine.FindStringSubmatch(line); m != nil && command != "" {
			kind = m[1]
			doc[command][kind] = map[string]string{}
		} else if m := sameLine.FindStringSubmatch(line); m != nil {
			if doc[m[1]][m[2]] == nil || kind == "" {
				return nil, fmt.Errorf("the fields are not documented above: %s", line)
			}
			maps.Copy(doc[command][kind], doc[m[1]][m[2]])
		} else if m := fieldLine.FindStringSubmatch(line); m != nil {
			if kind == "" {
				return nil, fmt.Errorf("a field outside of a type: %s", line)
			}
			doc[command][kind][m[1]] = m[2]
		}
	}
	return doc, nil
}

// fieldsOf lists the fields of a struct as the page names them.
func fieldsOf(t reflect.Type, prefix string, into map[string]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		inner := f.Type
		for inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if f.Anonymous && name == "" {
			fieldsOf(inner, prefix, into)
			continue
		}
		if name == "" {
			name = f.Name
		}
		word := wordOf(inner)
		if strings.Contains(options, "omitempty") {
			word += ", optional"
		}
		into[prefix+name] = word
		if inner == reflect.TypeFor[requests]() {
			continue // has a section of its own
		}
		switch {
		case word == "object" || word == "object, optional":
			fieldsOf(inner, prefix+name+".", into)
		case strings.HasPrefix(word, "list of objects"):
			fieldsOf(inner.Elem(), prefix+name+"[].", into)
		}
	}
}

// wordOf is how the page calls a type.
func wordOf(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "time"
	case t == reflect.TypeFor[[]byte]():
		return "base64"
	case t == reflect.TypeFor[requests]():
		return "requests"
	}
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Struct:
		return "object"
	case reflect.Slice:
		return "list of " + wordOf(t.Elem()) + "s"
	}
	return "number"
}

// TestDocument holds docs/json.md to the structs that are written, both ways.
func TestDocument(t *testing.T) {
	doc, err := readDocument(documentPath)
	if err != nil {
		t.Fatal(err)
	}
	want := documented{"requests": {"requests": {}}}
	fieldsOf(reflect.TypeFor[requests](), "", want["requests"]["requests"])
	for _, s := range shapes {
		if want[s.command] == nil {
			want[s.command] = map[string]map[string]string{}
		}
		fields := map[string]string{}
		fieldsOf(reflect.TypeOf(s.fields), "", fields)
		want[s.command][s.kind] = fields
	}
	for command, kinds := range want {
		for kind, fields := range kinds {
			if doc[command][kind] == nil {
				t.Errorf("%s: the type %s is not documented; it has:\n%s", command, kind, table(fields))
				continue
			}
			for name, word := range fields {
				if got := doc[command][kind][name]; got != word {
					t.Errorf("%s: %s.%s is documented as %q and is %q", command, kind, name, got, word)
				}
			}
			for name := range doc[command][kind] {
				if _, ok := fields[name]; !ok {
					t.Errorf("%s: %s.%s is documented and is not written", command, kind, name)
				}
			}
		}
	}
	for command, kinds := range doc {
		for kind := range kinds {
			if want[command][kind] == nil {
				t.Errorf("%s: the type %s is documented and is not written", command, kind)
			}
		}
	}
}

// table is the beginning of what the page lacks.
func table(fields map[string]string) string {
	var rows []string
	for name, word := range fields {
		rows = append(rows, fmt.Sprintf("| `%s` | %s |  |", name, word))
	}
	slices.Sort(rows)
	return strings.Join(rows, "\n")
}

// jsonLines: json FILE COMMAND [TYPE.FIELD=VALUE…]: every line of the file is
// one that the page documents for the command, and for every TYPE.FIELD=VALUE
// there is a line of that type with that value (!=: another value). TYPE*N is N lines of a type.
func jsonLines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: json FILE COMMAND [TYPE.FIELD=VALUE…] [TYPE*N…]")
	}
	doc, err := readDocument(documentPathOfScripts)
	ts.Check(err)
	byKind := map[string][]map[string]any{}
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		kind, fields, err := doc.check(args[1], line)
		if err != nil {
			ts.Fatalf("%v\n  in %s", err, line)
		}
		byKind[kind] = append(byKind[kind], fields)
	}
	for _, want := range args[2:] {
		if kind, n, ok := strings.Cut(want, "*"); ok && !strings.Contains(kind, ".") {
			if fmt.Sprint(len(byKind[kind])) != n {
				ts.Fatalf("%d lines of type %s, not %s", len(byKind[kind]), kind, n)
			}
			continue
		}
		path, value, _ := strings.Cut(want, "=")
		path, unequal := strings.CutSuffix(path, "!")
		kind, path, _ := strings.Cut(path, ".")
		if !slices.ContainsFunc(byKind[kind], func(f map[string]any) bool { return (at(f, path) == value) != unequal }) {
			ts.Fatalf("no line has %s:\n%s", want, ts.ReadFile(args[0]))
		}
	}
}

// documentPathOfScripts is absolute: scripts run elsewhere.
var documentPathOfScripts = func() string { path, _ := filepath.Abs(documentPath); return path }()

// check holds one line to the page.
func (doc documented) check(command, line string) (kind string, fields map[string]any, err error) {
	if err := json.Unmarshal([]byte(line), &fields); err != nil {
		return "", nil, err
	}
	kind, _ = fields["type"].(string)
	known := doc[command][kind]
	if known == nil {
		known = doc[every][kind]
	}
	if known == nil {
		return "", nil, fmt.Errorf("%s: type %q is not documented", command, kind)
	}
	delete(fields, "type")
	if n := strings.Count(line, `"type":`); n != 1 {
		return "", nil, fmt.Errorf("%s: %s has the field type %d times", command, kind, n)
	}
	for name := range fields {
		if known[name] == "" {
			return "", nil, fmt.Errorf("%s: %s.%s is not documented", command, kind, name)
		}
	}
	for name, word := range known {
		if _, there := fields[name]; !there && !strings.Contains(word, "optional") && !strings.ContainsAny(name, ".[") {
			return "", nil, fmt.Errorf("%s: %s.%s is missing", command, kind, name)
		}
	}
	return kind, fields, nil
}

// at returns the value under a dotted path as text.
func at(fields map[string]any, path string) string {
	name, rest, more := strings.Cut(path, ".")
	value, ok := fields[name]
	switch {
	case !ok:
		return "(none)"
	case more:
		inner, _ := value.(map[string]any)
		return at(inner, rest)
	}
	if list, ok := value.([]any); ok {
		var words []string
		for _, v := range list {
			words = append(words, fmt.Sprint(v))
		}
		return strings.Join(words, ",")
	}
	if n, ok := value.(float64); ok {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprint(value)
}
