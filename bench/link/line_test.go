package main

import (
	"encoding/binary"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestParseShape(t *testing.T) {
	for text, want := range map[string]shape{
		"1G/100ms": {1e9, 100 * time.Millisecond}, "100M/20ms": {100e6, 20 * time.Millisecond}, "64K/0s": {64e3, 0},
	} {
		if got, err := parseShape(text); err != nil || got != want {
			t.Errorf("%s is read as %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1G", "G/1ms", "1/1ms", "1G/1", "-1M/1ms", "1M/-1ms", "/"} {
		if got, err := parseShape(text); err == nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

// TestArrival sends packets faster than the line is.
func TestArrival(t *testing.T) {
	l := newLine(8000, 100*time.Millisecond) // a byte each millisecond
	now := time.Unix(0, 0)
	for i, want := range []time.Duration{100, 150, 200, -1, -1} {
		arrival, ok := l.arrival(now, 50)
		if ok != (want >= 0) || ok && arrival.Sub(now) != want*time.Millisecond {
			t.Errorf("packet %d arrives after %v (%v), want %v ms", i, arrival.Sub(now), ok, want)
		}
	}
	now = now.Add(time.Second)
	if arrival, ok := l.arrival(now, 10); !ok || arrival.Sub(now) != 60*time.Millisecond {
		t.Errorf("when the line is free again a packet arrives after %v (%v)", arrival.Sub(now), ok)
	}
}

// TestWireSize counts the headers of all segments of a packet.
func TestWireSize(t *testing.T) {
	packet := func(n, header, segment int) []byte {
		p := make([]byte, offloadHeader+n)
		binary.NativeEndian.PutUint16(p[2:], uint16(header))
		binary.NativeEndian.PutUint16(p[4:], uint16(segment))
		return p
	}
	for _, c := range []struct{ n, header, segment, want int }{
		{52, 0, 0, 52}, {1500, 52, 1448, 1500}, {52 + 1449, 52, 1448, 2*52 + 1449}, {52 + 3*1448, 52, 1448, 3 * 1500},
	} {
		if got := wireSize(packet(c.n, c.header, c.segment)); got != c.want {
			t.Errorf("%d bytes in segments of %d are %d on the wire, want %d", c.n, c.segment, got, c.want)
		}
	}
}

// TestCarry sends packets over a line and looks at what comes when.
func TestCarry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, sender := io.Pipe()
		receiver, to := io.Pipe()
		done := make(chan error)
		go func() { done <- newLine(8000, time.Second).carry(to, from) }()
		begun := time.Now()
		for _, n := range []int{100, 300} {
			if _, err := sender.Write([]byte(strings.Repeat("x", offloadHeader) + strings.Repeat("y", n))[:n]); err != nil {
				t.Fatal(err)
			}
		}
		buf := make([]byte, 1000)
		for _, want := range []struct {
			n     int
			after time.Duration
		}{{100, 590 * time.Millisecond}, {300, 880 * time.Millisecond}} {
			n, err := receiver.Read(buf)
			if took := time.Since(begun); err != nil || n != want.n || took != want.after {
				t.Errorf("%d bytes after %v (%v), want %d after %v", n, took, err, want.n, want.after)
			}
		}
		sender.CloseWithError(os.ErrClosed)
		if err := <-done; err != nil {
			t.Errorf("carrying ended with %v", err)
		}
	})
}

func TestReport(t *testing.T) {
	r := newReport(2, []tool{{name: "firn"}, {name: "restic"}})
	o := outcome{Link: shape{1e6, time.Millisecond}, Corpus: corpusRandom, Step: upload, Tool: "firn", Seconds: 10, Sent: 1e6, Peak: 50 << 20, Requests: 7}
	r.add(o)
	o.Seconds = 16
	r.add(o) // worse
	want := "| 1 Mbit/s, 1 ms | firn | restic |\n|---|---:|---:|\n| random: upload | 10.00 / 1.0 / 80 % / 0.00 / 7 / 50 | – |\n"
	if got := r.markdown(); !strings.HasSuffix(got, want) {
		t.Errorf("report is\n%s\nwant at its end\n%s", got, want)
	}
}
