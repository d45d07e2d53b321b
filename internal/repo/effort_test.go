package repo

import (
	"strings"
	"testing"
	"time"
)

// TestEffort backs up over made-up drives: usual and hard work take so long for each piece of content, and
// the drive takes so long for what comes out.
func TestEffort(t *testing.T) {
	const piece = 1 << 20
	for _, test := range []struct {
		name               string
		usual, hard, drive time.Duration // for a piece
		want               bool
		changes            int
	}{
		{"drive far behind", 4 * time.Millisecond, 12 * time.Millisecond, 200 * time.Millisecond, true, 1},
		{"drive a little behind", 4 * time.Millisecond, 12 * time.Millisecond, 8 * time.Millisecond, false, 0},
		{"as fast as hard work", 4 * time.Millisecond, 12 * time.Millisecond, 16 * time.Millisecond, true, 1},
		{"processor behind", 40 * time.Millisecond, 120 * time.Millisecond, time.Millisecond, false, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			changes := 0
			e := &effort{tell: func(string) { changes++ }}
			for range 20 * effortEvery / piece {
				work := test.usual
				if e.harder() {
					work = test.hard
				}
				e.wait(max(0, test.drive-work))
				e.land()
				e.work(work, piece)
			}
			if e.settle() != test.want || changes != test.changes {
				t.Errorf("harder: %v after %d changes, want %v after %d", e.harder(), changes, test.want, test.changes)
			}
		})
	}
}

// TestEffortFollows lets a drive become slow and fast again.
func TestEffortFollows(t *testing.T) {
	var told []string
	e := &effort{tell: func(text string) { told = append(told, text) }}
	for _, wait := range []time.Duration{0, time.Second, time.Second, 0, 0} {
		e.wait(10 * wait)
		e.land()
		e.work(time.Second, effortEvery)
	}
	if all := strings.Join(told, "\n"); len(told) != 2 || !strings.Contains(told[0], "better, since the drive was waited for in 91 %") ||
		!strings.Contains(told[1], "default, since the drive was waited for in only 0 %") {
		t.Errorf("told:\n%s", all)
	}
}

// TestEffortBegins keeps the effort that the last backup came to as long as the first packs are under way.
func TestEffortBegins(t *testing.T) {
	e := &effort{tell: func(string) {}, more: true}
	for range 10 {
		e.work(time.Second, effortEvery)
	}
	if !e.harder() {
		t.Error("effort was given up before a pack had arrived")
	}
	e.land()
	e.work(time.Second, effortEvery)
	if e.harder() {
		t.Error("effort was kept although packs arrive as soon as they are made")
	}
}

// TestEffortTooLittle decides nothing by what takes no time to speak of.
func TestEffortTooLittle(t *testing.T) {
	e := &effort{tell: func(text string) { t.Error(text) }}
	e.wait(effortLeast / 2)
	if e.settle() {
		t.Error("harder after half a second")
	}
}
