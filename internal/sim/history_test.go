package sim

import (
	"context"
	"slices"
	"strings"
	"time"

	"firn/internal/object"
)

// history remembers what objects were like before they changed, so that listings
// can be stale.
type history []change

type change struct {
	at      time.Time
	name    string
	existed bool
	before  object.Info
}

// note remembers objects that are about to change. The caller holds mu.
func (s *server) note(names ...string) {
	if s.faults.listingDelay == 0 {
		return
	}
	for _, name := range names {
		if strings.HasPrefix(name, "probe/") {
			continue // such a drive is found unfit for use
		}
		info, err := s.mem.Head(context.Background(), name)
		s.history = append(s.history, change{time.Now(), name, err == nil, info})
	}
}

// listing lists the objects after last. Where listings are stale, each object shows
// as it was at some moment within the delay. The caller holds mu.
func (s *server) listing(prefix, last string) []object.Info {
	var infos []object.Info
	for info := range s.mem.List(context.Background(), prefix) {
		infos = append(infos, info)
	}
	if s.faults.listingDelay > 0 {
		infos = s.asBefore(infos, prefix)
	}
	return slices.DeleteFunc(infos, func(info object.Info) bool { return info.Name <= last })
}

func (s *server) asBefore(infos []object.Info, prefix string) []object.Info {
	now := time.Now()
	s.history = slices.DeleteFunc(s.history, func(c change) bool { return now.Sub(c.at) > s.faults.listingDelay })
	past := map[string]*change{} // the first change after the moment shown
	moment := map[string]time.Time{}
	for i := range s.history {
		c := &s.history[i]
		if !strings.HasPrefix(c.name, prefix) {
			continue
		}
		if _, drawn := moment[c.name]; !drawn {
			moment[c.name] = now.Add(-time.Duration(s.random.Int64N(int64(s.faults.listingDelay))))
		}
		if past[c.name] == nil && c.at.After(moment[c.name]) {
			past[c.name] = c
		}
	}
	if len(past) == 0 {
		return infos
	}
	infos = slices.DeleteFunc(infos, func(info object.Info) bool { return past[info.Name] != nil })
	for _, c := range past {
		if c.existed {
			infos = append(infos, c.before)
		}
	}
	slices.SortFunc(infos, func(a, b object.Info) int { return strings.Compare(a.Name, b.Name) })
	return infos
}
