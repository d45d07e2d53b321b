package s3

import (
	"context"
	"io"
	"net/http"
	"time"
)

// The libraries that requests can be made with.
const (
	clientAWS   = "aws"
	clientMinIO = "minio"
)

// client makes one signed request per call, without retrying. The context
// carries the exchange, which sees the answer on the wire: headers, sizes and
// errors are taken from there, the same for every library, so that a client
// returns only what is in bodies, and its errors are only looked at when the
// wire says nothing.
type client interface {
	// get asks for bytes from first on up to and including last (-1: to the
	// end); whole asks for the object without a range. ifMatch, if not empty,
	// is the ETag it must have.
	get(ctx context.Context, key string, r byteRange, ifMatch string) (io.ReadCloser, error)
	head(ctx context.Context, key string) error
	put(ctx context.Context, key string, p putRequest) error
	remove(ctx context.Context, key string) error
	// removeMany reports on every key it was answered about.
	removeMany(ctx context.Context, keys []string) ([]removal, error)
	list(ctx context.Context, prefix, token string) (page, error)
	// listV1 lists with the first version of the call, after a key.
	listV1(ctx context.Context, prefix, after string) (page, error)
	createBucket(ctx context.Context, location string) error
}

// byteRange is the range of a get; whole is none.
type byteRange struct{ first, last int64 }

var whole = byteRange{0, -1}

// putRequest is one object to write.
type putRequest struct {
	body     []byte
	hexSum   string // SHA-256 of body, which signs it
	checksum string // the same in base64, or "" not to send it as a checksum
	ifAbsent bool
	ifMatch  string
	class    string
	more     http.Header // that the request has besides
	retain   time.Time
}

// removal is what became of one key of several to delete.
type removal struct {
	key           string
	code, message string // "" if it was deleted
}

// page is one page of a listing, keys decoded.
type page struct {
	items     []item
	truncated bool
	token     string // of the next page; with the first version a key, "" if it does not say
}

type item struct {
	key      string
	size     int64
	modified time.Time
	etag     string
	class    string
	restored *restored // only if the listing was asked for it
}

const pageKeys = 1000 // of a listing or a deletion; the most S3 allows
