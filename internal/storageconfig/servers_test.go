package storageconfig_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/s3"
	"firn/internal/object/s3/s3test"
	"firn/internal/storageconfig"
)

func TestMain(m *testing.M) { os.Exit(s3test.Main(m)) }

const pack = "p/0a/0a17c3d4e5f60718293a4b5c6d7e8f900112233445566778899aabbccddeeff0"

// TestOnServers: what real servers keep, drop and refuse is noticed, whichever
// library makes the requests. MinIO refuses what it does not have; Versity takes
// and drops it.
func TestOnServers(t *testing.T) {
	for _, c := range []struct {
		name, entry    string
		minio, versity string // part of the error
		told           string // part of what Versity makes the store say
	}{
		{"class", `"storageClass":"REDUCED_REDUNDANCY","tagging":"a=b&c=d"`, "", "", "storage class is STANDARD and not REDUCED_REDUNDANCY"},
		{"unknown class", `"storageClass":"COLDEST"`, "does not store with class COLDEST", "", "storage class is STANDARD and not COLDEST"},
		{"encryption", `"serverSideEncryption":"AES256"`, "does not store with encryption AES256", "encryption is none and not AES256", ""},
		{"nothing", `"storageClass":"STANDARD"`, "", "", ""},
	} {
		for _, kind := range []string{s3test.MinIO, s3test.Versity} {
			for _, client := range []string{"aws", "minio"} {
				t.Run(c.name+"/"+kind+"/"+client, func(t *testing.T) {
					want, told := c.minio, ""
					if kind == s3test.Versity {
						want, told = c.versity, c.told
					}
					tryServer(t, s3test.Start(t, kind), client, fmt.Sprintf(`{"blobOptions":[{"prefix":"p",%s}]}`, c.entry), want, told)
				})
			}
		}
	}
}

func tryServer(t *testing.T, server s3test.Server, client, file, want, told string) {
	rules, err := storageconfig.NewRules(storageconfig.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := s3.Open(t.Context(), s3.Config{
		Endpoint: server.Endpoint, Region: server.Region, AccessKey: server.AccessKey, SecretKey: server.SecretKey,
		Bucket: s3test.NewBucket(), Prefix: "a/b", Client: client, Proxy: "none",
		Params: func(name string) s3.PutParams { return s3.PutParams(rules.Params(name)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer bucket.Close()
	if err := bucket.CreateBucket(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	var said []string
	watch := storageconfig.Watch{Headers: bucket.Headers, Say: func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }}
	if _, err := bucket.Put(t.Context(), format.StorageConfigName, []byte(file), object.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	store := rules.Around(bucket, watch)
	if _, err := store.Put(t.Context(), "s/1", []byte("x"), object.PutOptions{}); err != nil {
		t.Errorf("an object that no entry is for: %v", err)
	}
	_, err = store.Put(t.Context(), pack, []byte("x"), object.PutOptions{})
	if (err != nil) != (want != "") || err != nil && (!errors.Is(err, object.ErrUnsupported) || !strings.Contains(err.Error(), want)) {
		t.Errorf("%v, wanted %q", err, want)
	}
	if text := strings.Join(said, "\n"); (told == "") != (text == "") || !strings.Contains(text, told) {
		t.Errorf("it says %q, wanted %q", text, told)
	}
}
