package repo

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/object"
)

// heartbeatEvery is how often a running session says that it lives.
const heartbeatEvery = 5 * time.Minute

// SessionOptions describes a session for people who look at the drive.
type SessionOptions struct {
	Host    string
	Command string
	// Writer tunes the writing of packs; the zero value is the default.
	Writer WriterOptions
	// Trust says what the session builds on of what others stored.
	Trust Trust
}

// Session is one client's stay in the repository: what a pruner waits for.
// It begins with its object on the drive and ends with an outcome, a manifest
// (Commit) or a tombstone (Abandon).
type Session struct {
	repo    *Repository
	name    string
	started time.Time
	records *Records
	masked  map[format.PackName]bool
	damaged map[format.ID]bool
	policy  Trust
	trust   index.Trust // by policy and records; nil: all may be built on
	wrote   sync.Map    // names of its own segments
	writer  *writer     // nil until LoadIndex
	look    look

	// life is the context of uploads. It outlasts the call that began them and
	// an interrupt, which Salvage gives them time to complete; kill ends it.
	life      context.Context
	kill      context.CancelFunc
	stopHeart context.CancelFunc
	heart     sync.WaitGroup
	ended     sync.Once
}

// Begin starts a session: its object is written first, the records are read
// after it. Steps 1 and 2 of the writer in docs/protocol.md.
func (r *Repository) Begin(ctx context.Context, opts SessionOptions) (*Session, error) {
	s := &Session{repo: r, name: format.SessionName(r.keys.Host(), random16()), started: r.now()}
	if err := s.begin(ctx, opts); err != nil {
		return nil, fmt.Errorf("begin session: %w", err)
	}
	s.masked, s.damaged = s.records.Masked(), s.records.DamagedChunks()
	s.policy, s.trust = opts.Trust, s.records.Judge(r.keys.Host(), opts.Trust)
	s.writer = newWriter(s, opts.Writer)
	s.life, s.kill = context.WithCancel(context.WithoutCancel(ctx))
	s.startHeart(ctx)
	return s, nil
}

// begin writes the session's object and then reads the records.
func (s *Session) begin(ctx context.Context, opts SessionOptions) error {
	r := s.repo
	object := format.SessionObject(s.name)
	body := (&format.Session{
		Started: s.started.UnixNano(), Host: opts.Host, Program: Program, Command: opts.Command,
	}).Append(nil)
	sealed, err := r.keys.SealRecord(format.KindSession, object, body)
	if err != nil {
		return err
	}
	begun := r.now()
	if err := r.putOnce(ctx, object, sealed); err != nil {
		return err
	}
	s.look.keep(begun)
	s.records, err = r.ReadRecords(ctx)
	return err
}

// Name returns the session's name, which is the snapshot's ID once committed.
func (s *Session) Name() string { return s.name }

// Started returns when the session began by this machine's clock.
func (s *Session) Started() time.Time { return s.started }

// Records returns the records as read when the session began.
func (s *Session) Records() *Records { return s.records }

// Parent makes sure that a snapshot may be inherited from: it is there and
// nobody forgot it. It must be called before LoadIndex (step 2 of the writer).
// ErrNotFound when it may not.
func (s *Session) Parent(ctx context.Context, session string) error {
	if s.writer.view != nil {
		return errors.New("parent must be chosen before the index is loaded")
	}
	if s.records.Forgotten()[session] {
		return fmt.Errorf("parent %s was forgotten: %w", session, object.ErrNotFound)
	}
	name := format.ManifestObject(session)
	b, _, err := s.repo.store.Get(ctx, name, smallLimit)
	if err != nil {
		return fmt.Errorf("read parent: %w", err)
	}
	kind, signer, err := s.repo.verifySigner(name, b)
	if err != nil {
		return fmt.Errorf("read parent: %w", err)
	}
	if !s.trustsTree(signer) {
		return fmt.Errorf("parent %s is of host %s, which is not trusted here: %w", session, signer, object.ErrNotFound)
	}
	if kind != format.KindManifest {
		return fmt.Errorf("parent %s has no snapshot: %w", session, object.ErrNotFound)
	}
	return nil
}

// LoadIndex reads the list of segments and makes the index ready: step 2's
// last part. A segment that cannot be read only makes its chunks count as
// absent; it is returned as a warning.
func (s *Session) LoadIndex(ctx context.Context) ([]*index.BadSegment, error) {
	view, bad, err := s.repo.loadView(ctx, s.trustOwn(), lookedUp)
	if err != nil {
		return nil, err
	}
	s.writer.view = view
	return bad, s.forgetHealed()
}

// forgetHealed takes off the damaged chunks those that were stored anew since:
// a record that names a chunk names the packs of its bad copies too, and these do not count.
func (s *Session) forgetHealed() error {
	for id := range s.damaged {
		at, healed, err := s.writer.view.Lookup(id, s.writer.counts)
		if err != nil {
			return fmt.Errorf("look up damaged chunk: %w", err)
		}
		if healed && !at.Doubted {
			delete(s.damaged, id)
		}
	}
	return nil
}

// startHeart keeps the heartbeat going until the session ends. Failing
// heartbeats cost patience only, so they are not reported.
func (s *Session) startHeart(ctx context.Context) {
	ctx, s.stopHeart = context.WithCancel(context.WithoutCancel(ctx))
	s.heart.Go(func() {
		tick := time.NewTicker(heartbeatEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				_, _ = s.Beat(ctx)
			}
		}
	})
}

// Beat writes the heartbeat and returns what time it is by the drive's clock.
func (s *Session) Beat(ctx context.Context) (time.Time, error) {
	name := format.HeartbeatObject(s.name)
	body := (&format.Heartbeat{Time: s.repo.now().UnixNano()}).Append(nil)
	sealed, err := s.repo.keys.SealRecord(format.KindHeartbeat, name, body)
	if err != nil {
		return time.Time{}, fmt.Errorf("write heartbeat: %w", err)
	}
	if _, err := s.repo.store.Put(ctx, name, sealed, object.PutOptions{}); err != nil {
		return time.Time{}, fmt.Errorf("write heartbeat: %w", err)
	}
	info, err := s.repo.store.Head(ctx, name)
	if errors.Is(err, object.ErrNotFound) {
		return time.Time{}, ErrFenced // who closed the session deletes its heartbeat
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("ask the drive's clock: %w", err)
	}
	return info.Modified, nil
}

// end stops the session's background work.
func (s *Session) end() {
	s.ended.Do(func() {
		s.stopHeart()
		s.heart.Wait()
		s.kill()
		s.writer.close()
	})
}

// Commit finishes the session with a snapshot: everything is uploaded and
// indexed, then the manifest is written once. ErrFenced when a maintainer
// closed the session meanwhile; the caller begins again, and what was
// uploaded is found in the index. It returns the SHA-256 of the manifest. A manifest
// that says when it started keeps its times: it stands for an earlier snapshot.
// After an error the session is still to be abandoned.
func (s *Session) Commit(ctx context.Context, m *format.Manifest) (format.ID, error) {
	var none format.ID
	if err := s.Flush(ctx); err != nil {
		return none, err
	}
	if n := s.writer.unwritten(); n > 0 {
		return none, fmt.Errorf("%d chunks were taken on and never written: a block writer was not flushed", n)
	}
	m.Session = s.name
	if m.Started == 0 {
		m.Started, m.Finished = s.started.UnixNano(), s.repo.now().UnixNano()
	}
	m.Program = Program
	stats := s.Stats()
	m.Stats.BytesAdded, m.Stats.BytesStored = stats.BytesAdded, stats.BytesStored
	m.Stats.ChunksAdded, m.Stats.PacksAdded = stats.ChunksAdded, stats.PacksAdded
	name := format.ManifestObject(s.name)
	body, err := s.repo.keys.SealRecord(format.KindManifest, name, m.Append(nil))
	if err != nil {
		return none, fmt.Errorf("seal manifest: %w", err)
	}
	if err := s.putOutcome(ctx, name, body); err != nil {
		return none, fmt.Errorf("write manifest: %w", err)
	}
	s.end()
	if e := s.writer.compressor.effort; e != nil {
		behind := e.settle()
		s.repo.cache.learn(func(f *facts) { f.DriveBehind = behind })
	}
	s.repo.cache.keepObject(name, body)
	return sha256.Sum256(body), nil
}

// salvageTime bounds what an interrupted session spends on keeping its work.
const salvageTime = 20 * time.Second

// Salvage indexes what an interrupted or failed session had uploaded, so that
// the next one uploads nothing of it again. It is worth trying and no more:
// the repository is whole without it.
func (s *Session) Salvage(ctx context.Context) error {
	w := s.writer
	patience := time.AfterFunc(salvageTime, s.kill)
	defer patience.Stop()
	w.flying.Wait()
	if w.view == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, salvageTime)
	defer cancel()
	w.failed.Store(nil)
	w.mirrorAgain()
	return s.Flush(ctx)
}

// Abandon closes the session without a snapshot. What was uploaded and
// indexed stays until a prune finds it unused. A session that cannot write its
// tombstone (a writer may not) is left to be fenced.
func (s *Session) Abandon(ctx context.Context, reason string) error {
	defer s.end()
	if s.repo.keys.Role() == format.RoleWriter {
		return nil
	}
	_, err := object.InReserve(ctx, s.repo.store, func() error {
		_, err := s.repo.fence(ctx, s.name, reason, !s.repo.store.Capabilities().IfAbsent)
		return err
	})
	return err
}

// Fence closes a session with a tombstone unless it has an outcome already.
// It returns the kind of outcome the session has now.
func (r *Repository) Fence(ctx context.Context, session, reason string) (format.Kind, error) {
	// Looking first costs one request and saves a manifest from a drive that
	// ignores the condition.
	return r.fence(ctx, session, reason, true)
}

func (r *Repository) fence(ctx context.Context, session, reason string, look bool) (format.Kind, error) {
	name := format.ManifestObject(session)
	body := (&format.Tombstone{Time: r.now().UnixNano(), Reason: reason}).Append(nil)
	sealed, err := r.keys.SealRecord(format.KindTombstone, name, body)
	if err != nil {
		return 0, fmt.Errorf("fence session %s: %w", session, err)
	}
	if look {
		kind, err := r.Outcome(ctx, session)
		if err == nil {
			return kind, nil
		}
		if !errors.Is(err, object.ErrNotFound) {
			return 0, fmt.Errorf("fence session %s: %w", session, err)
		}
	}
	err = r.putOnce(ctx, name, sealed)
	if errors.Is(err, object.ErrExists) {
		return r.Outcome(ctx, session)
	}
	if err != nil {
		return 0, fmt.Errorf("fence session %s: %w", session, err)
	}
	return format.KindTombstone, nil
}

// Outcome returns the kind of outcome a session has: manifest or tombstone;
// object.ErrNotFound when it has none yet.
func (r *Repository) Outcome(ctx context.Context, session string) (format.Kind, error) {
	name := format.ManifestObject(session)
	b, _, err := r.store.Get(ctx, name, smallLimit)
	if err != nil {
		return 0, err
	}
	return r.verifySealed(name, b)
}
