package claim

import (
	"errors"
	"testing"
	"time"

	"firn/internal/object"
	"firn/internal/object/objecttest"
)

// TestThroughGuard: thawing is reading, which is free to all; copying is writing.
func TestThroughGuard(t *testing.T) {
	s := objecttest.NewCold(object.NewMem(), objecttest.NewClock(time.Now()))
	if err := guard(s, Holder{Host: "a", Exclusive: true}).Found(t.Context(), ours); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "p/a", nil, object.PutOptions{Class: "GLACIER"}); err != nil {
		t.Fatal(err)
	}
	for host, allowed := range map[string]bool{"a": true, "b": false} {
		g := guard(s, Holder{Host: host})
		thawer, ok := object.ThawerOf(g)
		if !ok {
			t.Fatal("no Thawer is found")
		}
		if err := thawer.Thaw(t.Context(), "p/a", object.ThawRequest{Tier: object.Bulk, Days: 1}); err != nil {
			t.Errorf("%s thaws: %v", host, err)
		}
		copier, ok := object.CopierOf(g)
		if !ok {
			t.Fatal("no Copier is found")
		}
		if _, err := s.Put(t.Context(), "p/b", nil, object.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		err := copier.Copy(t.Context(), "p/b", object.CopyOptions{Class: "STANDARD_IA"})
		if allowed && err != nil || errors.Is(err, object.ErrReadOnly) == allowed {
			t.Errorf("%s copies: %v", host, err)
		}
	}
}
