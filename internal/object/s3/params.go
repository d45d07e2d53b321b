package s3

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"net/http"

	"github.com/minio/minio-go/v7/pkg/encrypt"
)

// PutParams is what PutObject is asked for besides the object: the parameters
// that Config.Params chooses by an object's name. The zero value leaves
// everything to the server.
type PutParams struct {
	Class      string // storage class
	Encryption string // AES256, aws:kms, aws:kms:dsse, or customer for Config.CustomerKey
	KMSKey     string // ID of the key for aws:kms; "" for the server's choice
	BucketKey  bool   // aws:kms with one key of the bucket in place of one for each object
	Tags       string // NAME=VALUE&NAME=VALUE
	ACL        string // canned access control list
}

// byCustomer is the encryption with Config.CustomerKey.
const byCustomer = "customer"

// The headers of encryption by the server.
const (
	headerEncryption = "X-Amz-Server-Side-Encryption"
	headerKMSKey     = "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"
	headerBucketKey  = "X-Amz-Server-Side-Encryption-Bucket-Key-Enabled"
	headerCustomer   = "X-Amz-Server-Side-Encryption-Customer-Algorithm"
)

// headers are the parameters on the wire, but for the class.
func (p PutParams) headers(key *CustomerKey) http.Header {
	h := http.Header{}
	set := func(name, value string) {
		if value != "" {
			h.Set(name, value)
		}
	}
	set("X-Amz-Tagging", p.Tags)
	set("X-Amz-Acl", p.ACL)
	if p.Encryption == byCustomer {
		key.mark(h)
		return h
	}
	set(headerEncryption, p.Encryption)
	set(headerKMSKey, p.KMSKey)
	if p.BucketKey {
		h.Set(headerBucketKey, "true")
	}
	return h
}

// CustomerKeySize is the length of a key that requests bring along, in bytes.
const CustomerKeySize = 32

// CustomerKey is a key with which the server encrypts what it is given, and which
// it does not keep: each request brings it along.
type CustomerKey [CustomerKeySize]byte

// String hides the key.
func (*CustomerKey) String() string { return "***" }

// mark puts the key into a request's headers.
func (k *CustomerKey) mark(h http.Header) {
	sum := md5.Sum(k[:]) // S3 wants it so, against slips on the way
	h.Set(headerCustomer, "AES256")
	h.Set(headerCustomer[:len(headerCustomer)-len("Algorithm")]+"Key", base64.StdEncoding.EncodeToString(k[:]))
	h.Set(headerCustomer[:len(headerCustomer)-len("Algorithm")]+"Key-Md5", base64.StdEncoding.EncodeToString(sum[:]))
}

// headerSetter lets MinIO's library send headers that it has no name for, in the
// place where it asks for those of encryption.
type headerSetter http.Header

// Type implements encrypt.ServerSide.
func (headerSetter) Type() encrypt.Type { return encrypt.S3 }

// Marshal implements encrypt.ServerSide.
func (s headerSetter) Marshal(h http.Header) {
	for name, values := range s {
		h[name] = values
	}
}

// paramsOf returns what is asked for when an object is written, in a class, or if
// that is empty, the one its name has.
func (s *Store) paramsOf(name, class string) (PutParams, error) {
	var p PutParams
	if s.params != nil {
		p = s.params(name)
	}
	if p.Encryption == byCustomer && s.customer == nil {
		return p, errors.New("it is to be encrypted by the server with a key that is not given")
	}
	if class != "" {
		p.Class = class
	}
	return p, nil
}

// Headers returns what the server says of an object in answer to HEAD.
func (s *Store) Headers(ctx context.Context, name string) (http.Header, error) {
	if err := s.begin(ctx, opHead, name, false); err != nil {
		return nil, err
	}
	var header http.Header
	err := s.call(ctx, opHead, name, 0, func(ctx context.Context, x *exchange) error {
		err := s.client.head(ctx, s.key(name))
		header = x.header
		return err
	})
	return header, err
}
