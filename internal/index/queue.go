package index

// queue is a binary heap of streams that are merged: the one whose head comes
// first stands at the front.
type queue[T any] struct {
	items []T
	less  func(a, b T) bool
}

func (q *queue[T]) push(item T) {
	q.items = append(q.items, item)
	for i := len(q.items) - 1; i > 0; {
		parent := (i - 1) / 2
		if !q.less(q.items[i], q.items[parent]) {
			return
		}
		q.items[i], q.items[parent] = q.items[parent], q.items[i]
		i = parent
	}
}

// sink restores the order after the front item has moved on.
func (q *queue[T]) sink() {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(q.items) {
			return
		}
		if child+1 < len(q.items) && q.less(q.items[child+1], q.items[child]) {
			child++
		}
		if !q.less(q.items[child], q.items[i]) {
			return
		}
		q.items[i], q.items[child] = q.items[child], q.items[i]
		i = child
	}
}

// pop takes the front item away.
func (q *queue[T]) pop() {
	last := len(q.items) - 1
	q.items[0] = q.items[last]
	var none T
	q.items[last] = none
	q.items = q.items[:last]
	q.sink()
}
