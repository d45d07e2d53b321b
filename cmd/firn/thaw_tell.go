package main

import (
	"fmt"
	"time"

	"firn/internal/thaw"
)

// thawProgressJSON is how far thawing is.
type thawProgressJSON struct {
	Drive  string     `json:"drive"`
	Packs  int        `json:"packs"`
	Bytes  int64      `json:"bytes"`
	Ready  int        `json:"ready_packs"`
	ReadyB int64      `json:"ready_bytes"`
	Asked  int        `json:"asked_packs"`
	Frozen int        `json:"frozen_packs"`
	Lost   int        `json:"lost_packs"`
	Next   *time.Time `json:"next_look,omitempty"`
	By     *time.Time `json:"expected_by,omitempty"`
}

func thawProgressToJSON(d *drive, p thaw.Progress) thawProgressJSON {
	return thawProgressJSON{
		Drive: d.label, Packs: p.All.Packs, Bytes: p.All.Bytes, Ready: p.Ready.Packs, ReadyB: p.Ready.Bytes,
		Asked: p.Asked.Packs, Frozen: p.Frozen.Packs, Lost: p.Lost.Packs, Next: moment(p.Next), By: moment(p.By),
	}
}

// moment is a time for JSON, nil for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}

// tellThaw says how far thawing is.
func (a *app) tellThaw(d *drive, p thaw.Progress) {
	if a.out.noProgress {
		return
	}
	a.out.emit("thaw_progress", thawProgressToJSON(d, p))
	text := fmt.Sprintf("thaw: %d of %s can be read", p.Ready.Packs, count(uint64(p.All.Packs), "pack", "packs"))
	if p.Asked.Packs > 0 {
		text += fmt.Sprintf(", %d on their way", p.Asked.Packs)
	}
	if p.Frozen.Packs > 0 {
		text += fmt.Sprintf(", %d not asked for yet", p.Frozen.Packs)
	}
	if p.Lost.Packs > 0 {
		text += fmt.Sprintf(", %d lost", p.Lost.Packs)
	}
	if !p.By.IsZero() {
		text += "; the last by " + clock(p.By)
	}
	if !p.Next.IsZero() {
		text += "; next look " + clock(p.Next)
	}
	a.out.note("%s", text)
}

// packsAnd writes a number of packs and their bytes.
func packsAnd(s thaw.Sum) string {
	return count(uint64(s.Packs), "pack", "packs") + ", " + size(uint64(s.Bytes))
}

// clock writes a time not far away.
func clock(t time.Time) string {
	local := t.Local()
	if local.Format(time.DateOnly) == time.Now().Format(time.DateOnly) {
		return local.Format(time.TimeOnly)
	}
	return local.Format("2006-01-02 15:04")
}

// thawLossJSON is a pack that cannot be thawed.
type thawLossJSON struct {
	Object string `json:"object"`
	Reason string `json:"reason"`
}

// tellLoss names a pack that cannot be thawed.
func (a *app) tellLoss(l thaw.Loss) {
	reason := "there is no such object"
	if l.Err != nil {
		reason = l.Err.Error()
	}
	a.out.emit("thaw_loss", thawLossJSON{l.Pack.Object(), reason})
	a.out.note("cannot be thawed: %s: %s", l.Pack, reason)
}
