package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

// line is one direction of a link. Packets leave one after the other, at its
// rate, and arrive a while later. Those that would have to wait too long for their
// turn are lost, as in a router whose queue is full.
type line struct {
	rate  float64       // bytes per second
	delay time.Duration // from the end of sending to arrival
	queue time.Duration // the longest a packet waits for its turn
	free  time.Time     // when all packets so far have left
}

// shortestQueue is what even slow routers keep: a link with a short round trip
// still takes a few packets at once.
const shortestQueue = 20 * time.Millisecond

func newLine(bitsPerSecond int64, roundTrip time.Duration) *line {
	return &line{rate: float64(bitsPerSecond) / 8, delay: roundTrip / 2, queue: max(roundTrip, shortestQueue)}
}

// arrival says when a packet of n bytes that is sent now arrives; false if it never does.
func (l *line) arrival(now time.Time, n int) (time.Time, bool) {
	if l.free.Before(now) {
		l.free = now
	}
	if l.free.Sub(now) > l.queue {
		return time.Time{}, false
	}
	l.free = l.free.Add(time.Duration(float64(n) / l.rate * float64(time.Second)))
	return l.free.Add(l.delay), true
}

// offloadHeader stands before each packet of an interface that leaves cutting into
// segments and check sums to the receiving end (struct virtio_net_hdr).
const offloadHeader = 10

// wireSize is what a packet takes on a line, bytes: one that holds several segments
// is sent as so many packets.
func wireSize(packet []byte) int {
	n := len(packet) - offloadHeader
	header := int(binary.NativeEndian.Uint16(packet[2:]))
	segment := int(binary.NativeEndian.Uint16(packet[4:]))
	if segment == 0 || n <= header+segment {
		return n
	}
	return n + (n-header-1)/segment*header
}

// Bounds of packets: the longest one, short ones, which are those without content, and how many are on
// a line at most.
const (
	longestPacket = 64<<10 + offloadHeader
	shortPacket   = 256
	mostPackets   = 1 << 15
)

var longPackets = sync.Pool{New: func() any { return new([longestPacket]byte) }}

// flying is a packet on the line.
type flying struct {
	bytes   []byte
	long    *[longestPacket]byte // what bytes are in; nil for short packets
	arrival time.Time
}

// carry moves packets between two interfaces until one of them is closed.
func (l *line) carry(to io.Writer, from io.Reader) error {
	way := make(chan flying, mostPackets)
	landed := make(chan error, 1)
	go func() { landed <- deliver(to, way) }()
	err := l.collect(from, way)
	close(way)
	if err = errors.Join(err, <-landed); errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

func (l *line) collect(from io.Reader, way chan<- flying) error {
	long := longPackets.Get().(*[longestPacket]byte)
	for {
		n, err := from.Read(long[:])
		if err != nil {
			return err
		}
		arrival, ok := l.arrival(time.Now(), wireSize(long[:n]))
		switch {
		case !ok:
		case n <= shortPacket:
			way <- flying{bytes.Clone(long[:n]), nil, arrival}
		default:
			way <- flying{long[:n], long, arrival}
			long = longPackets.Get().(*[longestPacket]byte)
		}
	}
}

// deliver writes packets when they arrive. After an error it only takes them.
func deliver(to io.Writer, way <-chan flying) (failed error) {
	for p := range way {
		if failed == nil {
			time.Sleep(time.Until(p.arrival))
			_, failed = to.Write(p.bytes)
		}
		if p.long != nil {
			longPackets.Put(p.long)
		}
	}
	return failed
}
