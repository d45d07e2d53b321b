package backup_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"firn/internal/backup"
	"firn/internal/check"
	"firn/internal/object"
	"firn/internal/object/s3"
	"firn/internal/object/s3/s3test"
	"firn/internal/prune"
	"firn/internal/repo"
	"firn/internal/restore"
	"firn/internal/seal"
	"firn/internal/snapshot"
	"firn/internal/source"
	"firn/internal/target"
)

func TestMain(m *testing.M) { os.Exit(s3test.Main(m)) }

// weather is what goes wrong between client and server, each with some share of
// all requests.
var weather = []struct {
	fault s3test.Fault
	kinds []s3test.Kind
}{
	{s3test.ResetBefore, nil},
	{s3test.ResetWithin, []s3test.Kind{s3test.Put}},
	{s3test.ResetAfter, nil},
	{s3test.HalfAnswer, nil},
	{s3test.Refuse(500, "InternalError", ""), nil},
	{s3test.ErrorAfter, nil},
	{s3test.Refuse(503, "SlowDown", "0"), nil},
	{s3test.ErrorIn200, []s3test.Kind{s3test.Get, s3test.Put, s3test.List, s3test.DeleteMany}},
	{s3test.Redirect, nil},
	{s3test.FlipSent, []s3test.Kind{s3test.Put}},
	{s3test.WrongChecksum, []s3test.Kind{s3test.Put}},
	{s3test.CutList, []s3test.Kind{s3test.List}},
	{s3test.EndlessList, []s3test.Kind{s3test.List}},
	{s3test.RepeatedList, []s3test.Kind{s3test.List}},
}

// TestAllThroughAFaultyProxy backs up, restores, checks and prunes through a
// proxy that spoils many of the requests, and compares all bytes.
func TestAllThroughAFaultyProxy(t *testing.T) {
	if testing.Short() {
		t.Skip("takes real servers")
	}
	for _, server := range []string{s3test.MinIO, s3test.Versity} {
		for _, client := range []string{"aws", "minio"} {
			t.Run(server+"/"+client, func(t *testing.T) {
				p := s3test.NewProxy(t, s3test.Start(t, server))
				for _, w := range weather {
					p.Often(0.02, w.fault, w.kinds...)
				}
				before := heap()
				store := openBucket(t, p, client)
				r, secret := newRepository(t, store)
				dir := t.TempDir()
				writeTree(t, dir)
				first := backUp(t, r, dir)
				if first.Snapshot.Stats.FilesNew != 5 || first.Err != nil {
					t.Errorf("first backup: %+v, %v", first.Snapshot.Stats, first.Err)
				}
				last := backUp(t, r, dir)
				if _, err := prune.Run(t.Context(), r, prune.Options{}); err != nil {
					t.Errorf("prune: %v", err)
				}
				report, err := check.Run(t.Context(), r, check.Options{ReadData: check.ReadData{Percent: 100}})
				if err != nil || len(report.Findings) > 0 {
					t.Errorf("check: %+v, %v", report, err)
				}
				restored(t, store, secret, last.Snapshot.Session, dir)
				requests, faults := p.Counts()
				t.Logf("%d requests, %d of them spoilt", requests, faults)
				if faults < 10 {
					t.Errorf("only %d faults", faults)
				}
				const growth = 256 << 20
				if after := heap(); after > before+growth {
					t.Errorf("the heap grew from %d to %d MiB", before>>20, after>>20)
				}
			})
		}
	}
}

// TestLiesHarmNothing reads other bytes than are stored, or an earlier state of the
// drive. Backups and restores may fail then. What they report as done is done,
// and the drive is whole when the lies have ended.
func TestLiesHarmNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes real servers")
	}
	for name, lie := range map[string]struct {
		fault s3test.Fault
		share float64
		kinds []s3test.Kind
	}{
		"wrong bytes":   {s3test.FlipReceived, 0.25, []s3test.Kind{s3test.Get}},
		"stale reads":   {s3test.Stale, 0.1, []s3test.Kind{s3test.Get, s3test.Head}},
		"stale listing": {s3test.Stale, 0.4, []s3test.Kind{s3test.List}},
	} {
		for _, client := range []string{"aws", "minio"} {
			t.Run(name+"/"+client, func(t *testing.T) {
				p := s3test.NewProxy(t, s3test.Start(t, s3test.MinIO))
				store := openBucket(t, p, client)
				r, secret := newRepository(t, store)
				dir := t.TempDir()
				writeSmallTree(t, dir)
				done := []string{backUp(t, r, dir).Snapshot.Session}
				failed := 0
				p.Often(lie.share, lie.fault, lie.kinds...)
				for round := range 5 {
					if err := os.WriteFile(filepath.Join(dir, "changing"), make([]byte, 100<<10+round), 0o600); err != nil {
						t.Fatal(err)
					}
					session, err := tryBackUp(t, store, secret, dir)
					if err != nil {
						failed++
						continue
					}
					done = append(done, session)
				}
				p.Calm()
				report, err := check.Run(t.Context(), r, check.Options{ReadData: check.ReadData{Percent: 100}})
				if err != nil || report.Damaged() {
					t.Errorf("check: %+v, %v", report, err)
				}
				if err := os.WriteFile(filepath.Join(dir, "changing"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
				for _, session := range done {
					restored(t, store, secret, session, filepath.Join(dir, "a"))
				}
				_, faults := p.Counts()
				t.Logf("%d of 5 backups failed; %d requests spoilt", failed, faults)
				if faults == 0 {
					t.Error("no request was spoilt")
				}
			})
		}
	}
}

// writeSmallTree writes some files below a.
func writeSmallTree(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, "a"), 0o750); err != nil {
		t.Fatal(err)
	}
	content := make([]byte, 300<<10)
	for i, name := range []string{"one", "two", "three"} {
		rand.NewChaCha8([32]byte{byte(i)}).Read(content)
		if err := os.WriteFile(filepath.Join(dir, "a", name), content[:(i+1)*100<<10], 0o640); err != nil {
			t.Fatal(err)
		}
	}
}

// tryBackUp backs up as a host with nothing cached and returns the snapshot.
func tryBackUp(t *testing.T, store object.Store, secret seal.Secret, dir string) (session string, err error) {
	t.Helper()
	r, err := repo.Open(t.Context(), store, repo.OpenOptions{Secret: secret, Cache: t.TempDir()})
	if err != nil {
		return "", err
	}
	defer r.Close()
	files, err := source.NewFiles([]string{dir}, source.FilesOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	results, err := backup.Run(t.Context(), []backup.Drive{{Label: "test", Repo: r}}, files, backup.Options{
		Host: "host", Sources: [][]byte{[]byte(dir)},
	})
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		return "", err
	}
	return results[0].Snapshot.Session, nil
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// openBucket makes a bucket behind the proxy and opens it through the proxy.
func openBucket(t *testing.T, p *s3test.Proxy, client string) object.Store {
	t.Helper()
	s, err := s3.Open(t.Context(), s3.Config{
		Endpoint: p.Endpoint, Region: p.Region, AccessKey: p.AccessKey, SecretKey: p.SecretKey,
		Bucket: s3test.NewBucket(), Prefix: "some/where", Client: client, Proxy: "none", MaxRetries: 10,
		Timeouts: s3.Timeouts{Pause: time.Millisecond, Longest: 20 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.CreateBucket(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	return s
}

// restored opens the repository as another host would, with nothing cached,
// restores what the snapshot has of dir and compares it.
func restored(t *testing.T, store object.Store, secret seal.Secret, session, dir string) {
	t.Helper()
	r, err := repo.Open(t.Context(), store, repo.OpenOptions{Secret: secret, Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	records, err := r.ReadRecords(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	set, err := snapshot.List(t.Context(), r, records)
	if err != nil {
		t.Fatal(err)
	}
	found, err := set.Find(snapshot.ID(session))
	if err != nil {
		t.Fatal(err)
	}
	rd, bad, err := r.NewReader(t.Context())
	if err != nil || len(bad) > 0 {
		t.Fatal(err, bad)
	}
	defer rd.Close()
	to := t.TempDir()
	disk, err := target.NewDisk(to, target.DiskOptions{Owner: true, Xattrs: true})
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	p := new(restore.Progress)
	p.OnProblem = func(path string, err error) { t.Errorf("%s: %v", path, err) }
	if err := restore.ToDisk(t.Context(), rd, found.Tree(), disk, restore.Options{Progress: p, From: []byte(dir[1:])}); err != nil {
		t.Fatal(err)
	}
	compareTrees(t, dir, to)
}
