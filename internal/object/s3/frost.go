package s3

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"sync/atomic"

	"firn/internal/object"
)

// amazonArchives are the classes of AWS that must be thawed before they are read.
var amazonArchives = []string{"GLACIER", "DEEP_ARCHIVE"}

// isArchive says that objects of a class must be thawed before they are read.
func (s *Store) isArchive(class string) bool {
	if s.archive != nil {
		return s.archive(class)
	}
	return slices.Contains(amazonArchives, class)
}

// Frost implements object.Thawer. It asks with a HEAD.
func (s *Store) Frost(ctx context.Context, name string) (object.Frost, error) {
	info, header, err := s.look(ctx, name)
	if err != nil {
		return object.Frost{}, err
	}
	copied, err := readRestore(header.Get(headerRestore))
	if err != nil {
		return object.Frost{}, fail(opHead, name, wrongAnswer(err.Error()))
	}
	if copied != nil && info.Class != tiering {
		s.telling.witness.Store(&name)
	}
	return copied.frost(object.Frost{Info: info, Frozen: s.isArchive(info.Class) || header.Get(headerArchive) != ""}), nil
}

// telling is what is known about whether a server's listings tell of copies.
// Servers that pass over the question answer as if nothing were thawed.
type telling struct {
	shown  atomic.Bool // they were seen to tell
	hidden atomic.Bool // they were seen not to
	// witness is an object that a truthful listing shows with a copy, as far as
	// known; nil for none.
	witness atomic.Pointer[string]
}

// Frosts implements object.Thawer. Whether the server's listings tell of copies
// is found out as soon as this store has seen one, through Thaw or Frost. Until
// then they are taken at their word: at worst a copy is asked for that is there.
func (s *Store) Frosts(ctx context.Context, prefix string) iter.Seq2[object.Frost, error] {
	return func(yield func(object.Frost, error) bool) {
		if err := s.examineListings(ctx); err != nil {
			yield(object.Frost{}, err)
			return
		}
		for it, err := range s.items(ctx, prefix, (*listing).restores) {
			if err != nil {
				yield(object.Frost{}, err)
				return
			}
			if it.restored != nil {
				s.telling.shown.Store(true)
			}
			info := s.infoOf(it)
			f := object.Frost{Info: info, Frozen: s.isArchive(info.Class), Unsure: info.Class == tiering}
			if !yield(it.restored.frost(f), nil) {
				return
			}
		}
	}
}

// examineListings is ErrUnsupported if listings do not tell of copies.
func (s *Store) examineListings(ctx context.Context) error {
	witness := s.telling.witness.Load()
	if s.telling.hidden.Load() {
		return fail(opList, "", errHidden)
	}
	if s.telling.shown.Load() || witness == nil {
		return nil
	}
	for it, err := range s.items(ctx, *witness, (*listing).restores) {
		switch {
		case err != nil:
			return err
		case s.infoOf(it).Name != *witness:
			continue
		case it.restored != nil:
			s.telling.shown.Store(true)
			return nil
		}
		// By now the copy may have gone.
		if _, header, err := s.look(ctx, *witness); err == nil && header.Get(headerRestore) != "" {
			s.telling.hidden.Store(true)
			return fail(opList, "", errHidden)
		}
	}
	s.telling.witness.CompareAndSwap(witness, nil)
	return nil
}

// errHidden is the answer of a server whose listings do not tell of copies.
var errHidden = fmt.Errorf("%w: %s", object.ErrUnsupported, textHidden)

const textHidden = "the server's listings do not tell of thawed objects"

// restores asks for the page of a token, with what the server knows of copies.
func (l *listing) restores(ctx context.Context, x *exchange, token string) (page, error) {
	if l.listV1.Load() {
		return page{}, l.noRestores()
	}
	got, err := l.client.(thaws).listRestores(ctx, l.prefix, token)
	refused := x.status == http.StatusNotImplemented || x.code == "NotImplemented" || x.code == "InvalidArgument"
	firstVersion := x.firstVersion && (err != nil || got.truncated && got.token == "")
	if token == "" && (err != nil && refused || firstVersion) {
		return page{}, l.noRestores()
	}
	return got, err
}

// noRestores notes that listings do not tell of copies.
func (l *listing) noRestores() error {
	l.telling.hidden.Store(true)
	return &fault{rule: rule{is: object.ErrUnsupported}, detail: textHidden}
}
