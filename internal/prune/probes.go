package prune

import (
	"context"
	"fmt"
	"time"
)

const (
	probes     = "probe/"       // what it takes to find out what a drive can do
	probesStay = 24 * time.Hour // far longer than that takes
)

// sweepProbes deletes what was left by programs that were killed while they tried a drive.
func (p *pruner) sweepProbes(ctx context.Context) error {
	var left []string
	for info, err := range p.repo.Store().List(ctx, probes) {
		if err != nil {
			return fmt.Errorf("list %s: %w", probes, err)
		}
		if p.now.Sub(info.Modified) > probesStay {
			left = append(left, info.Name)
		}
	}
	return p.delete(ctx, left)
}
