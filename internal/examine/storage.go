package examine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/s3"
	"firn/internal/storageconfig"
)

// tieringClass is the class whose objects sink into archive tiers where the bucket
// has them switched on.
const tieringClass = "INTELLIGENT_TIERING"

// ruled is the drive as the bucket's own rules see it.
func (e *examination) ruled() ruled { return ruled{e.Prefix, e.Rules} }

// storage looks at the .storageconfig and puts it into force for what comes after.
func (e *examination) storage(ctx context.Context) {
	if e.Rules == nil {
		return
	}
	say := func(text string, args ...any) { e.skip(StepStorage, fmt.Sprintf(text, args...), "") }
	text, err := e.Rules.Around(e.Store, storageconfig.Watch{Say: say}).Load(ctx)
	switch {
	case err != nil:
		e.fail(StepStorage, err)
	case text == nil:
		e.ok(StepStorage, "there is no %s", format.StorageConfigName)
	default:
		remarks := e.Rules.Config().Notice(e.Classes)
		if len(remarks) == 0 {
			e.ok(StepStorage, "%s is in order: %d entries", format.StorageConfigName, len(e.Rules.Config().Entries))
		}
		for _, r := range remarks {
			e.warn(StepStorage, format.StorageConfigName+": "+r.String(), "'firn drive storage-config show' shows what becomes of each kind of object")
		}
	}
}

// classes finds out whether the server keeps the storage classes that are asked for,
// by the settings and by the .storageconfig.
func (e *examination) classes(ctx context.Context) {
	var asked []string
	if e.Class != "" {
		asked = append(asked, e.Class)
	}
	if e.Rules != nil {
		for _, u := range e.Rules.Uses() {
			if u.Class != "" && !slices.Contains(asked, u.Class) {
				asked = append(asked, u.Class)
			}
		}
	}
	for _, class := range asked {
		e.class(ctx, class)
	}
}

// tiering tells of archive tiers into which objects of the drive sink by themselves.
// It asks only where objects are in the class that has them.
func (e *examination) tiering(ctx context.Context) {
	if e.Rules == nil {
		return
	}
	var data bool
	var rest []string // prefixes of other kinds in the class
	for _, u := range e.Rules.Uses() {
		switch {
		case u.Class != tieringClass:
		case u.Prefix == format.PrefixData:
			data = true
		default:
			rest = append(rest, u.Prefix)
		}
	}
	if !data && rest == nil {
		return
	}
	found, err := e.Bucket.ArchiveTiers(ctx)
	if err != nil {
		e.unknown(StepTiering, err, rightTiering)
		return
	}
	var cold []string
	for i := range found {
		t := &found[i]
		if !t.Enabled || len(t.Tiers) == 0 || !e.ruled().carries(t.Tags) || !meets(t.Prefix, e.Prefix) {
			continue
		}
		if slices.ContainsFunc(rest, func(prefix string) bool { return meets(t.Prefix, e.Prefix+prefix) }) {
			e.fail(StepTiering, &object.Error{
				Op: "look at archive tiers", Err: fmt.Errorf("%w: %s, and more than data packs is in %s", ErrLifecycle, sinks(t), tieringClass),
				Advice: "confine the configuration to " + e.Prefix + format.PrefixData + ", or put data packs alone into the class",
			})
			return
		}
		if meets(t.Prefix, e.Prefix+format.PrefixData) {
			cold = append(cold, sinks(t))
		}
	}
	if len(cold) == 0 {
		e.ok(StepTiering, "no archive tier of %s concerns this drive", tieringClass)
		return
	}
	e.warn(StepTiering, strings.Join(cold, "; "), "restores have to thaw data packs that sank there first; copies of them stay, and ask for no days")
}

// sinks says what a configuration does.
func sinks(t *s3.ArchiveTiers) string {
	var tiers []string
	for _, tier := range t.Tiers {
		tiers = append(tiers, fmt.Sprintf("%s after %d days", tier.Name, tier.Days))
	}
	return fmt.Sprintf("configuration %q has objects under %q sink into %s unread", t.ID, t.Prefix, strings.Join(tiers, ", "))
}
