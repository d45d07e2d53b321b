package storageconfig

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"firn/internal/format"
)

// Validate refuses entries with an archive class for anything but data packs,
// broad ones too. An error wraps ErrArchive and names each entry, what it would
// hit, and how it is to be written. archive says which classes must be thawed.
func (c *Config) Validate(archive func(class string) bool) error {
	var wrong error
	for i := range c.Entries {
		e := &c.Entries[i]
		if archive(e.Class) && !e.forData() {
			wrong = errors.Join(wrong, &Error{e.line, e.column, e.harm(c.Entries[:i]), ErrArchive})
		}
	}
	return wrong
}

// forData says that an entry matches nothing but data packs.
func (e *Entry) forData() bool {
	return strings.HasPrefix(e.Prefix, strings.TrimSuffix(format.PrefixData, "/"))
}

// harm says what an entry with an archive class would do behind others.
func (e *Entry) harm(others []Entry) string {
	var hit []string
	for i := range kinds {
		k := &kinds[i]
		if k.Prefix == format.PrefixData || !e.meets(k) {
			continue
		}
		kept := false
		for j := range others {
			kept = kept || others[j].covers(k)
		}
		if !kept {
			hit = append(hit, k.Name)
		}
	}
	what := "the entry without a prefix"
	if e.Prefix != "" {
		what = fmt.Sprintf("the entry for %q", e.Prefix)
	}
	return fmt.Sprintf("%s puts %s into %s, from which nothing can be read before it is thawed, and only data packs may go there: write {\"prefix\": \"p\", \"storageClass\": %q}",
		what, listed(hit), e.Class, e.Class)
}

// listed joins words as people do.
func listed(words []string) string {
	switch len(words) {
	case 0:
		return "more than data packs"
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// Notice returns the remarks that were made while a file was read, and those on
// entries that have no effect. classes are the provider's, as far as known.
func (c *Config) Notice(classes []string) []Remark {
	if c == nil {
		return nil
	}
	remarks := append([]Remark(nil), c.Remarks...)
	for i := range c.Entries {
		e := &c.Entries[i]
		note := func(format string, args ...any) {
			remarks = append(remarks, Remark{e.line, e.column, fmt.Sprintf(format, args...)})
		}
		for j := range c.Entries[:i] {
			if strings.HasPrefix(e.Prefix, c.Entries[j].Prefix) {
				note("an entry before it matches all that this one matches, so that it has no effect")
				break
			}
		}
		if !e.effective() {
			note("no name in a repository begins with %q, so that the entry has no effect", e.Prefix)
		}
		if e.Class != "" && len(classes) > 0 && !slices.Contains(classes, e.Class) {
			note("%s is not among the storage classes known of the provider: %s", e.Class, strings.Join(classes, ", "))
		}
	}
	return remarks
}

// effective says whether an entry matches names of any kind.
func (e *Entry) effective() bool {
	for i := range kinds {
		if e.meets(&kinds[i]) {
			return true
		}
	}
	return false
}
