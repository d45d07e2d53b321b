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
	"strconv"
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
	request.Header.Set("X-Amz-Date", now.Format(stampForm))
	request.Header.Set("X-Amz-Content-Sha256", hexSum(body))
	names := []string{"host", "x-amz-content-sha256", "x-amz-date"}
	request.Header.Set("Authorization", s.Authorization(request, names, s.Region, service, now))
}

// stampForm is the form of the header X-Amz-Date.
const stampForm = "20060102T150405Z"

// Authorization returns the header of that name by AWS Signature Version 4, under
// the server's keys. The signature is over the headers of these names, lower case
// and in order, and the body's hash in X-Amz-Content-Sha256.
func (s Server) Authorization(request *http.Request, names []string, region, service string, at time.Time) string {
	hash := request.Header.Get("X-Amz-Content-Sha256")
	canonical := []string{request.Method, request.URL.EscapedPath(), strings.ReplaceAll(request.URL.Query().Encode(), "+", "%20")}
	for _, name := range names {
		value := strings.Join(request.Header.Values(name), ",")
		switch {
		case name == "host" && request.Host != "":
			value = request.Host
		case name == "host":
			value = request.URL.Host
		case name == "content-length":
			value = strconv.FormatInt(request.ContentLength, 10)
		}
		canonical = append(canonical, name+":"+strings.Join(strings.Fields(value), " "))
	}
	signed := strings.Join(names, ";")
	canonical = append(canonical, "", signed, hash)
	day := at.UTC().Format("20060102")
	scope := strings.Join([]string{day, region, service, "aws4_request"}, "/")
	key := []byte("AWS4" + s.SecretKey)
	for _, part := range []string{day, region, service, "aws4_request"} {
		key = keyed(key, part)
	}
	signature := keyed(key, strings.Join([]string{
		"AWS4-HMAC-SHA256", at.UTC().Format(stampForm), scope, hexSum(strings.Join(canonical, "\n")),
	}, "\n"))
	return fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x", s.AccessKey, scope, signed, signature)
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
