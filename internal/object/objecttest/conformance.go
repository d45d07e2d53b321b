package objecttest

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/internal/object"
)

// Run tests that a Store keeps the contract. open returns an empty store of
// its own for each test and cleans up by t.Cleanup. What Capabilities does not
// promise must be refused with ErrUnsupported.
func Run(t *testing.T, open func(t *testing.T) object.Store) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s object.Store)
	}{
		{"Life", testLife},
		{"Empty", testEmpty},
		{"Limits", testLimits},
		{"Ranges", testRanges},
		{"OddNames", testOddNames},
		{"BadNames", testBadNames},
		{"Info", testInfo},
		{"IfAbsent", testIfAbsent},
		{"IfMatch", testIfMatch},
		{"Retain", testRetain},
		{"SHA256", testSHA256},
		{"Cancelled", testCancelled},
		{"Delete", testDelete},
		{"BytesAreCopied", testBytesAreCopied},
		{"Large", testLarge},
		{"Prefixes", testPrefixes},
		{"ManyObjects", testManyObjects},
		{"ListWhileChanging", testListWhileChanging},
		{"CreateRace", testCreateRace},
		{"SwapRace", testSwapRace},
		{"Atomic", testAtomic},
		{"Parallel", testParallel},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

func testLife(t *testing.T, s object.Store) {
	script{
		list(""),
		gone("a"),
		put("a", "one"),
		get("a", "one"),
		head("a", 3),
		list("", "a"),
		put("a", "second"),
		get("a", "second"),
		put("k/deep/er/b", "b"),
		get("k/deep/er/b", "b"),
		list("", "a", "k/deep/er/b"),
		gone("k"),
		gone("k/deep"),
		gone("a/b"),
		remove("a"),
		gone("a"),
		list("", "k/deep/er/b"),
		put("a", "three"),
		get("a", "three"),
	}.play(t, s)
	if s.Location() == "" {
		t.Error("the store has no location")
	}
}

func testEmpty(t *testing.T, s object.Store) {
	script{
		put("e", ""),
		head("e", 0),
		get("e", ""),
		getWithin(0, "e"),
		part("e", 0, ""),
		part("e", 0, "?").fails(object.ErrShort),
		list("", "e"),
		put("e", "x"),
		get("e", "x"),
		put("e", ""),
		get("e", ""),
		remove("e"),
		gone("e"),
	}.play(t, s)
}

func testLimits(t *testing.T, s object.Store) {
	script{
		put("a", "12345"),
		getWithin(5, "a"),
		getWithin(1<<40, "a"),
		getWithin(4, "a").fails(object.ErrTooLarge),
		getWithin(0, "a").fails(object.ErrTooLarge),
		getWithin(0, "b").fails(object.ErrNotFound),
	}.play(t, s)
}

func testRanges(t *testing.T, s object.Store) {
	script{
		put("a", "0123456789"),
		part("a", 0, "0123456789"),
		part("a", 0, "0"),
		part("a", 3, "345"),
		part("a", 9, "9"),
		part("a", 0, ""),
		part("a", 10, ""),
		part("a", 0, "0123456789?").fails(object.ErrShort),
		part("a", 9, "9?").fails(object.ErrShort),
		part("a", 10, "?").fails(object.ErrShort),
		part("a", 11, "?").fails(object.ErrShort),
		part("a", 1<<40, "?").fails(object.ErrShort),
		part("b", 0, "?").fails(object.ErrNotFound),
	}.play(t, s)
	if err := s.GetRange(t.Context(), "a", make([]byte, 1), -1); err == nil {
		t.Error("a negative offset is no error")
	}
}

// oddNames are all valid.
var oddNames = []string{
	".storageconfig", "firn.repository", "a b", "a+b", "a%20b", "a%2Fb", "a&b=c;d", "#a?b", "a:b", "a*b", "'a\"b'",
	"<a>", "[a]", "{a}", "a|b", "~", "-a", "--", "...", ".a", "a.", "a..b", "$HOME", "`a`", "é", "e\u0301", "日本/語", "😀",
	"a\u00a0b", "x/.b/...", "x/ /y", " ", "x/c.", "p/" + strings.Repeat("f", 64), strings.Repeat("s", 255),
	strings.Repeat("long/", 100) + "name",
}

func testOddNames(t *testing.T, s object.Store) {
	var sc script
	for _, name := range oddNames {
		sc = append(sc, put(name, "body of "+name))
	}
	sc = append(sc, list("", oddNames...))
	for _, name := range oddNames {
		different := func(other string) bool { return !strings.HasPrefix(other, name) }
		sc = append(sc, get(name, "body of "+name), part(name, 0, "body"),
			list(name, slices.DeleteFunc(slices.Clone(oddNames), different)...))
	}
	sc = append(sc, remove(oddNames...), list(""))
	sc.play(t, s)
}

func testBadNames(t *testing.T, s object.Store) {
	for _, name := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "./a", "../a", "a/.", "a/..", "a/../b", "a\x00b", "a\nb", "a\x7f", `a\b`,
		"\xff", ".firn/identity", ".firn", "lost+found/a", strings.Repeat("a/", 512) + "b", strings.Repeat("s", 256),
	} {
		script{
			put(name, "x").fails(object.ErrName),
			getWithin(10, name).fails(object.ErrName),
			part(name, 0, "x").fails(object.ErrName),
			head(name, 1).fails(object.ErrName),
			remove(name).fails(object.ErrName),
		}.play(t, s)
	}
	script{list("")}.play(t, s)
}

func testInfo(t *testing.T, s object.Store) {
	ctx := t.Context()
	written, err := s.Put(ctx, "x/a", []byte("one"), object.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	fromHead, err := s.Head(ctx, "x/a")
	if err != nil {
		t.Fatal(err)
	}
	_, fromGet, err := s.Get(ctx, "x/a", 100)
	if err != nil {
		t.Fatal(err)
	}
	var fromList object.Info
	for info, err := range s.List(ctx, "x/") {
		if err != nil {
			t.Fatal(err)
		}
		fromList = info
	}
	if written.ETag == "" || written.Size != 3 || written.Name != "x/a" {
		t.Errorf("put returned %+v", written)
	}
	if fromHead.Modified.IsZero() {
		t.Error("the object has no time")
	}
	for how, info := range map[string]object.Info{"get": fromGet, "list": fromList} {
		same := info.Name == fromHead.Name && info.Size == fromHead.Size && info.ETag == fromHead.ETag &&
			info.Modified.Truncate(time.Second).Equal(fromHead.Modified.Truncate(time.Second))
		if !same || info.ETag != written.ETag {
			t.Errorf("%s returned %+v, head %+v, put %+v", how, info, fromHead, written)
		}
	}
	again, err := s.Put(ctx, "x/a", []byte("other"), object.PutOptions{})
	if err != nil || again.ETag == written.ETag {
		t.Errorf("after an overwrite: %+v, %v", again, err)
	}
}

func testIfAbsent(t *testing.T, s object.Store) {
	if !s.Capabilities().IfAbsent {
		script{
			create("a", "one").fails(object.ErrUnsupported),
			gone("a"),
		}.play(t, s)
		return
	}
	script{
		create("x/a", "one"),
		create("x/a", "two").fails(object.ErrExists),
		create("x/a", "one").fails(object.ErrExists),
		get("x/a", "one"),
		put("x/a", "three"),
		create("x/a", "four").fails(object.ErrExists),
		get("x/a", "three"),
		remove("x/a"),
		create("x/a", "five"),
		get("x/a", "five"),
		create("e", ""),
		create("e", "").fails(object.ErrExists),
		list("", "x/a", "e"),
	}.play(t, s)
}

func testIfMatch(t *testing.T, s object.Store) {
	if !s.Capabilities().IfMatch {
		script{
			put("a", "one"),
			remember("a", "v1"),
			swap("a", "two", "v1").fails(object.ErrUnsupported),
			get("a", "one"),
		}.play(t, s)
		return
	}
	script{
		put("a", "one"),
		remember("a", "v1"),
		swap("a", "two", "v1"),
		get("a", "two"),
		swap("a", "three", "v1").fails(object.ErrChanged),
		get("a", "two"),
		remember("a", "v2"),
		remove("a"),
		swap("a", "four", "v2").fails(object.ErrChanged),
		gone("a"),
		swap("b", "five", "v2").fails(object.ErrChanged),
		gone("b"),
	}.play(t, s)
}

func testRetain(t *testing.T, s object.Store) {
	if s.Capabilities().Retain {
		t.Skip("the store retains: an object under retention could not be cleaned up")
	}
	retained := func(*stage) object.PutOptions { return object.PutOptions{RetainUntil: time.Now().Add(time.Minute)} }
	script{
		putWith("retain", "a", "one", retained).fails(object.ErrUnsupported),
		gone("a"),
	}.play(t, s)
}

func testSHA256(t *testing.T, s object.Store) {
	attested := func(sum [sha256.Size]byte) func(*stage) object.PutOptions {
		return func(*stage) object.PutOptions { return object.PutOptions{SHA256: &sum} }
	}
	right, wrong := attested(sha256.Sum256([]byte("one"))), attested(sha256.Sum256([]byte("other")))
	script{
		putWith("attest", "a", "one", right),
		get("a", "one"),
	}.play(t, s)
	if !s.Capabilities().Attests {
		return
	}
	script{
		putWith("attest wrongly", "a", "two", wrong).fails(object.ErrCorrupt),
		get("a", "one"),
		putWith("attest wrongly", "b", "two", wrong).fails(object.ErrCorrupt),
		gone("b"),
		list("", "a"),
	}.play(t, s)
}

func testCancelled(t *testing.T, s object.Store) {
	script{put("a", "one")}.play(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	st := &stage{store: s}
	for _, step := range (script{
		put("b", "x"), put("a", "x"), get("a", "one"), part("a", 0, "o"), head("a", 3), remove("a"), list("", "a"), list("zz"),
	}) {
		if err := step.do(ctx, st); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context: %v", step.what, err)
		}
	}
	script{list("", "a"), get("a", "one")}.play(t, s)
}

func testDelete(t *testing.T, s object.Store) {
	script{
		remove(),
		remove("absent", "x/absent"),
		put("a", "1"), put("b", "2"), put("x/c", "3"), put("x/d", "4"),
		remove("a", "absent", "a", "x/c"),
		list("", "b", "x/d"),
		remove("x"),
		list("", "b", "x/d"),
		remove("b", "../b", "x/d").fails(object.ErrName),
		list(""),
		put("x/c", "again"),
		get("x/c", "again"),
	}.play(t, s)
}

func testBytesAreCopied(t *testing.T, s object.Store) {
	body := []byte("one")
	if _, err := s.Put(t.Context(), "a", body, object.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	copy(body, "XXX")
	got, _, err := s.Get(t.Context(), "a", 3)
	if err != nil {
		t.Fatal(err)
	}
	copy(got, "YYY")
	script{get("a", "one")}.play(t, s)
}

func testLarge(t *testing.T, s object.Store) {
	const size = 40 << 20
	unit := "every byte of a body that is larger than any buffer arrives in its place, "
	body := strings.Repeat(unit, size/len(unit)+1)[:size-1] + "!"
	sum := sha256.Sum256([]byte(body))
	script{
		putWith("attest", "p/large", body, func(*stage) object.PutOptions { return object.PutOptions{SHA256: &sum} }),
		head("p/large", size),
		get("p/large", body),
		part("p/large", size-1, "!"),
		part("p/large", 12345, body[12345:12345+5<<20]),
		getWithin(size-1, "p/large").fails(object.ErrTooLarge),
		remove("p/large"),
	}.play(t, s)
}
