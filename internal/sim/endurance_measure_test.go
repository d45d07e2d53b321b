package sim

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/prune"
	"firn/internal/repo"
)

// effort is what runs of a verb took.
type effort struct {
	runs, requests int64
	sent, read     int64 // bytes
	took           time.Duration
}

// add adds a run, with what was counted before and after it.
func (e *effort) add(before, after object.Counts, took time.Duration) {
	e.runs++
	e.requests += after.Requests() - before.Requests()
	e.sent += after.BytesOut - before.BytesOut
	e.read += after.BytesIn - before.BytesIn
	e.took += took
}

// per returns a share of an amount for each run.
func (e *effort) per(amount int64) float64 { return float64(amount) / float64(max(1, e.runs)) }

// String is what a run took: requests, kilobytes read and sent, and milliseconds.
func (e *effort) String() string {
	return fmt.Sprintf("%.1f | %.1f | %.1f | %.0f", e.per(e.requests), e.per(e.read)/1e3, e.per(e.sent)/1e3, e.per(int64(e.took/time.Microsecond))/1e3)
}

// month is how the repository stood at the end of a month, or another period.
type month struct {
	day           int
	snapshots     int
	live, stored  int64          // bytes that snapshots need, and on the drive
	objects       map[string]int // by prefix
	bytes         map[string]int64
	cache         int64 // bytes
	cached        int   // files
	caches        map[string]int64
	backup, prune effort
}

// counted are the prefixes of the objects that the table counts.
var counted = []string{format.PrefixData, format.PrefixMeta, format.PrefixSegments, format.PrefixManifests, format.PrefixSessions, format.PrefixRecords}

// heading is that of the table in docs/reliability.md.
const heading = "| day | snapshots | live kB | stored kB | stored/live | p | q | x | m | s | g |" +
	" backup: requests | kB read | kB sent | ms | prune: requests | kB read | kB sent | ms | cache kB | cached files |"

// String is a row of the table.
func (m *month) String() string {
	row := fmt.Sprintf("| %d | %d | %d | %d | %.2f |", m.day, m.snapshots, m.live/1000, m.stored/1000, m.overhead())
	for _, prefix := range counted {
		row += fmt.Sprintf(" %d |", m.objects[strings.TrimSuffix(prefix, "/")])
	}
	return row + fmt.Sprintf(" %s | %s | %d | %d |", &m.backup, &m.prune, m.cache/1000, m.cached)
}

// overhead is what is stored for each byte that is live.
func (m *month) overhead() float64 { return float64(m.stored) / float64(m.live) }

// measure closes a month.
func (l *lifetime) measure() {
	m := &month{day: l.day(), objects: map[string]int{}, bytes: map[string]int64{}, caches: map[string]int64{}, backup: l.backup, prune: l.prune}
	l.backup, l.prune = effort{}, effort{}
	for info, err := range l.store.List(l.t.Context(), "") {
		if err != nil {
			l.t.Fatal(err)
		}
		prefix, _, _ := strings.Cut(info.Name, "/")
		m.objects[prefix]++
		m.bytes[prefix] += info.Size
		m.stored += info.Size
	}
	l.do(new(effort), func(ctx context.Context, r *repo.Repository) error {
		report, err := prune.Run(ctx, r, prune.Options{DryRun: true})
		if err == nil {
			m.live, m.snapshots = int64(report.UsedBytes), len(l.kept)
		}
		return err
	})
	l.close()
	err := filepath.WalkDir(l.cache, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		m.cached, m.cache = m.cached+1, m.cache+info.Size()
		m.caches[filepath.Base(filepath.Dir(path))] += info.Size()
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.months = append(l.months, m)
	l.t.Log(m)
	l.t.Log(m.bytes, m.caches)
}

// flat compares the last of several periods with one in the middle, or with an early one where
// nothing has to gather first.
func flat(t *testing.T, months []*month) {
	t.Helper()
	if len(months) < 2 {
		return
	}
	early, middle, last := months[len(months)/8], months[len(months)/2], months[len(months)-1]
	compare := func(what string, from *month, slack float64, amount func(*month) float64) {
		if before, after := amount(from), amount(last); after > before*1.25+slack {
			t.Errorf("%s grew from %.1f on day %d to %.1f on day %d", what, before, from.day, after, last.day)
		}
	}
	compare("stored bytes, as a share of what is live,", middle, 0, (*month).overhead)
	compare("requests of a backup", early, 1, func(m *month) float64 { return m.backup.per(m.backup.requests) })
	compare("requests of a prune", early, 5, func(m *month) float64 { return m.prune.per(m.prune.requests) })
	// It moves much in one month and little in another: 380 to 670 kB over two years.
	compare("bytes read by a prune", middle, 200_000, func(m *month) float64 { return m.prune.per(m.prune.read) })
	compare("bytes sent by a backup", middle, 10_000, func(m *month) float64 { return m.backup.per(m.backup.sent) })
	compare("bytes of the cache", middle, 1e6, func(m *month) float64 { return float64(m.cache) })
	compare("files of the cache", middle, 10, func(m *month) float64 { return float64(m.cached) })
	for prefix := range last.objects {
		compare("objects under "+prefix+"/", middle, 8, func(m *month) float64 { return float64(m.objects[prefix]) })
	}
}
