package objecttest

import (
	"fmt"
	"sync"
	"testing"

	"firn/internal/object"
)

func testPrefixes(t *testing.T, s object.Store) {
	script{
		put("a", "1"), put("ab", "2"), put("abc/d", "3"), put("abc/de", "4"), put("abc/f/g", "5"), put("abd", "6"), put("b/c", "7"),
		list("", "a", "ab", "abc/d", "abc/de", "abc/f/g", "abd", "b/c"),
		list("a", "a", "ab", "abc/d", "abc/de", "abc/f/g", "abd"),
		list("ab", "ab", "abc/d", "abc/de", "abc/f/g", "abd"),
		list("abc", "abc/d", "abc/de", "abc/f/g"),
		list("abc/", "abc/d", "abc/de", "abc/f/g"),
		list("abc/d", "abc/d", "abc/de"),
		list("abc/f", "abc/f/g"),
		list("abc/f/", "abc/f/g"),
		list("abc/f/g", "abc/f/g"),
		list("abc/f/g/"),
		list("b", "b/c"),
		list("b/d"),
		list("zz"),
		list("zz/y/"),
		list("a/"),
		list("/"), list("/a"), list("abc//"), list("../"), list("abc/../b"), list("./"), list(".firn"), list(".firn/"), list("a\x00"),
	}.play(t, s)
}

// testManyObjects lists and deletes more than the 1,000 that S3 does at once.
func testManyObjects(t *testing.T, s object.Store) {
	const count = 1100
	var names []string
	for i := range count {
		names = append(names, fmt.Sprintf("p/%02x/%04d", i%16, i))
	}
	inParallel(t, 16, func(worker int) error {
		for i := worker; i < count; i += 16 {
			if _, err := s.Put(t.Context(), names[i], []byte(names[i]), object.PutOptions{}); err != nil {
				return err
			}
		}
		return nil
	})
	var sixteenth []string
	for i := 3; i < count; i += 16 {
		sixteenth = append(sixteenth, names[i])
	}
	script{
		put("q", "not under p/"),
		list("p/", names...),
		list("p/03/", sixteenth...),
		get(names[count-1], names[count-1]),
	}.play(t, s)

	seen := 0
	for _, err := range s.List(t.Context(), "p/") {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == 5 {
			break
		}
	}
	script{remove(names...), list("", "q")}.play(t, s)
}

// testListWhileChanging expects every listing to show what is there all the
// time, whatever comes and goes beside it.
func testListWhileChanging(t *testing.T, s object.Store) {
	lasting := make(map[string]bool)
	for i := range 20 {
		name := fmt.Sprintf("x/%d/lasting", i)
		script{put(name, "x")}.play(t, s)
		lasting[name] = true
	}
	done := make(chan struct{})
	var changing sync.WaitGroup
	changing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			name := fmt.Sprintf("x/%d/passing", i%30)
			if _, err := s.Put(t.Context(), name, nil, object.PutOptions{}); err != nil {
				t.Errorf("put %s: %v", name, err)
				return
			}
			if err := s.Delete(t.Context(), name); err != nil {
				t.Errorf("delete %s: %v", name, err)
				return
			}
		}
	})
	for range 10 {
		seen := 0
		for info, err := range s.List(t.Context(), "x/") {
			if err != nil {
				t.Errorf("list: %v", err)
				break
			}
			if lasting[info.Name] {
				seen++
			}
		}
		if seen != len(lasting) {
			t.Errorf("%d of %d lasting objects were listed", seen, len(lasting))
		}
	}
	close(done)
	changing.Wait()
}
