package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progress shows how far a command is: a bar on a terminal, a line now and
// then in a pipe, JSON lines with --json.
type progress struct {
	out   *output
	begun time.Time
	stop  context.CancelFunc
	done  sync.WaitGroup
}

// state is how far a command is.
type state struct {
	Verb  string `json:"-"`
	Done  uint64 `json:"bytes_done"`
	Total uint64 `json:"bytes_total"` // 0: not known
	Files uint64 `json:"files"`
	Of    uint64 `json:"files_total,omitempty"`
	Note  string `json:"current,omitempty"`
	// One and Many call what Files counts; "file" and "files" if empty.
	One, Many string `json:"-"`
}

// How often progress is told.
const (
	barEvery  = 200 * time.Millisecond
	jsonEvery = time.Second
	lineEvery = 30 * time.Second
)

// showProgress shows what read returns until close is called.
func (o *output) showProgress(read func() state) *progress {
	ctx, cancel := context.WithCancel(context.Background())
	p := &progress{out: o, begun: time.Now(), stop: cancel}
	switch {
	case o.json && !o.noProgress:
		p.every(ctx, jsonEvery, func() { o.emit("progress", read()) })
	case o.bars():
		p.bar(ctx, read)
	case !o.quiet && !o.noProgress && !o.json:
		p.every(ctx, lineEvery, func() {
			s := read()
			o.note("%s: %s, %s  %s", s.Verb, items(s), amount(s), pace(s, time.Since(p.begun)))
		})
	}
	return p
}

// bars reports whether progress is a bar.
func (o *output) bars() bool { return o.tty && !o.quiet && !o.noProgress && !o.json }

// items is how many things are done, of how many if that is known.
func items(s state) string {
	one, many := s.One, s.Many
	if one == "" {
		one, many = "file", "files"
	}
	if s.Of > 0 {
		return fmt.Sprintf("%d of %s", s.Files, count(s.Of, one, many))
	}
	return count(s.Files, one, many)
}

func amount(s state) string {
	if s.Total == 0 {
		return size(s.Done)
	}
	return fmt.Sprintf("%s of %s", size(s.Done), size(s.Total))
}

// close ends the showing and takes the bar away.
func (p *progress) close() {
	p.stop()
	p.done.Wait()
}

func (p *progress) every(ctx context.Context, d time.Duration, tell func()) {
	p.done.Go(func() {
		tick := time.NewTicker(d)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				tell()
			}
		}
	})
}

// bar shows a line that is rewritten in place. Other lines come to stand above it.
func (p *progress) bar(ctx context.Context, read func() state) {
	bars := mpb.New(mpb.WithOutput(p.out.stderr), mpb.WithWidth(barWidth), mpb.WithRefreshRate(barEvery))
	p.out.putAbove(bars)
	var now atomic.Pointer[state]
	take := func() state {
		s := read()
		now.Store(&s)
		return s
	}
	take()
	bar := bars.New(0, mpb.BarStyle().Lbound("").Rbound("").Filler("━").Tip("━").Padding("─"), mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string {
			s := now.Load()
			return fmt.Sprintf("%s  %s  %s  ", s.Verb, items(*s), amount(*s))
		})),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + pace(*now.Load(), time.Since(p.begun)) })))
	p.done.Go(func() {
		tick := time.NewTicker(barEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				p.out.putAbove(nil)
				bar.Abort(true)
				bars.Wait()
				return
			case <-tick.C:
				if s := take(); s.Total > 0 {
					bar.SetTotal(int64(max(s.Total, s.Done+1)), false) // at the end it would vanish
					bar.SetCurrent(int64(s.Done))
				}
			}
		}
	})
}

// barWidth is the length of the bar itself, in columns.
const barWidth = 24

// pace is how fast it goes and, when the end is known, how long it will take
// if it goes on like that.
func pace(s state, since time.Duration) string {
	if s.Done == 0 || since < time.Second {
		return ""
	}
	rate := float64(s.Done) / since.Seconds()
	text := size(uint64(rate)) + "/s"
	if s.Total > s.Done {
		left := time.Duration(float64(s.Total-s.Done) / rate * float64(time.Second))
		text += "  " + left.Round(time.Second).String() + " left"
	}
	return text
}
