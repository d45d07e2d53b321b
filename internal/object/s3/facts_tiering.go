package s3

import (
	"context"
	"encoding/xml"
	"strings"

	"firn/internal/object"
)

// ArchiveTiers is one configuration of a bucket by which objects in
// INTELLIGENT_TIERING sink into tiers from which they must be thawed.
type ArchiveTiers struct {
	ID      string
	Enabled bool
	Prefix  string            // of the keys it is about; "" is all
	Tags    map[string]string // that objects must have; nil for none
	Tiers   []ArchiveTier
}

// ArchiveTier is one such tier, and after how many days unread objects sink into it.
type ArchiveTier struct {
	Name string
	Days int
}

// ArchiveTiers reads the bucket's configurations of INTELLIGENT_TIERING; none if it
// has none. It takes the right s3:GetIntelligentTieringConfiguration.
func (s *Store) ArchiveTiers(ctx context.Context) ([]ArchiveTiers, error) {
	var answer tieringXML
	if there, err := s.describe(ctx, documentTiering, &answer); err != nil || !there {
		return nil, err
	}
	list, ok := answer.configurations()
	if !ok { // some servers list the bucket's objects
		return nil, fail(opDescribe+documentTiering, "", object.ErrUnsupported)
	}
	return list, nil
}

// configurations gives an answer its meaning; false if it is none.
func (x *tieringXML) configurations() ([]ArchiveTiers, bool) {
	if !strings.HasPrefix(x.XMLName.Local, "ListBucketIntelligentTieringConfigurations") {
		return nil, false
	}
	list := make([]ArchiveTiers, 0, len(x.Configurations))
	for i := range x.Configurations {
		c := &x.Configurations[i]
		t := ArchiveTiers{
			ID: oneLine(c.ID, 255), Enabled: c.Status == "Enabled", Prefix: c.Filter.Prefix + c.Filter.And.Prefix, // one of them
			Tags: c.Filter.tags(),
		}
		for _, tier := range c.Tierings {
			t.Tiers = append(t.Tiers, ArchiveTier{oneLine(tier.AccessTier, 64), tier.Days})
		}
		list = append(list, t)
	}
	return list, true
}

// tieringXML is the list of configurations as servers write it.
type tieringXML struct {
	XMLName        xml.Name
	Configurations []struct {
		ID       string `xml:"Id"`
		Status   string
		Filter   filterXML
		Tierings []struct {
			AccessTier string
			Days       int
		} `xml:"Tiering"`
	} `xml:"IntelligentTieringConfiguration"`
}
