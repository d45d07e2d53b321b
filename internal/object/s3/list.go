package s3

import (
	"context"
	"hash/maphash"
	"iter"
	"net/http"
	"slices"
	"strings"

	"firn/internal/object"
)

// List implements object.Store. Keys that end in "/", which some tools write to
// show folders, are left out: they are no names.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		for it, err := range s.items(ctx, prefix, (*listing).page) {
			if err != nil {
				yield(object.Info{}, err)
				return
			}
			if !yield(s.infoOf(it), nil) {
				return
			}
		}
	}
}

// infoOf is an item as the contract has it.
func (s *Store) infoOf(it item) object.Info {
	return object.Info{Name: it.key[len(s.prefix):], Size: it.size, Modified: it.modified, ETag: bareETag(it.etag), Class: it.class}
}

// items yields what is listed under a prefix. ask asks for the page of a token.
func (s *Store) items(ctx context.Context, prefix string, ask func(*listing, context.Context, *exchange, string) (page, error)) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		if object.CheckName(prefix) != nil && object.CheckName(prefix+"x") != nil {
			return // no name begins so, and some servers refuse to look for it
		}
		l := listing{Store: s, prefix: s.key(prefix), seed: maphash.MakeSeed(), tokens: map[uint64]bool{}}
		for token := ""; ; {
			var got page
			err := s.call(ctx, opList, prefix, 0, func(ctx context.Context, x *exchange) (err error) {
				if got, err = ask(&l, ctx, x, token); err == nil {
					err = l.check(got)
				}
				return err
			})
			if err != nil {
				yield(item{}, err)
				return
			}
			l.remember(got)
			for _, it := range got.items {
				if strings.HasSuffix(it.key, "/") || it.key == s.prefix {
					continue
				}
				if !yield(it, nil) {
					return
				}
			}
			if !got.truncated {
				return
			}
			token = got.token
			if ctx.Err() != nil {
				yield(item{}, fail(opList, prefix, ctx.Err()))
				return
			}
		}
	}
}

// listing is a listing under way. It knows the pages it has had well enough to
// notice a server that goes round in circles: not every server lists in order,
// so that order alone proves nothing.
type listing struct {
	*Store
	prefix string
	last   map[string]bool // keys of the page before
	seed   maphash.Seed
	tokens map[uint64]bool // hashes of the tokens used so far
}

// page asks for the page of a token. Servers that know only the first version of
// the call refuse the second, or pass over the word that tells them apart; then
// the first is used from there on, if it is the listing's first page.
func (l *listing) page(ctx context.Context, x *exchange, token string) (page, error) {
	forced := false // the second version was tried just now, in vain
	if !l.listV1.Load() {
		got, err := l.client.list(ctx, l.prefix, token)
		first := x.firstVersion && (err != nil || got.truncated && got.token == "") ||
			err != nil && (x.status == http.StatusNotImplemented || x.code == "NotImplemented" || x.code == "InvalidArgument")
		if !first || token != "" {
			return got, err
		}
		l.listV1.Store(true)
		forced = true
		x.renew()
	}
	got, err := l.client.listV1(ctx, l.prefix, token)
	if err != nil {
		return page{}, err
	}
	if !got.truncated || len(got.items) == 0 {
		return got, nil
	}
	if !slices.IsSortedFunc(got.items, func(a, b item) int { return strings.Compare(a.key, b.key) }) {
		if token == "" && !forced { // the second version needs no order
			l.listV1.Store(false)
			x.renew()
			return l.client.list(ctx, l.prefix, token)
		}
		return page{}, wrongAnswer("listing by keys is not in the order of keys, and so cannot be continued")
	}
	got.token = max(got.token, got.items[len(got.items)-1].key)
	return got, nil
}

// check says whether a page can be the next one.
func (l *listing) check(got page) error {
	if got.truncated && got.token == "" {
		return wrongAnswer("listing is truncated but cannot be continued")
	}
	if got.truncated && l.tokens[maphash.String(l.seed, got.token)] {
		return wrongAnswer("listing goes round in circles")
	}
	seen := make(map[string]bool, len(got.items))
	for _, it := range got.items {
		switch {
		case !strings.HasPrefix(it.key, l.prefix):
			return wrongAnswer("listing has a key outside of the prefix asked for")
		case seen[it.key] || l.last[it.key]:
			return wrongAnswer("listing has a key twice")
		case it.size < 0:
			return wrongAnswer("listing has an object of negative size")
		}
		seen[it.key] = true
	}
	return nil
}

func (l *listing) remember(got page) {
	l.last = make(map[string]bool, len(got.items))
	for _, it := range got.items {
		l.last[it.key] = true
	}
	l.tokens[maphash.String(l.seed, got.token)] = true
}
