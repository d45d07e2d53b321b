package object

import (
	"container/heap"
	"strings"
	"testing"
	"time"
)

// link is a made-up one, on a clock of its own: each transfer gets its share of
// rate, but no more than one connection can, and a round trip is lost on each.
type link struct {
	rate, connection float64 // bytes per second
	roundTrip        time.Duration
	size             []int                        // of transfers, by rung
	made             func(done int) time.Duration // how long a transfer takes to prepare; nil: no time
	now              time.Time
}

type times []time.Time

func (t times) Len() int           { return len(t) }
func (t times) Less(i, j int) bool { return t[i].Before(t[j]) }
func (t times) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *times) Push(x any)        { *t = append(*t, x.(time.Time)) }
func (t *times) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}

// run makes n transfers and returns the time it took.
func (l *link) run(p *Pace, n int) time.Duration {
	start, now, flying, sizes := l.now, l.now, &times{}, map[time.Time][]int{}
	for done := 0; done < n; {
		for flying.Len() < p.Places() {
			if l.made != nil {
				now = now.Add(l.made(done))
				if flying.Len() > 0 && (*flying)[0].Before(now) {
					break
				}
			}
			share := min(l.connection, l.rate/float64(p.Places()))
			size := l.size[p.Rung()]
			end := now.Add(l.roundTrip + time.Duration(float64(size)/share*1e9) + time.Duration(done+flying.Len())) // no two at once
			heap.Push(flying, end)
			sizes[end] = append(sizes[end], size)
		}
		if l.made == nil {
			p.Pressed()
		}
		end := heap.Pop(flying).(time.Time)
		if end.After(now) {
			now = end
		}
		size := sizes[end][0]
		sizes[end] = sizes[end][1:]
		done++
		p.Done(size, now)
	}
	l.now = now
	return now.Sub(start)
}

var sizes = []int{32 << 20, 18 << 20, 12 << 20}

func TestPace(t *testing.T) {
	for _, test := range []struct {
		name string
		link link
		want int // places in the end
	}{
		{"gigabit nearby", link{rate: 125e6, connection: 1e9, roundTrip: time.Millisecond, size: sizes}, 2},
		{"gigabit, 50 ms", link{rate: 125e6, connection: 40e6, roundTrip: 50 * time.Millisecond, size: sizes}, 4},
		{"gigabit, 100 ms", link{rate: 125e6, connection: 20e6, roundTrip: 100 * time.Millisecond, size: sizes}, 6},
		{"slow", link{rate: 125e4, connection: 1e9, roundTrip: 50 * time.Millisecond, size: sizes}, 2},
		{"lossy", link{rate: 125e6, connection: 1e6, roundTrip: 100 * time.Millisecond, size: sizes}, 6},
		{"slower source", link{rate: 125e6, connection: 30e6, roundTrip: 100 * time.Millisecond, size: sizes, made: func(int) time.Duration { return 10 * time.Second }}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := NewPace(nil, 2, 4, 6)
			test.link.run(p, 100)
			if got := p.Places(); got != test.want {
				t.Errorf("%d places, want %d; moved %.3g bytes per second", got, test.want, p.rates)
			}
		})
	}
}

// TestPaceFollows lets a link change under way.
func TestPaceFollows(t *testing.T) {
	p := NewPace(nil, 2, 4, 6)
	l := link{rate: 125e6, connection: 1e9, roundTrip: time.Millisecond, size: sizes}
	l.run(p, 100)
	if got := p.Places(); got != 2 {
		t.Fatalf("%d places nearby, want 2", got)
	}
	l.connection, l.roundTrip = 20e6, 100*time.Millisecond
	l.run(p, rest+100)
	if got := p.Places(); got != 6 {
		t.Errorf("%d places after the way became longer, want 6", got)
	}
}

// TestPaceTells makes sure that each decision is told with its reason.
func TestPaceTells(t *testing.T) {
	var told []string
	p := NewPace(func(text string) { told = append(told, text) }, 2, 4, 6)
	l := link{rate: 125e6, connection: 40e6, roundTrip: 50 * time.Millisecond, size: sizes}
	l.run(p, 100)
	all := strings.Join(told, "\n")
	for _, want := range []string{"transfers at once: 4, since", "transfers at once: 6, since", "to see whether", "transfers at once: 4 again"} {
		if !strings.Contains(all, want) {
			t.Errorf("nobody was told %q:\n%s", want, all)
		}
	}
}

func TestPaceFixed(t *testing.T) {
	p := NewPace(nil, 2)
	for i := range 100 {
		p.Pressed()
		p.Done(1, time.Unix(int64(i), 0))
	}
	if p.Places() != 2 || p.Rung() != 0 {
		t.Errorf("%d places on rung %d, want those of the only one", p.Places(), p.Rung())
	}
}
