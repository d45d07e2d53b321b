package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// shape is what a link is like, the same in both directions.
type shape struct {
	Rate      int64         `json:"bits_per_second"`
	RoundTrip time.Duration `json:"round_trip"`
}

// parseShape reads a shape such as 100M/20ms: bits per second, round trip.
func parseShape(text string) (s shape, err error) {
	rate, roundTrip, ok := strings.Cut(text, "/")
	unit := map[string]int64{"K": 1e3, "M": 1e6, "G": 1e9}[rate[max(0, len(rate)-1):]]
	if ok && unit > 0 {
		var n int64
		if n, err = strconv.ParseInt(rate[:len(rate)-1], 10, 64); err == nil {
			s.Rate = n * unit
			s.RoundTrip, err = time.ParseDuration(roundTrip)
		}
	}
	if err != nil || s.Rate <= 0 || s.RoundTrip < 0 {
		return s, fmt.Errorf("link %q is not as 100M/20ms: bits per second with K, M or G, and round trip", text)
	}
	return s, nil
}

func (s shape) String() string {
	rate := fmt.Sprintf("%d kbit/s", s.Rate/1e3)
	switch {
	case s.Rate%1e9 == 0:
		rate = fmt.Sprintf("%d Gbit/s", s.Rate/1e9)
	case s.Rate%1e6 == 0:
		rate = fmt.Sprintf("%d Mbit/s", s.Rate/1e6)
	}
	return fmt.Sprintf("%s, %d ms", rate, s.RoundTrip.Milliseconds())
}

// bytes is how much the link carries in a time.
func (s shape) bytes(in time.Duration) int64 { return int64(float64(s.Rate) / 8 * in.Seconds()) }

// link joins the network this process is in, the far end, with one for clients, the near end.
type link struct {
	near *space
	ends [2]*os.File
	done chan error
}

func openLink(s shape, congestion string) (l *link, err error) {
	l = &link{done: make(chan error, 2)}
	if l.near, err = newSpace(); err != nil {
		return nil, err
	}
	if l.ends[0], err = openEnd(farAddress, congestion); err != nil {
		l.near.close()
		return nil, err
	}
	err = l.near.do(func() (err error) {
		l.ends[1], err = openEnd(nearAddress, congestion)
		return err
	})
	if err != nil {
		l.near.close()
		return nil, errors.Join(err, l.ends[0].Close())
	}
	for i := range l.ends {
		go func() { l.done <- newLine(s.Rate, s.RoundTrip).carry(l.ends[i], l.ends[1-i]) }()
	}
	return l, nil
}

func (l *link) close() error {
	err := errors.Join(l.ends[0].Close(), l.ends[1].Close())
	err = errors.Join(err, <-l.done, <-l.done)
	l.near.close()
	return err
}
