package prune

import (
	"context"
	"slices"

	"firn/internal/format"
	"firn/internal/repo"
)

const (
	// ledgersStay is how many small ledgers are left beside each other.
	ledgersStay = 16
	// ledgerFull is the number of sessions from which on a ledger is not merged any more.
	ledgerFull = 10_000
)

// keepForgotten enters what records forget in a ledger, before the records go: the
// manifests stay forgotten, should anybody bring them back, and the gaps they left in
// the chains stay explained.
func (p *pruner) keepForgotten(ctx context.Context, sessions []string) error {
	if len(sessions) == 0 {
		return nil
	}
	return p.writeLedger(ctx, sorted(sessions))
}

func (p *pruner) writeLedger(ctx context.Context, sessions []string) error {
	_, err := p.repo.WriteRecord(ctx, &format.Record{
		Kind: format.RecordLedger, Time: p.repo.Now().UnixNano(), Session: p.session.Name(), Forgotten: sessions,
	})
	return err
}

// mergeLedgers makes one of small ledgers, once there are many. The inputs go when all
// that they say is written again.
func (p *pruner) mergeLedgers(ctx context.Context, records *repo.Records) error {
	var inputs, sessions []string
	for i := range records.Ledgers {
		if l := &records.Ledgers[i]; len(l.Record.Forgotten) < ledgerFull {
			inputs = append(inputs, l.Name)
			sessions = append(sessions, l.Record.Forgotten...)
		}
	}
	if len(inputs) <= ledgersStay {
		return nil
	}
	slices.Sort(sessions)
	if err := p.writeLedger(ctx, slices.Compact(sessions)); err != nil {
		return err
	}
	return p.delete(ctx, inputs)
}
