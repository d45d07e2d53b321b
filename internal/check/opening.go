package check

import (
	"fmt"
	"sync"

	"firn/internal/format"
	"firn/internal/repo"
)

// openings are the blocks that are being opened, deltas until what they stand on was
// read too. It is safe for concurrent use.
type openings struct {
	mu    sync.Mutex              // guards all below, and the openings in it
	under map[openedAt][]*opening // one for each time a pack was read
}

type openedAt struct {
	pack format.PackName
	at   repo.BlockAt
}

// opening is a block that is being opened.
type opening struct {
	reader packReader // of the pack, without its bytes
	block  format.Block
	err    error // once it was opened
	left   bool  // nobody waits for the end
}

func (o *openings) enter(at openedAt, x *opening) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.under[at] = append(o.under[at], x)
}

func (o *openings) take(at openedAt) *opening {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.under[at]
	if o.under[at] = list[1:]; len(list) == 1 {
		delete(o.under, at)
	}
	return list[0]
}

// openBlock opens a block that lies in the window, and verifies its chunks. A delta is
// opened later; then its pack is blamed if it turns out damaged.
func (v *packReader) openBlock(b *format.Block) error {
	c, at := v.checker, repo.BlockAt{Offset: b.Offset, Length: b.Length}
	o := &opening{reader: packReader{checker: c, ctx: c.ctx, pack: v.pack}, block: *b}
	c.openings.enter(openedAt{v.pack.info.Name, at}, o)
	if err := c.reading.Open(v.ctx, v.pack.info.Name, v.buf, v.start, at); err != nil {
		return err
	}
	c.openings.mu.Lock()
	o.left = true
	damage := o.err
	c.openings.mu.Unlock()
	if damage == nil {
		return nil
	}
	return v.judge(b, damage)
}

// judge returns the damage of a block unless it is that of one it stands on, which is
// blamed instead.
func (v *packReader) judge(b *format.Block, damage error) error {
	if len(b.Bases) == 0 || !v.checker.isDamage(damage) {
		return damage
	}
	sound, err := v.tryBases(b.Bases, 1)
	if err == nil && sound {
		err = damage
	}
	return err
}

// opened is told of each block that was opened, by repo.Reading.
func (c *checker) opened(pack format.PackName, at repo.BlockAt, content []byte, damage error) error {
	o := c.openings.take(openedAt{pack, at})
	if damage == nil {
		damage = o.reader.verifyChunks(&o.block, content)
	}
	c.openings.mu.Lock()
	o.err = damage
	late := o.left
	c.openings.mu.Unlock()
	if !late || damage == nil {
		return nil
	}
	return o.reader.again(&o.block)
}

// again opens a block by itself that could not be when all it stands on was at hand, and
// blames who is to blame.
func (v *packReader) again(b *format.Block) error {
	name := v.pack.info.Name
	content, err := readBlock(v.ctx, v.checker.reader, name, repo.BlockAt{Offset: b.Offset, Length: b.Length})
	if err == nil {
		err = v.verifyChunks(b, content)
	}
	if err != nil {
		err = v.judge(b, err)
	}
	if err == nil || !v.checker.isDamage(err) {
		return err
	}
	err = fmt.Errorf("%w: %w", errContent, err)
	v.checker.blame(v.pack, kindOfPack(err), err.Error())
	return nil
}
