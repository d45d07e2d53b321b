package s3

import (
	"encoding/xml"
	"reflect"
	"testing"
)

func TestArchiveTiersAreRead(t *testing.T) {
	for text, want := range map[string][]ArchiveTiers{
		`<ListBucketIntelligentTieringConfigurationsOutput/>`: {},
		`<ListBucketIntelligentTieringConfigurationsOutput xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated>
			<IntelligentTieringConfiguration><Id>a</Id><Filter><And><Prefix>x/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter><Status>Enabled</Status>
			<Tiering><Days>90</Days><AccessTier>ARCHIVE_ACCESS</AccessTier></Tiering><Tiering><Days>180</Days><AccessTier>DEEP_ARCHIVE_ACCESS</AccessTier></Tiering>
			</IntelligentTieringConfiguration><IntelligentTieringConfiguration><Id>b</Id><Status>Disabled</Status></IntelligentTieringConfiguration>
			</ListBucketIntelligentTieringConfigurationsOutput>`: {
			{ID: "a", Enabled: true, Prefix: "x/", Tags: map[string]string{"k": "v"}, Tiers: []ArchiveTier{{"ARCHIVE_ACCESS", 90}, {"DEEP_ARCHIVE_ACCESS", 180}}},
			{ID: "b"},
		},
	} {
		var answer tieringXML
		if err := xml.Unmarshal([]byte(text), &answer); err != nil {
			t.Fatal(err)
		}
		if got, ok := answer.configurations(); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v, %t\nwant\n%+v", text, got, ok, want)
		}
	}
	var listing tieringXML
	if err := xml.Unmarshal([]byte(`<ListBucketResult><Name>b</Name></ListBucketResult>`), &listing); err != nil {
		t.Fatal(err)
	}
	if _, ok := listing.configurations(); ok {
		t.Error("a listing of objects is taken for the answer")
	}
}
