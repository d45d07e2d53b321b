package s3_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/object/s3"
	"firn/internal/object/s3/s3test"
	"firn/internal/object/s3/s3test/cold"
)

// archive is a store on a server with archive classes, and a clock for them.
type archive struct {
	*s3.Store
	config s3.Config
	server *cold.Server
	clock  *objecttest.Clock
}

// onArchives runs a test on every server with every client.
func onArchives(t *testing.T, test func(t *testing.T, server, client string)) {
	for _, server := range servers {
		for _, client := range clients {
			t.Run(server+"/"+client, func(t *testing.T) { test(t, server, client) })
		}
	}
}

// openArchive opens a store in a new bucket behind archive classes.
func openArchive(t *testing.T, server, client string) archive {
	t.Helper()
	clock := objecttest.NewClock(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	at := cold.Start(t, s3test.Start(t, server), clock)
	c := configOf(at.Server, client)
	c.Prefix, c.Timeouts = "some/where", hasty
	return archive{open(t, c), c, at, clock}
}

func TestThawerConformance(t *testing.T) {
	onArchives(t, func(t *testing.T, server, client string) {
		objecttest.RunThawer(t, func(t *testing.T) objecttest.Archive {
			a := openArchive(t, server, client)
			return objecttest.Archive{
				Store: a.Store, Clock: a.clock, Freezer: a.server.Freezer,
				Transition: func(ctx context.Context, prefix, class string) error {
					return a.server.Transition(ctx, a.config.Bucket, a.config.Prefix+"/"+prefix, class)
				},
			}
		})
	})
}

func TestCopierConformance(t *testing.T) {
	onArchives(t, func(t *testing.T, server, client string) {
		objecttest.RunCopier(t, "GLACIER_IR", func(t *testing.T) object.Store { return openArchive(t, server, client) })
	})
}

// TestThawAnswers: what the server says to a request to thaw, and to the question
// how the object stands where that is asked.
func TestThawAnswers(t *testing.T) {
	in := func(class string, more ...string) fault {
		return func(_ *fake, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"x"`)
			w.Header().Set("Content-Length", "4")
			w.Header().Set("Last-Modified", "Fri, 20 Nov 2026 12:00:00 GMT")
			w.Header().Set("X-Amz-Storage-Class", class)
			for i := 0; i < len(more); i += 2 {
				w.Header().Set(more[i], more[i+1])
			}
		}
	}
	const ask, look = "POST a", "HEAD a"
	sunk := []string{"X-Amz-Archive-Status", "ARCHIVE_ACCESS"}
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		for name, row := range map[string]struct {
			tier   object.Tier
			class  string
			faults []fault
			want   error
			asks   []string
		}{
			"taken":          {object.Bulk, "", []fault{say(202, "")}, nil, []string{ask}},
			"extended":       {object.Bulk, "", []fault{say(200, "")}, nil, []string{ask}},
			"on its way":     {object.Bulk, "", []fault{answer(409, "RestoreAlreadyInProgress")}, nil, []string{ask}},
			"conflict":       {object.Bulk, "", []fault{answer(409, "OperationAborted"), say(202, "")}, nil, []string{ask, ask}},
			"another status": {object.Bulk, "", []fault{say(204, ""), say(202, "")}, nil, []string{ask, ask}},
			"a page":         {object.Bulk, "", []fault{say(200, "<html>log in</html>"), say(202, "")}, nil, []string{ask, ask}},
			"no capacity": {
				object.Expedited, "", []fault{answer(503, "GlacierExpeditedRetrievalNotAvailable")}, object.ErrNoCapacity, []string{ask},
			},
			"slow down":      {object.Bulk, "", []fault{answer(503, "SlowDown"), say(202, "")}, nil, []string{ask, ask}},
			"absent":         {object.Bulk, "", []fault{answer(404, "NoSuchKey")}, object.ErrNotFound, []string{ask}},
			"no right":       {object.Bulk, "", []fault{answer(403, "AccessDenied")}, object.ErrAccess, []string{ask}},
			"not known":      {object.Bulk, "", []fault{answer(501, "NotImplemented")}, object.ErrUnsupported, []string{ask}},
			"no such tier":   {object.Expedited, "DEEP_ARCHIVE", []fault{answer(400, "InvalidArgument"), in("DEEP_ARCHIVE")}, object.ErrUnsupported, []string{ask, look}},
			"warm":           {object.Bulk, "", []fault{answer(403, "InvalidObjectState"), in("STANDARD_IA")}, nil, []string{ask, look}},
			"warm, as said":  {object.Bulk, "", []fault{answer(403, "ObjectAlreadyInActiveTierError"), in("INTELLIGENT_TIERING")}, nil, []string{ask, look}},
			"never thaws":    {object.Bulk, "", []fault{answer(403, "InvalidObjectState"), in("GLACIER")}, object.ErrUnsupported, []string{ask, look}},
			"days too many":  {object.Bulk, "", []fault{answer(400, "MalformedXML"), in("INTELLIGENT_TIERING", sunk...), say(202, "")}, nil, []string{ask, look, ask}},
			"no days at all": {object.Bulk, "INTELLIGENT_TIERING", []fault{say(202, "")}, nil, []string{ask}},
			"neither": {
				object.Expedited, "", []fault{answer(400, "MalformedXML"), in("INTELLIGENT_TIERING", sunk...), answer(400, "InvalidArgument")},
				object.ErrUnsupported, []string{ask, look, ask},
			},
			"no tier":           {"", "", nil, errAny, nil},
			"a tier of its own": {"quick", "", nil, errAny, nil},
		} {
			f.next(row.faults...)
			s := openConfig(t, c)
			err := s.Thaw(t.Context(), "a", object.ThawRequest{Tier: row.tier, Days: 3, Class: row.class})
			if (err == nil) != (row.want == nil) || row.want != errAny && !errors.Is(err, row.want) {
				t.Errorf("%s: %v, want %v", name, err, row.want)
			}
			if asked := f.log(); !slices.Equal(asked, row.asks) {
				t.Errorf("%s: asked %q, want %q", name, asked, row.asks)
			}
			var advised *object.Error
			if sentinel := row.want; sentinel == object.ErrUnsupported && row.tier == object.Expedited || sentinel == object.ErrNoCapacity {
				if !errors.As(err, &advised) || !strings.Contains(advised.Advice, "standard") {
					t.Errorf("%s: no advice comes with: %v", name, err)
				}
			}
		}
		f.next(slices.Repeat([]fault{in("GLACIER", "X-Amz-Restore", "perhaps")}, 4)...)
		if _, err := openConfig(t, c).Frost(t.Context(), "a"); !errors.Is(err, object.ErrUnreachable) {
			t.Errorf("a header that cannot be: %v", err)
		}
		f.log()
		c.ReadOnly = true
		if err := openConfig(t, c).Thaw(t.Context(), "a", object.ThawRequest{Tier: object.Bulk, Days: 1}); !errors.Is(err, object.ErrReadOnly) || len(f.log()) > 0 {
			t.Errorf("read-only: %v", err)
		}
	})
}

// errAny stands for an error without a sentinel.
var errAny = errors.New("any error")

// TestFrostsPages asks for what is known of copies on every page, under signature,
// and for nothing more if it is refused.
func TestFrostsPages(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		f.pageKeys = 2
		for _, key := range []string{"p/a", "p/b", "p/c", "p/d", "p/e"} {
			f.set(key, nil)
		}
		s := openConfig(t, c)
		found := 0
		for fr, err := range s.Frosts(t.Context(), "p/") {
			if err != nil || fr.Frozen {
				t.Fatalf("%+v, %v", fr, err)
			}
			found++
		}
		if found != 5 || len(f.headers) != 3 {
			t.Errorf("%d objects in %d requests", found, len(f.headers))
		}
		for _, h := range f.headers {
			if h.Get("X-Amz-Optional-Object-Attributes") != "RestoreStatus" ||
				!strings.Contains(h.Get("Authorization"), "x-amz-optional-object-attributes") {
				t.Errorf("asked with %v", h)
			}
		}
		f.log()
		f.next(answer(501, "NotImplemented"))
		for range 2 { // the second time it is known
			for _, err := range s.Frosts(t.Context(), "p/") {
				if !errors.Is(err, object.ErrUnsupported) {
					t.Errorf("refused: %v", err)
				}
			}
		}
		if asked := f.log(); len(asked) != 1 {
			t.Errorf("asked %q", asked)
		}
	})
}

// TestArchiveOfVendor: which classes are frozen is the vendor's matter.
func TestArchiveOfVendor(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		f.set("a", nil)
		for class, vendors := range map[string]struct{ archive, aws bool }{"COLD": {true, false}, "GLACIER": {false, true}, "": {}} {
			before := f.handler
			f.handler = func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Amz-Storage-Class", class)
				before(w, r)
			}
			c.Archive = func(class string) bool { return class == "COLD" }
			if fr, err := openConfig(t, c).Frost(t.Context(), "a"); err != nil || fr.Frozen != vendors.archive {
				t.Errorf("%s: %+v, %v", class, fr, err)
			}
			c.Archive = nil
			if fr, err := openConfig(t, c).Frost(t.Context(), "a"); err != nil || fr.Frozen != vendors.aws {
				t.Errorf("%s at AWS: %+v, %v", class, fr, err)
			}
			f.handler = before
		}
	})
}

// TestPackFoundFrozen: a pack whose answer was lost, and which lies frozen when it is
// looked for, is known by its name and size, without reading.
func TestPackFoundFrozen(t *testing.T) {
	body := []byte("a pack")
	name := fmt.Sprintf("p/%x", sha256.Sum256(body))
	for _, client := range clients {
		t.Run(client, func(t *testing.T) {
			a := openArchive(t, s3test.MinIO, client)
			p := s3test.NewProxy(t, a.server.Server)
			c := a.config
			c.Endpoint = p.Endpoint
			s := openConfig(t, c)
			p.Next(1, s3test.ResetAfter, s3test.Put)
			info, err := s.Put(t.Context(), name, body, object.PutOptions{IfAbsent: true, Class: "GLACIER"})
			if err != nil || info.Size != int64(len(body)) || info.Class != "GLACIER" {
				t.Errorf("%+v, %v", info, err)
			}
			if vain := a.server.Vain(); len(vain) > 0 {
				t.Errorf("read in vain: %q", vain)
			}
			_, err = s.Put(t.Context(), name, body, object.PutOptions{IfAbsent: true, Class: "GLACIER"})
			if !errors.Is(err, object.ErrExists) {
				t.Errorf("once more: %v", err)
			}
		})
	}
}

// TestThawWithoutArchive: on servers without archive classes nothing is frozen, and
// copies stay what they are.
func TestThawWithoutArchive(t *testing.T) {
	onServers(t, func(t *testing.T, c s3.Config) {
		c.Timeouts = hasty
		s := open(t, c)
		if _, err := s.Put(t.Context(), "p/a", []byte("body"), object.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		if f, err := s.Frost(t.Context(), "p/a"); err != nil || f.Frozen || !f.Readable(time.Now()) {
			t.Errorf("%+v, %v", f, err)
		}
		if err := s.Thaw(t.Context(), "p/a", object.ThawRequest{Tier: object.Bulk, Days: 1}); err != nil && !errors.Is(err, object.ErrUnsupported) {
			t.Errorf("thaw: %v", err)
		}
		for f, err := range s.Frosts(t.Context(), "p/") {
			if err != nil || f.Frozen || f.Name != "p/a" {
				t.Errorf("%+v, %v", f, err)
			}
		}
		if err := s.Copy(t.Context(), "p/a", object.CopyOptions{}); err != nil {
			t.Errorf("copy: %v", err)
		}
		if err := has("p/a", []byte("body"))(t.Context(), s); err != nil {
			t.Error(err)
		}
	})
}

// TestFirstVersionHidesRestores: servers that list with the first version of the call
// only are not asked.
func TestFirstVersionHidesRestores(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		c.ListV1 = true
		s := openConfig(t, c)
		for range 2 {
			for _, err := range s.Frosts(t.Context(), "p/") {
				if !errors.Is(err, object.ErrUnsupported) {
					t.Errorf("%v", err)
				}
			}
		}
		if asked := f.log(); len(asked) > 0 {
			t.Errorf("asked %q", asked)
		}
	})
}
