package storageconfig

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"firn/internal/format"
	"firn/internal/object"
)

// Store is a drive on which objects are stored by rules. It reads the
// .storageconfig when the first pack of a run is put, so that a run that
// writes none does without the request; what is put before goes by the copy in
// the local cache. After the first object of each way to store it looks what the
// server made of it.
type Store struct {
	object.Store
	rules *Rules
	watch Watch
	cache cache

	mu      sync.Mutex
	fresh   bool     // guarded by mu; the file was read in this run
	lent    bool     // guarded by mu; the cached copy is in force
	looked  []Params // guarded by mu; looked at in this run
	checked []Params // guarded by mu; seen to be kept, in this run
	before  []Params // guarded by mu; seen to be kept, in earlier ones
}

// Watch is how a Store finds out what became of objects, and whom it tells.
type Watch struct {
	// Headers returns what the server says of an object in answer to HEAD.
	Headers func(ctx context.Context, name string) (http.Header, error)
	// Say takes a warning of one line.
	Say func(format string, args ...any)
	// Cache is the root folder of local caches; "" for none.
	Cache string
}

// Around puts a Store around a drive whose requests take their parameters from
// the rules.
func (r *Rules) Around(store object.Store, w Watch) *Store {
	s := &Store{Store: store, rules: r, watch: w, cache: cacheOf(w.Cache, store.Location())}
	if k := s.cache.get(); k != nil {
		s.before = k.Checked
	}
	return s
}

// Put implements object.Store. A .storageconfig is put only if it may be followed,
// and is in force then. Beyond the contract's errors Put fails with ErrMalformed or
// ErrArchive for one that must not be followed, and with object.ErrUnsupported for
// a way to store that the server refuses.
func (s *Store) Put(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
	if name == format.StorageConfigName {
		return s.write(ctx, body, opts)
	}
	if ruled(name) {
		if err := s.ready(ctx, name); err != nil {
			return object.Info{}, err
		}
	}
	for {
		p := s.rules.Params(name)
		info, err := s.Store.Put(ctx, name, body, opts)
		if p == (Params{}) || opts.Class != "" {
			return info, err
		}
		if err == nil {
			return info, s.compare(ctx, name, p)
		}
		if !errors.Is(err, object.ErrUnsupported) || !s.able(opts) {
			return info, err
		}
		if !s.rules.settings.Optional {
			return info, &object.Error{
				Op: "put", Name: name, Err: fmt.Errorf("the server does not store with %s: %w", p, err),
				Advice: "choose what this provider has, in the drive's settings or in " + format.StorageConfigName + ", or go on without by --class-optional",
			}
		}
		s.lower(p)
	}
}

// able says whether the server can do what is asked of a Put beyond how to store it.
func (s *Store) able(opts object.PutOptions) bool {
	can := s.Capabilities()
	return (!opts.IfAbsent || can.IfAbsent) && (opts.IfMatch == "" || can.IfMatch) && (opts.RetainUntil.IsZero() || can.Retain)
}

// lower goes on with less than the server refuses: without the class first, then
// without anything.
func (s *Store) lower(p Params) {
	less := p
	less.Class = ""
	if p.Class == "" {
		less = Params{}
	}
	if _, known := s.rules.refused.LoadOrStore(p, less); !known {
		s.watch.Say("%s: the server does not store with %s; going on with %s", s.Location(), p, less)
	}
}

// ArchivesData says that data packs go into an archive class, as far as that is known
// without a request: by the drive's settings, and by the file in force or the copy of
// it in the local cache.
func (s *Store) ArchivesData() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.fresh && !s.lent {
		if k := s.cache.get(); k != nil {
			s.lent = s.rules.use(k.File) == nil
		}
	}
	return s.rules.settings.Archive(s.rules.Uses()[0].Class)
}

// ready sees to it that the file is known as far as an object needs it.
func (s *Store) ready(ctx context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fresh || s.lent && !isPack(name) {
		return nil
	}
	if !isPack(name) {
		if k := s.cache.get(); k != nil {
			if s.rules.use(k.File) == nil {
				s.lent = true
				return nil
			}
		}
	}
	_, err := s.load(ctx)
	return err
}

func isPack(name string) bool {
	return strings.HasPrefix(name, format.PrefixData) || strings.HasPrefix(name, format.PrefixMeta)
}

// Load reads the .storageconfig now and puts it into force. It returns the text,
// nil if there is none.
func (s *Store) Load(ctx context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.load(ctx)
}

// load reads the file. The caller holds mu.
func (s *Store) load(ctx context.Context) ([]byte, error) {
	text, _, err := s.Get(ctx, format.StorageConfigName, MaxSize)
	switch {
	case errors.Is(err, object.ErrNotFound):
		text = nil
	case errors.Is(err, object.ErrAccess):
		// Servers also answer so where there is none and the keys may not list.
		s.watch.Say("%s: these keys may not read %s; objects are stored as if there were none", s.Location(), format.StorageConfigName)
		text = nil
	case errors.Is(err, object.ErrTooLarge):
		return nil, unfit(fmt.Errorf("%w: %w", ErrMalformed, err))
	case err != nil:
		return nil, fmt.Errorf("learn how to store objects: %w", err)
	default:
		text = append([]byte{}, text...) // not nil, though it be empty
	}
	if err := s.rules.use(text); err != nil {
		return nil, unfit(err)
	}
	s.learnt(text)
	return text, nil
}

// learnt notes what the drive's file is. The caller holds mu.
func (s *Store) learnt(text []byte) {
	s.fresh = true
	s.cache.keep(known{text, s.seen()})
}

// unfit is the error about a file that must not be followed.
func unfit(err error) error {
	return &object.Error{
		Op: "read", Name: format.StorageConfigName, Err: err,
		Advice: "correct it and put it there with 'firn drive storage-config set FILE'; nothing is written while it is so",
	}
}

// write puts a .storageconfig on the drive and into force.
func (s *Store) write(ctx context.Context, text []byte, opts object.PutOptions) (object.Info, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.rules.Judge(text); err != nil {
		return object.Info{}, err
	}
	info, err := s.Store.Put(ctx, format.StorageConfigName, text, opts)
	if err == nil {
		err = s.rules.use(text)
	}
	if err != nil {
		return info, err
	}
	s.learnt(text)
	return info, nil
}

// seen is all that the server was seen to keep. The caller holds mu.
func (s *Store) seen() []Params {
	all := slices.Clone(s.before)
	for _, p := range s.checked {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	const most = 64
	return all[max(0, len(all)-most):]
}

// Probe implements object.Prober.
func (s *Store) Probe(ctx context.Context) (object.Capabilities, error) {
	return object.Learn(ctx, s.Store)
}

// SetCapabilities implements object.Prober.
func (s *Store) SetCapabilities(known object.Capabilities) { object.Remind(s.Store, known) }

// Wrapped implements object.Wrapper.
func (s *Store) Wrapped() object.Store { return s.Store }

// Rules are the rules by which objects are stored.
func (s *Store) Rules() *Rules { return s.rules }
