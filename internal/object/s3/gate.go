package s3

import (
	"context"
	"sync"
)

// gate bounds how many requests run at a time and learns the bound from the
// server: a request to slow down, or one that takes too long, halves it, successes raise it again step by
// step (AIMD: Chiu and Jain, 1989).
type gate struct {
	most int

	mu      sync.Mutex
	limit   float64         // guarded by mu; between 1 and most
	running int             // guarded by mu
	cuts    int             // guarded by mu; how often limit was halved
	waiting []chan struct{} // guarded by mu; in order of arrival
}

func newGate(most int) *gate { return &gate{most: most, limit: float64(most)} }

// enter waits for a place and returns the number of cuts seen, for leave.
func (g *gate) enter(ctx context.Context) (cuts int, err error) {
	g.mu.Lock()
	if g.running < int(g.limit) && len(g.waiting) == 0 {
		g.running++
		defer g.mu.Unlock()
		return g.cuts, nil
	}
	turn := make(chan struct{})
	g.waiting = append(g.waiting, turn)
	g.mu.Unlock()
	select {
	case <-turn:
	case <-ctx.Done():
		g.abandon(turn)
		return 0, ctx.Err()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cuts, nil
}

// abandon gives up waiting, and the place if it was assigned just now.
func (g *gate) abandon(turn chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, other := range g.waiting {
		if other == turn {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			return
		}
	}
	g.running--
	g.admit()
}

// leave gives the place back. Requests that were under way together when the
// server asked to slow down halve the limit once, not each.
func (g *gate) leave(cuts int, slowDown bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	switch {
	case !slowDown:
		g.limit = min(float64(g.most), g.limit+1/g.limit)
	case cuts == g.cuts:
		g.cuts++
		g.limit = max(1, g.limit/2)
	}
	g.admit()
}

// admit hands free places to those who wait. The caller holds mu.
func (g *gate) admit() {
	for g.running < int(g.limit) && len(g.waiting) > 0 {
		close(g.waiting[0])
		g.waiting = g.waiting[1:]
		g.running++
	}
}
