package sim

import (
	"context"
	"errors"
	"testing"

	"firn/internal/check"
	"firn/internal/format"
	"firn/internal/repo"
)

// TestCrashInDistrust masks a host and trusts it again.
func TestCrashInDistrust(t *testing.T) {
	newStage(t, save(1)).sweep(t, func(ctx context.Context, r *repo.Repository) error {
		other := format.Host{1}
		if _, err := r.Distrust(ctx, other, "sweep"); err != nil {
			return err
		}
		records, err := r.ReadRecords(ctx)
		if err != nil {
			return err
		}
		if records.Distrusted()[other] == nil {
			return errors.New("the host is not distrusted")
		}
		_, err = r.Retrust(ctx, records, other, "sweep")
		return err
	})
}

// TestCrashInVet vouches for all that is read.
func TestCrashInVet(t *testing.T) {
	newStage(t, save(1)).sweep(t, func(ctx context.Context, r *repo.Repository) error {
		_, err := check.Run(ctx, r, check.Options{ReadData: check.ReadData{Percent: 100}, Vet: true})
		return err
	})
}
