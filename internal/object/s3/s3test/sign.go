package s3test

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// requestTime bounds one administrative request.
const requestTime = 30 * time.Second

// Do sends a request that the S3 library of Firn has no call for, signed with
// the server's keys (AWS Signature Version 4), and returns the answer's body. The
// path begins with "/" and holds no character that needs escaping. An answer
// that is no success is an error.
func (s Server) Do(ctx context.Context, method, path string, query url.Values, body string) ([]byte, error) {
	return s.send(ctx, "s3", method, path, query, body)
}

// Keys are temporary keys.
type Keys struct {
	AccessKey    string `xml:"AccessKeyId"`
	SecretKey    string `xml:"SecretAccessKey"`
	SessionToken string
}

// Assume returns keys that may do what a policy in AWS's JSON allows and
// nothing else. Only MinIO has this.
func (s Server) Assume(ctx context.Context, policy string) (Keys, error) {
	form := url.Values{"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "DurationSeconds": {"3600"}, "Policy": {policy}}
	text, err := s.send(ctx, "sts", http.MethodPost, "/", nil, form.Encode())
	if err != nil {
		return Keys{}, fmt.Errorf("assume role: %w", err)
	}
	var answer struct {
		Keys Keys `xml:"AssumeRoleResult>Credentials"`
	}
	if err := xml.Unmarshal(text, &answer); err != nil {
		return Keys{}, fmt.Errorf("assume role: %w", err)
	}
	return answer.Keys, nil
}

func (s Server) send(ctx context.Context, service, method, path string, query url.Values, body string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, s.Endpoint+path+"?"+query.Encode(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if service == "sts" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	sum := md5.Sum([]byte(body))
	request.Header.Set("Content-MD5", base64.StdEncoding.EncodeToString(sum[:]))
	s.sign(request, service, body)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err == nil && answer.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	return text, err
}

// sign adds the headers of AWS Signature Version 4.
func (s Server) sign(request *http.Request, service, body string) {
	now := time.Now().UTC()
	stamp, day := now.Format("20060102T150405Z"), now.Format("20060102")
	hash := hexSum(body)
	request.Header.Set("X-Amz-Date", stamp)
	request.Header.Set("X-Amz-Content-Sha256", hash)
	names := "host;x-amz-content-sha256;x-amz-date"
	canonical := strings.Join([]string{
		request.Method, request.URL.Path, strings.ReplaceAll(request.URL.RawQuery, "+", "%20"),
		"host:" + request.URL.Host, "x-amz-content-sha256:" + hash, "x-amz-date:" + stamp, "", names, hash,
	}, "\n")
	scope := strings.Join([]string{day, s.Region, service, "aws4_request"}, "/")
	key := []byte("AWS4" + s.SecretKey)
	for _, part := range []string{day, s.Region, service, "aws4_request"} {
		key = keyed(key, part)
	}
	signature := keyed(key, strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, hexSum(canonical)}, "\n"))
	request.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x",
		s.AccessKey, scope, names, signature))
}

func keyed(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func hexSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
