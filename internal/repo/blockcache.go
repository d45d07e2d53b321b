package repo

import (
	"container/list"

	"firn/internal/format"
)

// blockCache keeps the contents of blocks read last, up to a number of bytes.
// Its user guards it.
type blockCache struct {
	limit, size int
	order       *list.List // of *cachedBlock, newest first
	at          map[blockKey]*list.Element
}

type blockKey struct {
	pack   format.PackName
	offset uint32
}

type cachedBlock struct {
	key     blockKey
	content []byte
}

func newBlockCache(limit int) *blockCache {
	return &blockCache{limit: limit, order: list.New(), at: map[blockKey]*list.Element{}}
}

func (c *blockCache) get(key blockKey) ([]byte, bool) {
	e, ok := c.at[key]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cachedBlock).content, true
}

func (c *blockCache) put(key blockKey, content []byte) {
	if _, ok := c.at[key]; ok {
		return
	}
	c.at[key] = c.order.PushFront(&cachedBlock{key, content})
	c.size += len(content)
	for c.size > c.limit && c.order.Len() > 1 {
		oldest := c.order.Back()
		b := c.order.Remove(oldest).(*cachedBlock)
		delete(c.at, b.key)
		c.size -= len(b.content)
	}
}
