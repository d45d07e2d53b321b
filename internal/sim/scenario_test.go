package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"firn/internal/object"
	"firn/internal/prune"
)

// scenario is all that a run depends on. It is drawn from a seed; parts of it can be
// taken away to see whether they matter.
type scenario struct {
	seed   uint64
	faults faults
	prune  prune.Options
	pauses []time.Duration // how long clients rest at most between errands
	brief  bool            // no pruning over months and looking for leaks
	// What the files are drawn from: names, contents, and later versions of each. Few of
	// them are used again and again.
	names, contents, versions int
	large                     bool // one of the contents is large enough for sessions to write deltas themselves
	work                      int  // errands of a client at most
	clients                   []clientPlan

	plant            func(c *client, s object.Store) object.Store // a planted bug; nil for none
	closureForgotten bool                                         // another: packs do not name what their deltas stand on
}

// clientPlan is a machine and what it is to do.
type clientPlan struct {
	name, host string // host: as its snapshots say
	role       role
	skew       time.Duration
	drift      float64 // seconds its clock makes of one
	cached     bool    // it keeps its cache between errands
	errands    []errand
}

// errand is one piece of work.
type errand struct {
	number int // of all in the scenario
	verb   string
	pause  time.Duration // before it
	seed   uint64        // of what else is drawn for it
}

// role is what a client may do, and how often it does it.
type role struct {
	key                                             *[32]byte
	backUp, forget, prune, readBack, rotate, repair int // weights
}

var roles = []role{
	{&ownerKey, 6, 2, 2, 2, 1, 0},
	{&ownerKey, 1, 1, 6, 1, 0, 1},
	{&ownerKey, 8, 1, 0, 1, 0, 0},
	{&writerKey, 1, 0, 0, 0, 0, 0},
	{&maintainerKey, 0, 1, 3, 0, 0, 1},
}

// paces are how long clients rest at most: some scenarios are crowded, some quiet.
var paces = [][]time.Duration{
	{10 * time.Second},
	{time.Minute, time.Hour},
	{10 * time.Minute, 3 * time.Hour, 3 * 24 * time.Hour},
}

// draw makes the scenario of a seed. change, if not nil, alters it before the errands
// are drawn.
func draw(seed uint64, change func(*scenario)) *scenario {
	random := rand.New(rand.NewPCG(seed, 1))
	s := &scenario{
		seed: seed, faults: drawFaults(random), brief: random.IntN(3) > 0, pauses: oneOf(random, paces...),
		names: oneOf(random, 1, 2, 4, 8), contents: 1 + random.IntN(4), versions: 1 + random.IntN(4), work: oneOf(random, 7, 11),
		large: random.IntN(3) == 0,
	}
	if s.large {
		s.versions = 4
	}
	s.prune = prune.Options{
		Grace: oneOf(random, -1, time.Hour, 24*time.Hour), Stale: oneOf(random, 7*time.Minute, 30*time.Minute),
		Wait: oneOf(random, 0, 30*time.Second, 2*time.Minute), ListingDelay: s.faults.listingDelay, Writer: smallWriter,
	}
	for i := range 2 + random.IntN(4) {
		c := clientPlan{
			name: fmt.Sprintf("c%d", i), host: fmt.Sprintf("host%d", random.IntN(3)),
			role: oneOf(random, roles...), cached: random.IntN(4) > 0,
			skew: time.Duration(random.NormFloat64() * float64(24*time.Hour)), drift: 1 + random.NormFloat64()/100,
		}
		if i == 0 {
			c.role = roles[0]
		}
		s.clients = append(s.clients, c)
	}
	if change != nil {
		change(s)
	}
	number := 0
	for i := range s.clients {
		c := &s.clients[i]
		for range 2 + random.IntN(s.work-1) {
			number++
			longest := oneOf(random, s.pauses...)
			c.errands = append(c.errands, errand{
				number: number, verb: c.role.verb(random),
				pause: time.Duration(random.Int64N(int64(longest))), seed: random.Uint64(),
			})
		}
	}
	return s
}

func oneOf[T any](random *rand.Rand, choices ...T) T { return choices[random.IntN(len(choices))] }

// drawFaults draws how much goes wrong: in some scenarios so little that nearly all
// errands come to their end, in others so much that few do.
func drawFaults(random *rand.Rand) faults {
	much := oneOf(random, 0.1, 0.3, 1)
	some := func(p float64) float64 { return p * much * float64(random.IntN(4)) }
	f := faults{
		fail: some(0.002), lose: some(0.002), late: some(0.002), delay: some(0.004), stall: some(0.002), crash: some(0.002),
		conditional: random.IntN(3) > 0, nap: time.Minute,
	}
	if random.IntN(5) == 0 {
		f.listingDelay = time.Duration(1+random.IntN(300)) * time.Second
	}
	return f
}

// verb draws what a client does.
func (r role) verb(random *rand.Rand) string {
	at := random.IntN(r.backUp + r.forget + r.prune + r.readBack + r.rotate + r.repair)
	for _, choice := range []struct {
		verb   string
		weight int
	}{{"backup", r.backUp}, {"forget", r.forget}, {"prune", r.prune}, {"restore", r.readBack}, {"rotate", r.rotate}} {
		if at -= choice.weight; at < 0 {
			return choice.verb
		}
	}
	return "repair"
}

// errands returns the numbers of all errands.
func (s *scenario) errands() (numbers []int) {
	for _, c := range s.clients {
		for _, e := range c.errands {
			numbers = append(numbers, e.number)
		}
	}
	return numbers
}

// only returns the scenario with no other errands than these, and without clients
// that have none.
func (s *scenario) only(numbers []int) *scenario {
	less := *s
	less.clients = nil
	for _, c := range s.clients {
		c.errands = slices.DeleteFunc(slices.Clone(c.errands), func(e errand) bool { return !slices.Contains(numbers, e.number) })
		if len(c.errands) > 0 {
			less.clients = append(less.clients, c)
		}
	}
	return &less
}

// calm returns the scenario without one kind of fault.
func (s *scenario) calm(kind string) (*scenario, bool) {
	less := *s
	p, known := map[string]*float64{
		"fail": &less.faults.fail, "lose": &less.faults.lose, "late": &less.faults.late,
		"delay": &less.faults.delay, "stall": &less.faults.stall, "crash": &less.faults.crash,
	}[kind]
	if !known {
		return nil, false
	}
	*p = 0
	return &less, true
}
