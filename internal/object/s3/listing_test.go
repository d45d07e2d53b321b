package s3_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"firn/internal/object"
	"firn/internal/object/s3"
)

func TestFaultyListings(t *testing.T) {
	pageOf := func(change func(p *listAnswer)) fault {
		return func(f *fake, w http.ResponseWriter, r *http.Request) {
			query := r.URL.Query()
			p := f.page(query.Get("prefix"), query.Get("continuation-token"))
			change(&p)
			writeXML(w, p)
		}
	}
	first := func(f *fake, w http.ResponseWriter, r *http.Request) {
		writeXML(w, f.page(r.URL.Query().Get("prefix"), ""))
	}
	cases := map[string]struct {
		after int // good pages before
		fault fault
	}{
		"truncated without token": {0, pageOf(func(p *listAnswer) { p.NextContinuationToken = "" })},
		"first page for ever":     {1, first},
		"same token for ever":     {1, pageOf(func(p *listAnswer) { p.NextContinuationToken = "k01" })},
		"foreign prefix":          {0, pageOf(func(p *listAnswer) { p.Contents[0].Key = "other" })},
		"a key twice":             {0, pageOf(func(p *listAnswer) { p.Contents[1] = p.Contents[0] })},
		"keys of the page before": {1, pageOf(func(p *listAnswer) { p.Contents[0].Key = "k01" })},
		"negative size":           {0, pageOf(func(p *listAnswer) { p.Contents[0].Size = -1 })},
		"body broken off":         {1, cut(300)},
		"half a document": {1, func(f *fake, w http.ResponseWriter, r *http.Request) {
			say(200, `<?xml version="1.0"?><ListBucketResult><Name>bucket</Name><Contents>`)(f, w, r)
		}},
		"empty answer":   {1, say(200, "")},
		"empty document": {1, say(200, "<ListBucketResult/>")},
		"another answer": {1, say(200, "<html></html>")},
		"error with 200": {1, say(200, "<Error><Code>InternalError</Code></Error>")},
		"bad escape":     {0, pageOf(func(p *listAnswer) { p.Contents[0].Key = "k%zz" })},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			onFake(t, func(t *testing.T, f *fake, config s3.Config) {
				s := openConfig(t, config)
				f.pageKeys = 2
				for i := range 6 {
					f.set(fmt.Sprintf("k%02d", i), []byte("x"))
				}
				f.next(make([]fault, c.after)...)
				f.always(c.fault)
				names, err := list(t.Context(), s, "k")
				if err == nil {
					t.Errorf("no error; listed %v", names)
				}
				if len(names) > 2*c.after {
					t.Errorf("yielded %v, of which only %d came in good pages", names, 2*c.after)
				}
			})
		})
	}
}

func writeXML(w http.ResponseWriter, p listAnswer) {
	text, err := xml.Marshal(p)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.Write(text)
}

func TestDeletionsAreCounted(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		s := openConfig(t, c)
		refill := func() {
			for _, key := range []string{"a", "b", "c"} {
				f.set(key, []byte("x"))
			}
		}
		refill()
		f.next(say(200, "<DeleteResult><Deleted><Key>a</Key></Deleted></DeleteResult>"))
		if err := s.Delete(t.Context(), "a", "b", "c"); err != nil {
			t.Errorf("server forgets two keys once: %v", err)
		}
		if _, there := f.get("b"); there {
			t.Error("b was not asked for again")
		}

		refill()
		f.next(say(200, "<DeleteResult><Deleted><Key>a</Key></Deleted>"+
			"<Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error>"+
			"<Error><Key>c</Key><Code>InternalError</Code><Message>oops</Message></Error></DeleteResult>"))
		err := s.Delete(t.Context(), "a", "b", "c")
		if !errors.Is(err, object.ErrAccess) || !strings.Contains(err.Error(), "delete b") || strings.Contains(err.Error(), "delete c") {
			t.Errorf("one forbidden, one for later: %v", err)
		}

		for _, refusal := range []fault{answer(400, "InvalidRequest"), answer(400, "MissingContentMD5"), answer(405, "")} {
			refill()
			f.next(refusal)
			if err := openConfig(t, c).Delete(t.Context(), "a", "b"); err != nil {
				t.Errorf("deletion of many refused: %v", err)
			}
		}
		f.next(answer(400, "InvalidRequest"))
		explained(t, s.Delete(t.Context(), "a"), object.ErrAccess, "Object Lock")

		refill()
		f.log()
		f.next(answer(501, "NotImplemented"))
		if err := s.Delete(t.Context(), "a", "b", "c"); err != nil {
			t.Errorf("no deletion of many: %v", err)
		}
		requests := f.log()
		slices.Sort(requests)
		if want := []string{"DELETE a", "DELETE b", "DELETE c", "DELETE many"}; !slices.Equal(requests, want) {
			t.Errorf("requests %v, want %v", requests, want)
		}
		if err := s.Delete(t.Context(), "a", "b"); err != nil || slices.Contains(f.log(), "DELETE many") {
			t.Errorf("asked again for what the server cannot do: %v", err)
		}
	})
}
