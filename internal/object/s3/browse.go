package s3

import (
	"context"
	"encoding/xml"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	miniosigner "github.com/minio/minio-go/v7/pkg/signer"

	"firn/internal/object"
)

// shelf is a part of a bucket to look at: one page of it is asked for at a time.
type shelf struct {
	prefix    string
	delimiter string // "/" shows folders, "" all below
	versions  bool
	token     string // where the page begins; of a listing of versions: the key
	version   string // of a listing of versions: the version behind which it begins
}

// browses is a client that shows shelves. It returns the body of the answer,
// which is read in one place for all.
type browses interface {
	browse(ctx context.Context, q shelf) ([]byte, error)
}

// shelfPage is a page of either listing. What stands in it is kept in the
// server's order.
type shelfPage struct {
	IsTruncated           bool
	EncodingType          string
	NextContinuationToken string
	NextKeyMarker         string
	NextVersionIdMarker   string
	Prefix                string     // what was asked for, kept from being taken for an entry
	Entries               []shelfXML `xml:",any"`
}

// shelfXML is an object, a version of one, a deletion or a folder.
type shelfXML struct {
	XMLName      xml.Name
	Key          string
	Prefix       string
	VersionID    string `xml:"VersionId"`
	IsLatest     bool
	Size         int64
	LastModified time.Time
	ETag         string
	StorageClass string
}

// Browse implements object.Browser.
func (s *Store) Browse(ctx context.Context, prefix string, opts object.BrowseOptions) iter.Seq2[object.Found, error] {
	return func(yield func(object.Found, error) bool) {
		q := shelf{prefix: s.key(prefix), versions: opts.Versions}
		if !opts.Recursive {
			q.delimiter = "/"
		}
		for seen := map[shelf]bool{}; ; {
			var got shelfPage
			err := s.call(ctx, opList, prefix, 0, func(ctx context.Context, _ *exchange) error {
				text, err := s.client.(browses).browse(ctx, q)
				if err != nil {
					return err
				}
				got, err = readShelf(text, q)
				return err
			})
			if err != nil {
				yield(object.Found{}, err)
				return
			}
			for _, e := range got.Entries {
				if found, ok := e.found(s.prefix); ok && !yield(found, nil) {
					return
				}
			}
			if !got.IsTruncated {
				return
			}
			seen[q] = true
			q.token, q.version = got.NextContinuationToken, ""
			if q.versions {
				q.token, q.version = got.NextKeyMarker, got.NextVersionIdMarker
			}
			if q.token == "" || seen[q] {
				yield(object.Found{}, fail(opList, prefix, wrongAnswer("listing is truncated but cannot be continued")))
				return
			}
			if ctx.Err() != nil {
				yield(object.Found{}, fail(opList, prefix, ctx.Err()))
				return
			}
		}
	}
}

// readShelf reads an answer and checks that it is one to the question.
func readShelf(text []byte, q shelf) (page shelfPage, err error) {
	root := "ListBucketResult"
	if q.versions {
		root = "ListVersionsResult"
	}
	if !wholeXML(text, root) {
		return page, wrongAnswer("answer is no whole " + root)
	}
	if err := xml.Unmarshal(text, &page); err != nil {
		return page, wrongAnswer("listing: " + err.Error())
	}
	if page.EncodingType == "url" {
		decode(&page.NextKeyMarker, &err)
	}
	for i := range page.Entries {
		e := &page.Entries[i]
		if page.EncodingType == "url" {
			decode(&e.Key, &err)
			decode(&e.Prefix, &err)
		}
		if name := e.Key + e.Prefix; name != "" && !strings.HasPrefix(name, q.prefix) {
			return page, wrongAnswer("listing has a key outside of the prefix asked for")
		}
	}
	return page, err
}

// decode takes the escapes of a listing out of a name.
func decode(name *string, failed *error) {
	text, err := url.QueryUnescape(*name)
	if err != nil {
		*failed = wrongAnswer("listing has a name that cannot be decoded")
	}
	*name = text
}

// found is an entry as the contract has it, named from behind the drive's
// prefix on; false if it is none, or the drive's own folder.
func (e *shelfXML) found(prefix string) (object.Found, bool) {
	f := object.Found{Info: object.Info{
		Size: e.Size, Modified: e.LastModified, ETag: bareETag(e.ETag), Version: e.VersionID, Class: e.StorageClass,
	}}
	switch e.XMLName.Local {
	case "Contents":
		f.Name = e.Key
	case "Version", "DeleteMarker":
		f.Name, f.Old, f.Deleted = e.Key, !e.IsLatest, e.XMLName.Local == "DeleteMarker"
	case "CommonPrefixes":
		f = object.Found{Info: object.Info{Name: e.Prefix}, Folder: true}
	default:
		return f, false
	}
	f.Name = strings.TrimPrefix(f.Name, prefix)
	return f, f.Name != ""
}

func (a *awsClient) browse(ctx context.Context, q shelf) ([]byte, error) {
	var answer overheard
	listen := func(o *s3.Options) {
		answer.send = o.HTTPClient.Do
		o.HTTPClient = &answer
	}
	// Empty ones are not sent.
	given := func(text string) *string {
		if text == "" {
			return nil
		}
		return &text
	}
	var err error
	if q.versions {
		_, err = a.api.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{
			Bucket: a.bucket, Prefix: &q.prefix, Delimiter: given(q.delimiter), MaxKeys: aws.Int32(pageKeys), EncodingType: types.EncodingTypeUrl,
			KeyMarker: given(q.token), VersionIdMarker: given(q.version),
		}, listen)
	} else {
		_, err = a.api.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
			Bucket: a.bucket, Prefix: &q.prefix, Delimiter: given(q.delimiter), MaxKeys: aws.Int32(pageKeys), EncodingType: types.EncodingTypeUrl,
			ContinuationToken: given(q.token),
		}, listen)
	}
	return answer.text, err
}

func (m *minioClient) browse(ctx context.Context, q shelf) ([]byte, error) {
	if q.versions {
		return m.browseVersions(ctx, q)
	}
	answer := overheard{send: bound{m.under, ctx}.RoundTrip}
	api, err := m.over(&answer)
	if err != nil {
		return nil, err
	}
	_, err = api.ListObjectsV2(m.bucket, q.prefix, "", q.token, q.delimiter, pageKeys)
	return answer.text, err
}

// browseVersions makes the request itself, since the library has no call for
// one page of versions. The library says where it goes.
func (m *minioClient) browseVersions(ctx context.Context, q shelf) ([]byte, error) {
	target, err := m.api.Presign(ctx, http.MethodGet, m.bucket, "", time.Minute, nil)
	if err != nil {
		return nil, err
	}
	values := url.Values{"versions": {""}, "prefix": {q.prefix}, "encoding-type": {"url"}, "max-keys": {strconv.Itoa(pageKeys)}}
	for name, value := range map[string]string{"delimiter": q.delimiter, "key-marker": q.token, "version-id-marker": q.version} {
		if value != "" {
			values.Set(name, value)
		}
	}
	target.RawQuery = values.Encode() // in place of the signature, which logs would show
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, err
	}
	keys, err := m.options.Creds.GetWithContext(nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("X-Amz-Content-Sha256", noBody)
	request = miniosigner.SignV4(*request, keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken, m.region)
	answer := overheard{send: m.under.RoundTrip}
	response, err := answer.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if err := response.Body.Close(); err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 {
		return nil, fmt.Errorf("answer %s", response.Status)
	}
	return answer.text, nil
}

// noBody is the SHA-256 of nothing.
const noBody = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
