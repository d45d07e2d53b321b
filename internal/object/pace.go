package object

import (
	"fmt"
	"sync"
	"time"
)

const (
	// enough is the share of the most that was got through that fewer transfers must
	// get through too, so that more are not worth it.
	enough = 0.95
	// rest is how many transfers go by until it is tried again.
	rest = 150
)

// Pace finds how many transfers at once fill a link: it stands on a ladder of numbers of
// transfers. A connection keeps only so much in flight, a few megabytes at most, and gets
// it through once in each round trip. Nearby that is more than the network carries; over
// a long way it takes several connections. How many is not known beforehand, nor does it stay
// the same, so it is tried: up the ladder as long as somebody waits for a place, and down again as long
// as fewer get as much through. It is safe for concurrent use.
type Pace struct {
	ladder []int
	tell   func(string)

	mu      sync.Mutex // guards all below
	rung    int
	phase   phase
	pressed int       // how often somebody had to wait for a place since the phase began
	done    int       // transfers ended since the phase began
	since   time.Time // when what is counted began
	bytes   int       // got through since then
	rates   []float64 // bytes per second, by rung; as last measured
}

// phase is what the work on a rung is for.
type phase int

const (
	rising    phase = iota // up the ladder, as long as all places are taken
	emptying               // transfers begun on another rung come to their end
	measuring              // what gets through is counted
	resting                // the rung is the right one for now
)

// NewPace returns a pace that begins at the foot of a ladder, ascending numbers of
// transfers. tell, if it is not nil, is told of each decision in words; it must not call
// the pace.
func NewPace(tell func(string), ladder ...int) *Pace {
	if tell == nil {
		tell = func(string) {}
	}
	return &Pace{ladder: ladder, tell: tell, rates: make([]float64, len(ladder))}
}

// Rung returns where on the ladder the work is, from 0.
func (p *Pace) Rung() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rung
}

// Places returns how many transfers there may be at once.
func (p *Pace) Places() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ladder[p.rung]
}

// Pressed notes that a transfer has to wait for a place.
func (p *Pace) Pressed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pressed++
}

// Done notes at what time a transfer of n bytes ended.
func (p *Pace) Done(n int, now time.Time) {
	if len(p.ladder) == 1 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	p.bytes += n
	switch places := p.ladder[p.rung]; p.phase {
	case rising:
		if p.pressed > 0 {
			p.rise(now)
		}
	case emptying:
		if p.done >= p.ladder[len(p.ladder)-1] {
			p.begin(measuring, now)
		}
	case measuring:
		if p.done >= 2*places {
			p.measured(places, now)
		}
	case resting:
		if p.done >= rest {
			p.begin(rising, now)
		}
	}
}

// begin begins a phase. The caller holds mu.
func (p *Pace) begin(next phase, now time.Time) {
	p.phase, p.pressed, p.done, p.bytes, p.since = next, 0, 0, 0, now
}

// move goes to another rung. The caller holds mu.
func (p *Pace) move(rung int, next phase, now time.Time) {
	p.rung = rung
	p.begin(next, now)
}

// rise goes up by one rung, or measures where it is. The caller holds mu.
func (p *Pace) rise(now time.Time) {
	if p.rung == len(p.ladder)-1 {
		p.begin(emptying, now)
		return
	}
	p.move(p.rung+1, rising, now)
	p.tell(fmt.Sprintf("transfers at once: %d, since those before had to wait", p.ladder[p.rung]))
}

// measured decides by what got through. The caller holds mu.
func (p *Pace) measured(places int, now time.Time) {
	if p.pressed < places { // not the link was slow, but the work: this says nothing
		p.begin(measuring, now)
		return
	}
	rate := float64(p.bytes) / max(now.Sub(p.since), time.Microsecond).Seconds()
	p.rates[p.rung] = rate
	last := len(p.ladder) - 1
	switch above := p.rung + 1; {
	case p.rung < last && rate < enough*p.rates[above]:
		p.move(above, resting, now)
		p.tell(fmt.Sprintf("transfers at once: %d again; %d moved %.1f MB/s, %d %.1f", p.ladder[above], p.ladder[above], p.rates[above]/1e6, places, rate/1e6))
	case p.rung == 0:
		p.move(0, resting, now)
		p.tell(fmt.Sprintf("transfers at once: %d, which move %.1f MB/s, as much as more do", places, rate/1e6))
	default:
		p.move(p.rung-1, emptying, now)
		p.tell(fmt.Sprintf("transfers at once: %d, to see whether they move the %.1f MB/s that %d do", p.ladder[p.rung], rate/1e6, places))
	}
}
