package claim

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/objecttest"
)

var (
	ours   = format.ID{1}
	theirs = format.ID{2}
)

// drives are stores with and without the condition that makes claiming easy.
var drives = map[string]func() object.Store{
	"create only": func() object.Store { return object.NewMem() },
	"announcing":  func() object.Store { return objecttest.Restrict(object.NewMem(), object.Capabilities{Attests: true}) },
}

// guard returns a guard that does not wait long for listings.
func guard(s object.Store, who Holder) *Guard {
	g := NewGuard(s, who, "")
	g.take.pause = time.Millisecond
	return g
}

// onDrives runs a test on every kind of drive, claimed by host a for ours.
func onDrives(t *testing.T, first Holder, test func(t *testing.T, s object.Store)) {
	for name, drive := range drives {
		t.Run(name, func(t *testing.T) {
			s := drive()
			if first.Host != "" {
				if err := guard(s, first).Found(t.Context(), ours); err != nil {
					t.Fatal(err)
				}
			}
			test(t, s)
		})
	}
}

func TestAdmission(t *testing.T) {
	for name, row := range map[string]struct {
		first, who Holder
		repository format.ID
		held       bool
		after      uint32 // number of the claim then
	}{
		"nobody's":                    {Holder{}, Holder{Host: "b"}, ours, false, 0},
		"nobody's, owner wanted":      {Holder{}, Holder{Host: "b", Owner: "alice"}, ours, false, 1},
		"nobody's, alone wanted":      {Holder{}, Holder{Host: "b", Exclusive: true}, ours, false, 1},
		"the same host":               {Holder{Host: "a"}, Holder{Host: "a"}, ours, false, 1},
		"another host joins":          {Holder{Host: "a"}, Holder{Host: "b"}, ours, false, 1},
		"another repository":          {Holder{Host: "a"}, Holder{Host: "a"}, theirs, true, 1},
		"same owner":                  {Holder{Host: "a", Owner: "alice"}, Holder{Host: "b", Owner: "alice"}, ours, false, 1},
		"no owner named":              {Holder{Host: "a", Owner: "alice"}, Holder{Host: "b"}, ours, false, 1},
		"another owner":               {Holder{Host: "a", Owner: "alice"}, Holder{Host: "a", Owner: "bob"}, ours, true, 1},
		"owner named later":           {Holder{Host: "a"}, Holder{Host: "b", Owner: "bob"}, ours, false, 2},
		"alone, the same host":        {Holder{Host: "a", Exclusive: true}, Holder{Host: "a", Exclusive: true}, ours, false, 1},
		"alone, not said again":       {Holder{Host: "a", Exclusive: true}, Holder{Host: "a"}, ours, false, 1},
		"alone, another host":         {Holder{Host: "a", Exclusive: true}, Holder{Host: "b"}, ours, true, 1},
		"alone, another host too":     {Holder{Host: "a", Exclusive: true}, Holder{Host: "b", Exclusive: true}, ours, true, 1},
		"alone from now on":           {Holder{Host: "a"}, Holder{Host: "a", Exclusive: true}, ours, false, 2},
		"alone where another was":     {Holder{Host: "a"}, Holder{Host: "b", Exclusive: true}, ours, true, 1},
		"owner named later, is alone": {Holder{Host: "a", Exclusive: true}, Holder{Host: "a", Owner: "alice"}, ours, false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			onDrives(t, row.first, func(t *testing.T, s object.Store) {
				g := guard(s, row.who)
				err := g.Admit(t.Context(), row.repository)
				if errors.Is(err, ErrHeld) != row.held || !row.held && err != nil {
					t.Fatalf("admitted: %v, want held %v", err, row.held)
				}
				_, putting := g.Put(t.Context(), "x", nil, object.PutOptions{})
				if errors.Is(putting, object.ErrReadOnly) != row.held || !row.held && putting != nil {
					t.Errorf("put: %v", putting)
				}
				if err := g.Delete(t.Context(), "x"); errors.Is(err, object.ErrReadOnly) != row.held {
					t.Errorf("delete: %v", err)
				}
				now, err := guard(s, row.who).Current(t.Context())
				if number := numberOf(now); err != nil || number != row.after {
					t.Errorf("claim %d holds, %v; want %d", number, err, row.after)
				}
				if row.first.Exclusive && now != nil && !now.Exclusive {
					t.Error("exclusive was lost")
				}
			})
		})
	}
}

func numberOf(c *Claim) uint32 {
	if c == nil {
		return 0
	}
	return c.Number
}

// TestOneOfMany lets many hosts claim a directory at once, for repositories and
// for themselves alone.
func TestOneOfMany(t *testing.T) {
	for what, claim := range map[string]func(*Guard, context.Context, format.ID) error{
		"found": (*Guard).Found, "admit": (*Guard).Admit,
	} {
		t.Run(what, func(t *testing.T) {
			onDrives(t, Holder{}, func(t *testing.T, s object.Store) {
				const hosts = 8
				var winners atomic.Int32
				var winner atomic.Pointer[string]
				var running sync.WaitGroup
				for i := range hosts {
					host := fmt.Sprintf("host%d", i)
					running.Go(func() {
						switch err := claim(guard(s, Holder{Host: host, Exclusive: true}), t.Context(), format.ID{byte(i + 1)}); {
						case err == nil:
							winners.Add(1)
							winner.Store(&host)
						case !errors.Is(err, ErrHeld):
							t.Error(err)
						}
					})
				}
				running.Wait()
				now, err := guard(s, Holder{Host: "x"}).Current(t.Context())
				switch n := winners.Load(); {
				case err != nil:
					t.Fatal(err)
				case n > 1, n == 1 && (now == nil || now.Host != *winner.Load()), n == 0 && now != nil:
					t.Errorf("%d believe that they have the directory, and it says %v", n, now)
				case n == 0 && s.Capabilities().IfAbsent:
					t.Error("nobody has it")
				}
			})
		})
	}
}

// TestAnnouncementsDecide puts an announcement of somebody else beside one's own.
func TestAnnouncementsDecide(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, row := range map[string]struct {
		age  time.Duration
		held bool
	}{"fresh": {time.Minute, true}, "forgotten": {2 * time.Hour, false}} {
		t.Run(name, func(t *testing.T) {
			clock := now.Add(-row.age)
			s := objecttest.Restrict(object.NewMemClock(func() time.Time { return clock }), object.Capabilities{Attests: true})
			if _, err := s.Put(t.Context(), announcement(1), []byte("x"), object.PutOptions{}); err != nil {
				t.Fatal(err)
			}
			clock = now
			err := guard(s, Holder{Host: "a"}).Found(t.Context(), ours)
			if errors.Is(err, ErrHeld) != row.held || !row.held && err != nil {
				t.Errorf("%v, want held %v", err, row.held)
			}
		})
	}
}

func TestVacant(t *testing.T) {
	onDrives(t, Holder{Host: "a"}, func(t *testing.T, s object.Store) {
		early := guard(s, Holder{Host: "b"})
		if err := early.Vacant(t.Context()); !errors.Is(err, ErrHeld) {
			t.Errorf("somebody has just begun: %v, want %v", err, ErrHeld)
		}
		if _, err := early.Put(t.Context(), "x", nil, object.PutOptions{}); err != nil {
			t.Errorf("the claim of a host that wants to be nobody special: %v", err)
		}
		late := guard(s, Holder{Host: "b"})
		late.now = func() time.Time { return time.Now().Add(2 * time.Hour) }
		if err := late.Vacant(t.Context()); err != nil {
			t.Errorf("somebody began long ago: %v", err)
		}
		if err := late.Found(t.Context(), theirs); err != nil {
			t.Errorf("go on there: %v", err)
		}
		if c, err := late.Current(t.Context()); err != nil || c.Number != 2 || c.Repository != theirs {
			t.Errorf("%v, %v", c, err)
		}
	})
}

func TestTakeOver(t *testing.T) {
	onDrives(t, Holder{Host: "a", Owner: "alice", Exclusive: true}, func(t *testing.T, s object.Store) {
		before := guard(s, Holder{Host: "a"})
		if err := before.Admit(t.Context(), ours); err != nil {
			t.Fatal(err)
		}
		c, err := guard(s, Holder{Host: "b", Owner: "bob", Exclusive: true}).TakeOver(t.Context(), ours)
		if err != nil || c.Number != 2 || c.Host != "b" || c.Owner != "bob" {
			t.Fatalf("%v, %v", c, err)
		}
		if _, err := before.Put(t.Context(), "x", nil, object.PutOptions{}); err != nil {
			t.Errorf("what was under way: %v", err)
		}
		if err := guard(s, Holder{Host: "a"}).Admit(t.Context(), ours); !errors.Is(err, ErrHeld) {
			t.Errorf("the host before: %v, want %v", err, ErrHeld)
		}
		if err := guard(s, Holder{Host: "b"}).Admit(t.Context(), ours); err != nil {
			t.Errorf("the new host: %v", err)
		}
	})
}

// TestDamagedClaim keeps all from writing until somebody takes over.
func TestDamagedClaim(t *testing.T) {
	s := object.NewMem()
	if _, err := s.Put(t.Context(), nameOf(1), []byte("?"), object.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	g := guard(s, Holder{Host: "a"})
	if err := g.Admit(t.Context(), ours); !errors.Is(err, ErrDamaged) {
		t.Errorf("admitted: %v", err)
	}
	if _, err := g.Put(t.Context(), "x", nil, object.PutOptions{}); !errors.Is(err, object.ErrReadOnly) {
		t.Errorf("put: %v", err)
	}
	if _, err := g.TakeOver(t.Context(), ours); err != nil {
		t.Fatal(err)
	}
	if err := guard(s, Holder{Host: "a"}).Admit(t.Context(), ours); err != nil {
		t.Error(err)
	}
}

// TestCheckCostsNothing opens a drive as a repository does, by listing what the
// roots and the claims have in common.
func TestCheckCostsNothing(t *testing.T) {
	s, root := object.NewMem(), t.TempDir()
	if err := guard(s, Holder{Host: "a"}).Found(t.Context(), ours); err != nil {
		t.Fatal(err)
	}
	for visit, want := range []int64{2, 1, 1} {
		m := object.Meter(s)
		g := NewGuard(m, Holder{Host: "a"}, root)
		for range g.List(t.Context(), "firn.") {
		}
		if err := g.Admit(t.Context(), ours); err != nil {
			t.Fatal(err)
		}
		if n := m.Counts().Requests(); n != want {
			t.Errorf("visit %d: %d requests, want %d", visit, n, want)
		}
	}
	if _, err := guard(s, Holder{Host: "b", Exclusive: true}).TakeOver(t.Context(), ours); err != nil {
		t.Fatal(err)
	}
	if err := NewGuard(s, Holder{Host: "a"}, root).Admit(t.Context(), ours); !errors.Is(err, ErrHeld) {
		t.Errorf("after a takeover the cache still says yes: %v", err)
	}
}
