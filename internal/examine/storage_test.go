package examine

import (
	"errors"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/s3"
	"firn/internal/storageconfig"
)

// storageSteps examines a bucket with a .storageconfig; "" for none.
func storageSteps(t *testing.T, bucket *fakeBucket, file string) (map[string]Step, *Report) {
	t.Helper()
	rules, err := storageconfig.NewRules(storageconfig.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	store := object.NewMem()
	if file != "" {
		if _, err := store.Put(t.Context(), format.StorageConfigName, []byte(file), object.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	r := &Report{Writable: true, Readable: true, Deletable: true}
	e := &examination{
		Subject: Subject{Store: store, Bucket: bucket, Prefix: "a/", Rules: rules, Classes: []string{"STANDARD", tieringClass}},
		report:  r, tell: func(Step) {},
	}
	e.bucket(t.Context())
	steps := map[string]Step{}
	for _, s := range r.Steps {
		steps[s.Name] = s
	}
	return steps, r
}

// TestStorageConfig: the file is looked at, and what it says is gone by.
func TestStorageConfig(t *testing.T) {
	for _, c := range []struct {
		name, file string
		result     Result
		words      string
	}{
		{"none", "", OK, "there is no .storageconfig"},
		{"in order", `{"blobOptions":[{"prefix":"p","storageClass":"STANDARD"}]}`, OK, "in order"},
		{"remarks", `{"blobOptions":[{"prefix":"p","storageClass":"COOL"}]}`, Warning, "COOL is not among"},
		{"malformed", `{"blobOptions":[}`, Failed, "line 1, column 17"},
		{"harmful", `{"blobOptions":[{"storageClass":"GLACIER"}]}`, Failed, "only data packs may go there"},
	} {
		t.Run(c.name, func(t *testing.T) {
			steps, r := storageSteps(t, &fakeBucket{}, c.file)
			expect(t, steps, StepStorage, c.result, c.words)
			if (r.Err != nil) != (c.result == Failed) {
				t.Errorf("error %v", r.Err)
			}
		})
	}
}

// TestTagsOfFile: rules that are confined to tags which the file gives objects count.
func TestTagsOfFile(t *testing.T) {
	bucket := &fakeBucket{rules: []s3.LifecycleRule{{ID: "x", Enabled: true, Tags: map[string]string{"team": "ops"}, ExpireDays: 9}}}
	steps, _ := storageSteps(t, bucket, `{"blobOptions":[{"storageClass":"STANDARD"}]}`)
	expect(t, steps, StepLifecycle, OK, "")
	steps, r := storageSteps(t, bucket, `{"blobOptions":[{"prefix":"m","storageClass":"STANDARD","tagging":"team=ops"}]}`)
	expect(t, steps, StepLifecycle, Failed, "after 9 days")
	if !errors.Is(r.Err, ErrLifecycle) {
		t.Errorf("%v", r.Err)
	}
}

// TestTiering: archive tiers of INTELLIGENT_TIERING are told, and are an error where
// more than data packs may sink into them.
func TestTiering(t *testing.T) {
	const data, all = `{"blobOptions":[{"prefix":"p","storageClass":"INTELLIGENT_TIERING"}]}`, `{"blobOptions":[{"storageClass":"INTELLIGENT_TIERING"}]}`
	tiers := func(change func(*s3.ArchiveTiers)) []s3.ArchiveTiers {
		t := s3.ArchiveTiers{ID: "sink", Enabled: true, Tiers: []s3.ArchiveTier{{Name: "ARCHIVE_ACCESS", Days: 90}}}
		change(&t)
		return []s3.ArchiveTiers{t}
	}
	same := func(*s3.ArchiveTiers) {}
	for _, c := range []struct {
		name, file string
		bucket     fakeBucket
		result     Result
		words      string
	}{
		{"none", data, fakeBucket{}, OK, "no archive tier"},
		{"data sinks", data, fakeBucket{tiers: tiers(same)}, Warning, "ARCHIVE_ACCESS after 90 days"},
		{"all sinks", all, fakeBucket{tiers: tiers(same)}, Failed, "more than data packs"},
		{"data of all sinks", all, fakeBucket{tiers: tiers(func(t *s3.ArchiveTiers) { t.Prefix = "a/p/" })}, Warning, "sink"},
		{"off", all, fakeBucket{tiers: tiers(func(t *s3.ArchiveTiers) { t.Enabled = false })}, OK, "no archive tier"},
		{"elsewhere", all, fakeBucket{tiers: tiers(func(t *s3.ArchiveTiers) { t.Prefix = "b/" })}, OK, "no archive tier"},
		{"by tags", all, fakeBucket{tiers: tiers(func(t *s3.ArchiveTiers) { t.Tags = map[string]string{"a": "b"} })}, OK, "no archive tier"},
		{"not readable", data, fakeBucket{tiersErr: &object.Error{Op: "read", Err: object.ErrAccess}}, NotTried, rightTiering},
		{"not known", data, fakeBucket{tiersErr: object.ErrUnsupported}, NotTried, "cannot be asked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			steps, r := storageSteps(t, &c.bucket, c.file)
			expect(t, steps, StepTiering, c.result, c.words)
			if (r.Err != nil) != (c.result == Failed) {
				t.Errorf("error %v", r.Err)
			}
		})
	}
	steps, _ := storageSteps(t, &fakeBucket{tiers: tiers(same)}, "")
	if _, asked := steps[StepTiering]; asked {
		t.Error("it is asked about a class that nothing is in")
	}
}
