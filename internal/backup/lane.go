package backup

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"firn/internal/chunk"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/snapshot"
	"firn/internal/tree"
)

// lane is one drive's side of a backup.
type lane struct {
	drive   Drive
	opts    *Options
	session *repo.Session
	set     *snapshot.Set // nil when this key may not read snapshots
	parent  *parent
	cutter  *chunk.Cutter
	pages   *repo.PageWriter
	builder *tree.Builder
	result  *Result

	unmodified, changed, fresh atomic.Uint64 // files

	failure atomic.Pointer[error] // why the lane was left behind
}

// openLane begins a session on a drive and chooses its parent: the writer's
// steps 1 and 2 of docs/protocol.md.
func openLane(ctx context.Context, d Drive, opts *Options) (*lane, error) {
	writer := opts.Writer
	if writer.PackSize == 0 {
		writer.PackSize = d.PackSize
	}
	s, err := d.Repo.Begin(ctx, repo.SessionOptions{Host: opts.Host, Command: opts.Command, Writer: writer, Trust: d.Trust})
	if err != nil {
		return nil, err
	}
	l := &lane{drive: d, opts: opts, session: s, result: new(Result)}
	if err := l.prepare(ctx); err != nil {
		return nil, errors.Join(s.Explain(ctx, err), s.Abandon(context.WithoutCancel(ctx), "backup could not begin"))
	}
	return l, nil
}

func (l *lane) prepare(ctx context.Context) error {
	var err error
	if l.drive.Repo.Keys().ReadsMetadata() {
		if l.set, err = snapshot.List(ctx, l.drive.Repo, l.session.Records()); err != nil {
			return err
		}
	}
	if l.set != nil && len(l.set.Gone) > 0 {
		l.warn("%d snapshots that this machine saw are gone, one of them %s, and no record forgets them: see 'firn audit'",
			len(l.set.Gone), snapshot.ID(l.set.Gone[0]))
	}
	base, err := l.chooseParent(ctx)
	if err != nil {
		return err
	}
	bad, err := l.session.LoadIndex(ctx)
	if err != nil {
		return err
	}
	for _, b := range bad {
		l.warn("index segment %s cannot be read (%v); what it lists is stored again", b.Name, b.Err)
	}
	l.parent = openParent(ctx, l, base)
	root := l.drive.Repo.Keys().Root()
	l.cutter = chunk.New(l.drive.Repo.Keys().GearTable(), chunk.Params{
		Min: int(root.ChunkMin), Mean: int(root.ChunkMean), Max: int(root.ChunkMax),
	})
	l.pages = l.session.NewPageWriter()
	l.builder = tree.NewBuilder(l.pages, shapeOf(l.drive.Repo))
	return nil
}

func (l *lane) warn(text string, args ...any) {
	l.result.Warnings = append(l.result.Warnings, fmt.Sprintf(text, args...))
}

// chooseParent returns the snapshot to compare with, or nil.
func (l *lane) chooseParent(ctx context.Context) (*repo.KnownTree, error) {
	if l.opts.Force {
		return nil, nil
	}
	for _, base := range l.candidates() {
		err := l.session.Parent(ctx, base.Session)
		if err == nil {
			return base, nil
		}
		if !errors.Is(err, object.ErrNotFound) && !repo.IsDamage(err) {
			return nil, err
		}
		l.warn("snapshot %s cannot serve as parent: %v", snapshot.ID(base.Session), err)
	}
	if l.opts.Parent != "" {
		return nil, fmt.Errorf("%w: %q", snapshot.ErrNotFound, l.opts.Parent)
	}
	return nil, nil
}

// candidates lists what may serve as parent, best first.
func (l *lane) candidates() []*repo.KnownTree {
	key := snapshot.SourceKey(l.opts.Host, l.opts.Sources)
	if l.set == nil {
		if known, ok := l.drive.Repo.Cache().KnownTree(key); ok {
			return []*repo.KnownTree{known}
		}
		return nil
	}
	if l.opts.Parent != "" {
		s, err := l.set.Find(l.opts.Parent)
		if err != nil {
			return nil
		}
		return []*repo.KnownTree{knownTree(s)}
	}
	var list []*repo.KnownTree
	snapshots := l.set.Of(key)
	for i := len(snapshots) - 1; i >= 0 && len(list) < 3; i-- {
		list = append(list, knownTree(snapshots[i]))
	}
	return list
}

func knownTree(s *snapshot.Snapshot) *repo.KnownTree {
	return &repo.KnownTree{Session: s.Session, Root: s.Root, RootLength: s.RootLength, Sums: s.Sums, Manifest: s.Hash}
}

// fail leaves the lane behind.
func (l *lane) fail(err error) {
	l.failure.CompareAndSwap(nil, &err)
}

func (l *lane) failed() error {
	if err := l.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// finish commits the lane's snapshot, or abandons its session when the run or
// the lane failed.
func (l *lane) finish(ctx context.Context, runErr error, r *run) {
	l.parent.close()
	err := l.failed()
	if err == nil {
		err = runErr
	}
	if err == nil {
		err = l.commit(ctx, r)
	}
	if err == nil {
		return
	}
	err = l.session.Explain(ctx, err)
	l.result.Err = err
	// An interrupted session keeps what it uploaded, indexed, for the next.
	quiet := context.WithoutCancel(ctx)
	if flushErr := l.session.Salvage(quiet); flushErr != nil && l.failed() == nil && ctx.Err() == nil {
		l.result.Err = errors.Join(err, flushErr)
	}
	if abandonErr := l.session.Abandon(quiet, "backup failed"); abandonErr != nil {
		l.warn("session could not be closed: %v", abandonErr)
	}
}

func (l *lane) commit(ctx context.Context, r *run) error {
	root, err := l.builder.Finish(ctx)
	if err != nil {
		return fmt.Errorf("finish tree: %w", err)
	}
	if err := l.pages.Flush(ctx); err != nil {
		return err
	}
	key := snapshot.SourceKey(l.opts.Host, l.opts.Sources)
	m := &format.Manifest{
		Host: l.opts.Host, User: l.opts.User, Sources: l.opts.Sources, Tags: l.opts.Tags,
		Description: l.opts.Description, Options: l.opts.Notes,
		Root: root.ID, RootLength: root.Length, Sums: root.Sums,
		Problems: r.problems, ProblemCount: r.problemCount, SourceKey: key,
	}
	m.Stats.FilesNew, m.Stats.FilesChanged = l.fresh.Load(), l.changed.Load()
	m.Stats.FilesUnmodified, m.Stats.BytesRead = l.unmodified.Load(), r.opts.Progress.Read.Load()
	if l.parent.base != nil {
		m.Parent = l.parent.base.Session
		l.result.Parent = m.Parent
	}
	l.chain(m, key)
	hash, err := l.session.Commit(ctx, m)
	if err != nil {
		return err
	}
	l.result.Snapshot = &snapshot.Snapshot{Manifest: *m, Hash: hash, Signer: l.drive.Repo.Keys().Host()}
	l.drive.Repo.Cache().KeepTree(key, knownTree(l.result.Snapshot))
	return nil
}

// chain links the manifest to those before it.
func (l *lane) chain(m *format.Manifest, key [16]byte) {
	if l.set != nil {
		m.Previous, m.Seen = l.set.Heads(key), l.set.HeadsOfOthers(key)
		return
	}
	if known, ok := l.drive.Repo.Cache().KnownTree(key); ok {
		m.Previous = []format.Head{{Session: known.Session, Manifest: known.Manifest}}
	}
}
