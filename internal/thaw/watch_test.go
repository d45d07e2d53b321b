package thaw_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/repo"
	"firn/internal/thaw"
)

// TestFewRequests has 5,000 packs thaw and be read.
func TestFewRequests(t *testing.T) {
	for _, c := range []struct {
		name  string
		class string
		tier  object.Tier
		mute  bool
		more  int // requests besides one to thaw and one to read each
	}{
		{"expedited", "GLACIER", object.Expedited, false, 100},
		{"standard", "GLACIER", object.Standard, false, 150},
		{"bulk", "DEEP_ARCHIVE", object.Bulk, false, 300},
		{"listings do not tell", "GLACIER", object.Standard, true, 2*5000 + 600},
		{"tiering", objecttest.ArchiveAccess, object.Standard, false, 2*5000 + 900},
	} {
		t.Run(c.name, func(t *testing.T) {
			freeze(t, func(w *winter) {
				needs := w.add(5000, 1, c.class)
				for _, n := range needs {
					w.cold.Lay(n.Pack.Object(), c.class)
				}
				if c.mute {
					w.cold.Hide()
				}
				before := w.cold.Requests()
				w.restore(w.watch(w.cold, needs, c.tier, 7), needs)
				now := w.cold.Requests()
				t.Log(since(now, before))
				if now.Thaw-before.Thaw != 5000 || now.Get-before.Get != 5000 {
					t.Errorf("%s", since(now, before))
				}
				if more := now.Head - before.Head + now.List - before.List; more > c.more {
					t.Errorf("%d more requests", more)
				}
				w.wantSaid("")
			})
		})
	}
}

// TestReadsWhatIsReady reads packs of three classes each as soon as it can be.
func TestReadsWhatIsReady(t *testing.T) {
	freeze(t, func(w *winter) {
		begun := time.Now()
		needs := slices.Concat(w.add(3, 1, "STANDARD"), w.add(3, 1, "GLACIER"), w.add(3, 1, "DEEP_ARCHIVE"))
		watch := w.watch(w.cold, needs, object.Expedited, 2)
		var at []time.Duration
		w.must(watch.Run(w.Context(), func(ctx context.Context) error {
			for ready := 0; ; {
				n := 0
				for _, need := range needs {
					if watch.Ready(need.Pack) {
						n++
					}
				}
				if n > ready {
					ready, at = n, append(at, time.Since(begun).Round(time.Minute))
				}
				if ready == len(needs) {
					return nil
				}
				if err := watch.Wait(ctx); err != nil {
					return err
				}
			}
		}))
		if len(at) != 3 || at[0] > time.Minute || at[1] < 5*time.Minute || at[1] > 6*time.Minute || at[2] < 12*time.Hour || at[2] > 13*time.Hour {
			t.Errorf("ready after %v", at)
		}
		if p := watch.Progress(); p.Ready.Packs != 9 || p.Asked.Packs+p.Frozen.Packs+p.Lost.Packs != 0 || !p.Next.IsZero() {
			t.Errorf("%+v", p)
		}
	})
}

// TestInterrupted stops a restore while packs thaw and goes on two days later, with
// nothing but what is in the bucket.
func TestInterrupted(t *testing.T) {
	for _, c := range []struct {
		name  string
		days  int
		pause time.Duration
		thaws int // requests made again
	}{
		{"on their way", 7, time.Hour, 0},
		{"there", 7, 48 * time.Hour, 0},
		{"gone again", 1, 72 * time.Hour, 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			freeze(t, func(w *winter) {
				needs := w.add(30, 1, "GLACIER")
				first := w.watch(w.cold, needs, object.Standard, c.days)
				ctx, cancel := context.WithTimeout(w.Context(), 30*time.Minute)
				defer cancel()
				err := first.Run(ctx, func(ctx context.Context) error {
					_, err := w.read(ctx, first, needs)
					return err
				})
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("%v", err)
				}
				time.Sleep(c.pause)
				before := w.cold.Requests()
				w.restore(w.watch(w.cold, needs, object.Standard, c.days), needs)
				if now := w.cold.Requests(); now.Thaw-before.Thaw != c.thaws {
					t.Errorf("%s", since(now, before))
				}
			})
		})
	}
}

// TestExpiry reads a pack on each of ten days, with copies that last one day.
func TestExpiry(t *testing.T) {
	freeze(t, func(w *winter) {
		needs := w.add(10, 1, "GLACIER")
		watch := w.watch(w.cold, needs, object.Expedited, 1)
		w.must(watch.Run(w.Context(), func(ctx context.Context) error {
			for _, n := range needs {
				if _, err := w.read(ctx, watch, []repo.Need{n}); err != nil {
					return err
				}
				time.Sleep(24 * time.Hour)
			}
			return nil
		}))
		if len(w.cold.Vain()) > 0 {
			t.Errorf("%d packs were read while frozen", len(w.cold.Vain()))
		}
		if now := w.cold.Requests(); now.Thaw > 10*(1+20) {
			t.Errorf("%d requests to thaw", now.Thaw)
		}
	})
}

// TestGoneWhileWaited has copies go because the machine slept through their end.
func TestGoneWhileWaited(t *testing.T) {
	freeze(t, func(w *winter) {
		needs := w.add(5, 1, "GLACIER")
		watch := w.watch(w.cold, needs, object.Standard, 2)
		w.must(watch.Ask(w.Context()))
		time.Sleep(30 * 24 * time.Hour)
		before := w.cold.Requests()
		w.restore(watch, needs)
		if now := w.cold.Requests(); now.Thaw-before.Thaw != 5 {
			t.Errorf("%s", since(now, before))
		}
	})
}

// TestAskExtends has copies last until those that are asked for now are there.
func TestAskExtends(t *testing.T) {
	freeze(t, func(w *winter) {
		old, more := w.add(2, 1, "DEEP_ARCHIVE"), w.add(2, 1, "DEEP_ARCHIVE")
		w.must(w.watch(w.cold, old, object.Standard, 1).Ask(w.Context()))
		time.Sleep(13 * time.Hour)
		all := slices.Concat(old, more)
		w.must(w.watch(w.cold, all, object.Bulk, 5).Ask(w.Context()))
		time.Sleep(49 * time.Hour)
		if sum := w.look(all).Total(); sum.Thawed.Packs != 4 {
			t.Errorf("%+v", sum)
		}
		if now := w.cold.Requests(); now.Thaw != 6 {
			t.Errorf("%d requests to thaw", now.Thaw)
		}
	})
}

// TestTiersRefused takes a slower tier where the server has no other, and nothing
// was known of it.
func TestTiersRefused(t *testing.T) {
	for class, sunk := range map[string]string{"DEEP_ARCHIVE": "DEEP_ARCHIVE", objecttest.Tiering: objecttest.DeepArchiveAccess} {
		t.Run(class, func(t *testing.T) {
			freeze(t, func(w *winter) {
				needs := w.add(40, 1, "")
				for _, n := range needs {
					w.cold.Lay(n.Pack.Object(), sunk)
				}
				watch := thaw.NewWatch(w.cold, w.look(needs), thaw.Options{
					Tier: object.Expedited, Days: 1, Tariff: tariff{}, Say: func(text string) { w.said = append(w.said, text) },
				})
				w.restore(watch, needs)
				w.wantSaid(class + " cannot be thawed in tier expedited: standard is taken")
				if len(w.said) != 1 {
					t.Errorf("said: %q", w.said)
				}
			})
		})
	}
}

// TestNoCapacity waits for capacity, and takes a slower tier when there is none for long.
func TestNoCapacity(t *testing.T) {
	for _, c := range []struct {
		name string
		back time.Duration // when there is some
		said string
		by   time.Duration
	}{
		{"for a while", 4 * time.Minute, "just now: asking again at", 20 * time.Minute},
		{"for long", 24 * time.Hour, "in tier expedited: standard is taken", 7 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			freeze(t, func(w *winter) {
				needs := w.add(200, 1, "GLACIER")
				w.cold.Expedite(false)
				time.AfterFunc(c.back, func() { w.cold.Expedite(true) })
				before, begun := w.cold.Requests(), time.Now()
				w.restore(w.watch(w.cold, needs, object.Expedited, 1), needs)
				w.wantSaid(c.said)
				if took := time.Since(begun); took > c.by {
					t.Errorf("it took %s", took)
				}
				if now := w.cold.Requests(); now.Thaw-before.Thaw > 200+6*16 {
					t.Errorf("%s", since(now, before))
				}
			})
		})
	}
}

// TestTrouble has requests fail: for a while, for good, for one pack.
func TestTrouble(t *testing.T) {
	own := errors.New("of this pack only")
	for _, c := range []struct {
		name string
		rule objecttest.Rule
		want error
		left int // not read
		lost int
	}{
		{"unreachable for a while", objecttest.Rule{Op: objecttest.Thaw, Nth: 5, Times: 30, Err: object.ErrUnreachable}, nil, 0, 0},
		{"looks fail for a while", objecttest.Rule{Op: objecttest.Frosts, Nth: 2, Times: 3, Err: object.ErrUnreachable}, nil, 0, 0},
		{"unreachable", objecttest.Rule{Op: objecttest.Thaw, Nth: 5, Times: 1 << 30, Err: object.ErrUnreachable}, object.ErrUnreachable, 96, 0},
		{"not allowed", objecttest.Rule{Op: objecttest.Thaw, Err: object.ErrAccess}, object.ErrAccess, 0, 0},
		{"one pack", objecttest.Rule{Op: objecttest.Thaw, Nth: 7, Times: 1, Err: own}, repo.ErrNeverReady, 1, 1},
		{"no tier at all", objecttest.Rule{Op: objecttest.Thaw, Err: object.ErrUnsupported}, repo.ErrNeverReady, 100, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			freeze(t, func(w *winter) {
				needs := w.add(100, 1, "GLACIER")
				faulty, _ := object.ThawerOf(objecttest.NewFault(w.cold, 0, c.rule))
				watch := w.watch(faulty, needs, object.Standard, 1)
				var left []repo.Need
				err := watch.Run(w.Context(), func(ctx context.Context) (err error) {
					left, err = w.read(ctx, watch, needs)
					return err
				})
				if !errors.Is(err, c.want) || len(left) != c.left || len(watch.Lost()) != c.lost {
					t.Errorf("%v, %d left, %d lost", err, len(left), len(watch.Lost()))
				}
				if len(w.cold.Vain()) > 0 {
					t.Errorf("%d packs were read while frozen", len(w.cold.Vain()))
				}
			})
		})
	}
}

// TestDisappeared has a pack go while it thaws: it counts as ready, so that who
// reads it learns of it.
func TestDisappeared(t *testing.T) {
	freeze(t, func(w *winter) {
		needs := w.add(20, 1, "GLACIER")
		watch := w.watch(w.cold, needs, object.Standard, 1)
		w.must(watch.Run(w.Context(), func(ctx context.Context) error {
			w.must(w.cold.Delete(ctx, needs[3].Pack.Object()))
			_, err := w.read(ctx, watch, slices.Delete(slices.Clone(needs), 3, 4))
			return err
		}))
		for i, n := range needs {
			if !watch.Ready(n.Pack) {
				t.Errorf("pack %d is not ready", i)
			}
		}
		if lost := watch.Lost(); len(lost) != 1 || lost[0].Pack != needs[3].Pack || lost[0].Err != nil {
			t.Errorf("lost: %v", lost)
		}
	})
}

// TestStranger needs a pack that was not planned, because another is lost.
func TestStranger(t *testing.T) {
	freeze(t, func(w *winter) {
		needs, other := w.add(2, 1, "GLACIER"), w.add(1, 1, "GLACIER")
		watch := w.watch(w.cold, needs, object.Standard, 1)
		if watch.Ready(other[0].Pack) {
			t.Error("a pack is ready that nobody looked at")
		}
		w.restore(watch, slices.Concat(needs, other))
		w.wantSaid("which was not planned, is thawed")
		if now := w.cold.Requests(); now.Thaw != 3 {
			t.Errorf("%d requests to thaw", now.Thaw)
		}
	})
}

// TestManyWait has several goroutines wait for the same packs.
func TestManyWait(t *testing.T) {
	freeze(t, func(w *winter) {
		needs := slices.Concat(w.add(2, 1, "GLACIER"), w.add(2, 1, "DEEP_ARCHIVE"))
		watch := w.watch(w.cold, needs, object.Standard, 1)
		w.must(watch.Run(w.Context(), func(ctx context.Context) error {
			var all sync.WaitGroup
			for range 5 {
				all.Go(func() {
					if left, err := w.read(ctx, watch, needs); err != nil || len(left) > 0 {
						t.Errorf("%v, %d left", err, len(left))
					}
				})
			}
			all.Wait()
			return nil
		}))
		synctest.Wait()
		if len(w.cold.Vain()) > 0 {
			t.Errorf("%d packs were read while frozen", len(w.cold.Vain()))
		}
	})
}
