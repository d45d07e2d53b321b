package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"firn/internal/object"
)

// thaws is what a library's client can do about archive classes, and the other
// calls about an object's class.
type thaws interface {
	// restore asks for a readable copy (RestoreObject). Without days it stays.
	restore(ctx context.Context, key string, tier object.Tier, days int) error
	// listRestores is list, whose items tell of copies if the server does.
	listRestores(ctx context.Context, prefix, token string) (page, error)
	// copyOnto writes an object anew from itself; all that is asked for stands
	// in the headers.
	copyOnto(ctx context.Context, key string, asked http.Header) error
}

var (
	_ thaws = (*awsClient)(nil)
	_ thaws = (*minioClient)(nil)
)

// tierName is a tier in the words of S3.
var tierName = map[object.Tier]string{object.Expedited: "Expedited", object.Standard: "Standard", object.Bulk: "Bulk"}

// tiering is the class whose objects sink into archive tiers by themselves. A
// copy of them stays, and days must not be asked for.
const tiering = "INTELLIGENT_TIERING"

const opThaw = "thaw"

// Thaw implements object.Thawer. It takes the right s3:RestoreObject, and
// s3:GetObject where the class is not given or the request is refused.
func (s *Store) Thaw(ctx context.Context, name string, req object.ThawRequest) error {
	if err := s.begin(ctx, opThaw, name, true); err != nil {
		return err
	}
	if tierName[req.Tier] == "" || req.Days < 1 {
		return fail(opThaw, name, fmt.Errorf("tier %q for %d days cannot be asked for", req.Tier, req.Days))
	}
	days := req.Days
	if req.Class == tiering {
		days = 0
	}
	t := thawing{Store: s, name: name, tier: req.Tier, days: days}
	err := s.call(ctx, opThaw, name, 0, t.attempt)
	if err != nil && t.refusal != "" {
		return t.understand(ctx, err)
	}
	return err
}

// thawing is one Thaw under way.
type thawing struct {
	*Store
	name string
	tier object.Tier
	days int // 0: none are asked for

	refusal string // code of an answer that may be about the object's class; "" if there was none
}

// attempt asks once.
func (t *thawing) attempt(ctx context.Context, x *exchange) error {
	t.refusal = ""
	err := t.client.(thaws).restore(ctx, t.key(t.name), t.tier, t.days)
	switch {
	case x.code == codeInProgress:
		err = nil
	case err == nil && x.status != http.StatusOK && x.status != http.StatusAccepted:
		return wrongAnswer(fmt.Sprintf("status %d", x.status))
	case x.status == http.StatusBadRequest || slices.Contains(warmCodes, x.code):
		t.refusal = x.code
	}
	if err == nil && t.days > 0 {
		t.telling.witness.Store(&t.name)
	}
	return err
}

// codeInProgress says that a copy is on its way.
const codeInProgress = "RestoreAlreadyInProgress"

// warmCodes are refusals to thaw what needs no thawing.
var warmCodes = []string{"InvalidObjectState", "ObjectAlreadyInActiveTierError"}

// understand finds out why a request was refused, from how the object stands:
// it needs no copy; its class wants to be asked without days; or else it has no
// such tier.
func (t *thawing) understand(ctx context.Context, refused error) error {
	f, err := t.Frost(ctx, t.name)
	switch {
	case err != nil:
		return errors.Join(refused, err)
	case !f.Frozen:
		return nil
	case f.Class == tiering && t.days > 0 && !slices.Contains(warmCodes, t.refusal):
		again := thawing{Store: t.Store, name: t.name, tier: t.tier}
		err := t.call(ctx, opThaw, t.name, 0, again.attempt)
		if err == nil || again.refusal == "" {
			return err
		}
		refused = err
	}
	advice := "choose another tier"
	if t.tier == object.Expedited {
		advice = "ask for the standard or the bulk tier: DEEP_ARCHIVE and its like have no expedited one"
	}
	return &object.Error{
		Op: opThaw, Name: t.name, Advice: advice,
		Err: fmt.Errorf("the server does not thaw class %s in tier %s: %w: %v", f.Class, t.tier, object.ErrUnsupported, errors.Unwrap(refused)),
	}
}
