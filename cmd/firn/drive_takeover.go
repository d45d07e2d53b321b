package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firn/internal/claim"
)

func newDriveTakeoverCommand(a *app) *cobra.Command {
	yes := false
	c := &cobra.Command{
		Use:   "takeover",
		Short: "Move a drive's directory to this host and its settings",
		Long: `Claim a drive's directory for this host, with owner and exclusive as the drive's
settings say, whoever has it now. It takes a key to the repository there. The claim
before is shown, and on a terminal you are asked; elsewhere --yes says that you know.

Every drive's directory is claimed by the repository in it. Any host with a key may
write there, unless a host claimed it for itself alone (exclusive) or for another owner:
then others are refused, and this command moves it deliberately. What the host before is
doing at this moment goes on; it is refused the next time.`,
		Example: `  firn drive takeover -d @production
  firn drive takeover -d @production --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withOne(cmd.Context(), a.openReplaceable, func(ctx context.Context, d *drive) error {
				return a.takeOver(ctx, d, yes)
			})
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

// claimJSON is a claim as --json shows it.
type claimJSON struct {
	Drive      string    `json:"drive"`
	Number     uint32    `json:"number"`
	Repository string    `json:"repository"`
	Owner      string    `json:"owner,omitempty"`
	Host       string    `json:"host"`
	Exclusive  bool      `json:"exclusive"`
	Since      time.Time `json:"since"`
}

func claimToJSON(d *drive, c *claim.Claim) claimJSON {
	return claimJSON{d.label, c.Number, c.Repository.String(), c.Owner, c.Host, c.Exclusive, c.Since}
}

func (a *app) takeOver(ctx context.Context, d *drive, yes bool) error {
	before, err := d.claim.Current(ctx)
	if err != nil {
		a.out.warn("what is claimed now cannot be told: %v", err)
	}
	if before != nil {
		a.out.emit("before", claimToJSON(d, before))
		a.out.note("now: %s", before)
	}
	if !yes {
		if !a.interactive() {
			return advise(usagef("taking over a directory wants to be confirmed"), "say --yes")
		}
		answer, err := newDialogue().ask(fmt.Sprintf("move %s to host %s? (yes/no)", d.store.Location(), a.host()), "no")
		if err != nil {
			return err
		}
		if !strings.HasPrefix(strings.ToLower(answer), "y") {
			a.out.say("nothing was changed")
			return nil
		}
	}
	after, err := d.claim.TakeOver(ctx, d.repo.ID())
	if err != nil {
		return err
	}
	a.out.emit("claim", claimToJSON(d, after))
	a.out.say("now: %s", after)
	return nil
}
