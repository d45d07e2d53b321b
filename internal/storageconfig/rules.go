package storageconfig

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"firn/internal/format"
)

// Settings is what a drive's settings say of how objects are stored.
type Settings struct {
	// Entries stand before those of the .storageconfig.
	Entries []Entry
	// Whole is for the whole drive, where no entry above says otherwise. Its class
	// is that of data packs, and of nothing else.
	Whole Params
	// Archive says which classes must be thawed; nil takes Archive.
	Archive func(class string) bool
	// Optional goes on without what the server refuses.
	Optional bool
}

// Rules say how each object of a drive is stored: the drive's settings first, in
// what they leave open the .storageconfig. They are safe for concurrent use.
type Rules struct {
	settings Settings
	file     atomic.Pointer[Config] // nil: none, or not read yet
	refused  sync.Map               // Params that the server does not take → Params to go on with
}

// NewRules checks a drive's settings. An error wraps ErrArchive where an archive
// class is given for more than data packs.
func NewRules(s Settings) (*Rules, error) {
	if s.Archive == nil {
		s.Archive = Archive
	}
	err := s.Whole.Check()
	for _, e := range s.Entries {
		err = errors.Join(err, e.Check(), checkPrefix(e.Prefix))
	}
	if err == nil {
		err = (&Config{Entries: s.Entries}).Validate(s.Archive)
	}
	if err != nil {
		return nil, err
	}
	return &Rules{settings: s}, nil
}

// Params returns how an object is to be stored.
func (r *Rules) Params(name string) Params {
	p := r.wanted(name)
	for {
		less, refused := r.refused.Load(p)
		if !refused {
			return p
		}
		p = less.(Params)
	}
}

// wanted is Params whatever the server was found to refuse.
func (r *Rules) wanted(name string) Params {
	if !ruled(name) { // must be read at once, always
		p := r.settings.Whole
		p.Class = ""
		return p
	}
	match := func(c *Config) Params { return c.Match(name) }
	return r.combine(strings.HasPrefix(name, format.PrefixData), match)
}

// combine takes from the drive's settings first, from the file what they leave
// open.
func (r *Rules) combine(data bool, match func(*Config) Params) Params {
	p := match(&Config{Entries: r.settings.Entries})
	whole := r.settings.Whole
	if !data {
		whole.Class = ""
	}
	p.fill(whole)
	p.fill(match(r.file.Load()))
	return p
}

// Use is how a kind of objects is stored.
type Use struct {
	Kind
	Params
	More bool // entries for longer prefixes say otherwise for some
}

// Uses returns how each kind of objects is stored, data packs first.
func (r *Rules) Uses() []Use {
	list := make([]Use, len(kinds))
	for i := range kinds {
		u := Use{Kind: kinds[i]}
		u.Params = r.combine(u.Prefix == format.PrefixData, func(c *Config) Params {
			p, more := c.of(&kinds[i])
			u.More = u.More || more
			return p
		})
		list[i] = u
	}
	return list
}

// MustThaw says whether objects of a class must be thawed before they can be read.
func (r *Rules) MustThaw(class string) bool { return r.settings.Archive(class) }

// TagSets are the tags that objects are written with, each set as
// NAME=VALUE&NAME=VALUE, by the drive's settings and the file in force.
func (r *Rules) TagSets() []string {
	sets := []string{r.settings.Whole.Tags}
	entries := r.settings.Entries
	if c := r.file.Load(); c != nil {
		entries = slices.Concat(entries, c.Entries)
	}
	for i := range entries {
		sets = append(sets, entries[i].Tags)
	}
	slices.Sort(sets)
	return slices.DeleteFunc(slices.Compact(sets), func(tags string) bool { return tags == "" })
}

// Judge reads a .storageconfig without putting it into force: ErrMalformed or
// ErrArchive if it must not be followed.
func (r *Rules) Judge(text []byte) (*Config, error) {
	c, err := Parse(text)
	if err != nil {
		return nil, err
	}
	return c, c.Validate(r.settings.Archive)
}

// probes is where objects lie that are written to try a drive.
const probes = "probe/"

// ruled says whether entries are for an object: for all but the file that has
// them, and what is written to try a drive.
func ruled(name string) bool {
	return name != format.StorageConfigName && !strings.HasPrefix(name, probes)
}

// use puts a .storageconfig into force that may be followed; nil for none.
func (r *Rules) use(text []byte) error {
	var c *Config
	if text != nil {
		var err error
		if c, err = r.Judge(text); err != nil {
			return err
		}
	}
	r.file.Store(c)
	return nil
}

// Config is the .storageconfig in force, nil for none.
func (r *Rules) Config() *Config { return r.file.Load() }

// Archives says that some data packs are put into an archive class, by the drive's
// settings or the file in force.
func (r *Rules) Archives() bool {
	entries := r.settings.Entries
	if c := r.file.Load(); c != nil {
		entries = slices.Concat(entries, c.Entries)
	}
	return r.DataOnly() || slices.ContainsFunc(entries, func(e Entry) bool { return r.settings.Archive(e.Class) })
}

// DataOnly says that the drive's settings have an archive class for all data,
// which is taken for data packs only.
func (r *Rules) DataOnly() bool { return r.settings.Archive(r.settings.Whole.Class) }
