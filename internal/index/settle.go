package index

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// manyLayers is up to how many layers are left as they are.
const manyLayers = 8

// settle merges layers so that look-ups meet few of them, and rewrites those
// that consist mostly of what the view does not take. Each layer left is more than twice as
// large as all smaller ones together, so that an entry is rewritten a logarithmic
// number of times. The caller holds change. A folder that does not take the merged
// layer leaves all as it is.
func (v *View) settle() error {
	for {
		inputs := chooseLayers(v.layers)
		if len(inputs) == 0 {
			return nil
		}
		j := newJoint(inputs)
		names := make([]string, len(j.members))
		for i := range j.members {
			names[i] = j.members[i].name
		}
		id := layerOf(names)
		l, err := v.mirror.writeOnce(id, func(to io.WriterAt) error {
			return j.write(v.ctx, newLayerWriter(to, id))
		})
		if err == nil {
			err = v.swap(l, inputs)
		}
		var full *writeError
		switch {
		case err == nil:
		case errors.As(err, &full):
			return nil
		default:
			if err := v.repairHeld(err); err != nil {
				return fmt.Errorf("merge cached index: %w", err)
			}
		}
	}
}

// swap puts a merged layer in the place of its inputs.
func (v *View) swap(l *layer, inputs []*layer) error {
	for i := range l.members {
		l.claim(i)
	}
	if err := v.loadLayer(l); err != nil {
		err = &writeError{err}
		return errors.Join(err, l.discard())
	}
	v.loadFilter(l, inputs)
	v.publish([]*layer{l}, inputs)
	for _, input := range inputs {
		_ = input.discard() // a file that was only read
	}
	return nil
}

// chooseLayers returns which of a view's layers, largest first, to merge into one.
func chooseLayers(layers []*layer) []*layer {
	small := 0 // how many, from the smallest on, to merge
	if len(layers) > manyLayers {
		var sum uint64
		for i, l := range slices.Backward(layers) {
			if 2*sum >= l.liveEntries {
				small = len(layers) - i
			}
			sum += l.liveEntries
		}
	}
	if small < 2 {
		small = 0
	}
	var chosen []*layer
	members := 0
	for i, l := range slices.Backward(layers) {
		isSmall := len(layers)-i <= small
		count := l.liveCount()
		if (isSmall || l.isMostlyDead()) && !l.condemned && members+count <= maxMembers {
			chosen = append(chosen, l)
			members += count
		}
	}
	if len(chosen) == 1 && !chosen[0].isMostlyDead() {
		return nil
	}
	return chosen
}

// isMostlyDead reports whether the view takes less than half of the layer.
func (l *layer) isMostlyDead() bool { return l.footer.entries > 2*l.liveEntries }
