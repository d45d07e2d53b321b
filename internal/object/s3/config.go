package s3

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"firn/internal/object"
)

// Config says where a bucket is and how to talk to it. Bucket is required; the
// zero value of everything else is a sensible default.
type Config struct {
	Endpoint string // "https://s3.wasabisys.com", "http://127.0.0.1:9000"; "" is AWS
	Region   string // "" is the AWS profile's on AWS, else "us-east-1", unless the server's answers say another
	Bucket   string
	Prefix   string // of all keys; "a/b" and "/a/b/" mean the same

	// Credentials. Without AccessKey they come from where AWS programs look:
	// environment, profile, web identity, container, and only on AWS itself
	// instance metadata.
	AccessKey    string
	SecretKey    string
	SessionToken string
	Profile      string // of the AWS configuration files
	Role         Role   // to assume with these keys

	PathStyle *bool // /bucket/key instead of bucket.host/key; nil: off AWS only

	CAFile      string // PEM file of authorities to trust besides the system's
	InsecureTLS bool   // accept any certificate
	ClientCert  string // PEM files of a certificate to show, with its key
	ClientKey   string
	Proxy       string // URL; "" takes the environment's, "none" none

	Connections int // requests at a time; 16
	// Up and Down bound the bytes of bodies that are sent and received, those of
	// attempts that fail included.
	Up, Down   object.Bandwidths
	Timeouts   Timeouts
	MaxRetries int // of one call, besides those that SlowDown causes; 0 means 3, negative none

	Conditions Conditions // how the server takes the conditions of a Put
	ListV1     bool       // list with the first version of the call; the second, if need be, gives way by itself

	// Params returns what a Put is asked for by an object's name, its class where
	// PutOptions.Class is empty; nil: nothing.
	Params      func(name string) PutParams
	CustomerKey *CustomerKey // for objects whose encryption is "customer"; nil: there are none

	// Archive says which storage classes must be thawed before they are read; nil:
	// those of AWS.
	Archive func(class string) bool

	NoChecksums bool   // do not send x-amz-checksum-sha256, for servers that refuse it
	ReadOnly    bool   // fail writing calls with ErrReadOnly, sending nothing
	Client      string // library: "aws" (default) or "minio"

	// Advice returns what to do about an error code at this provider, "" if
	// nothing in particular; nil: there is nothing.
	Advice func(code string) string

	Debug func(RequestLog) // called after each request; nil: not at all
}

// Timeouts bounds requests in time. Zero fields take the defaults named.
type Timeouts struct {
	Connect  time.Duration // to set up a connection; 15 s
	Request  time.Duration // for a request without a body; 30 s
	Rate     int64         // bytes/s a transfer must reach on average; 10 KB/s
	Stall    time.Duration // for a transfer in which nothing moves; 30 s
	SlowDown time.Duration // for one call that the server asks to slow down; 5 min
	Pause    time.Duration // upper bound of the first pause between attempts; 400 ms
	Longest  time.Duration // upper bound of any pause; 20 s
}

func (t Timeouts) withDefaults() Timeouts {
	setDefault(&t.Connect, 15*time.Second)
	setDefault(&t.Request, 30*time.Second)
	setDefault(&t.Rate, 10_000)
	setDefault(&t.Stall, 30*time.Second)
	setDefault(&t.SlowDown, 5*time.Minute)
	setDefault(&t.Pause, 400*time.Millisecond)
	setDefault(&t.Longest, 20*time.Second)
	return t
}

// transfer returns how long moving n bytes may take in all.
func (t Timeouts) transfer(n int64) time.Duration {
	return t.Request + time.Duration(float64(n)/float64(t.Rate)*float64(time.Second))
}

func setDefault[T ~int | ~int64](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// Defaults of Config.
const (
	defaultConnections = 16
	defaultRetries     = 3
	defaultRegion      = "us-east-1"
)

// place is a Config's address, checked and completed.
type place struct {
	endpoint  *url.URL // nil: AWS's own for the region
	onAWS     bool
	pathStyle bool
	follow    bool   // the region is not given: go to the one that the server says
	prefix    string // "" or ending in "/"
}

// resolve checks a configuration and fills in its defaults. Its errors wrap no
// sentinel: they are mistakes in the configuration.
func (c *Config) resolve() (place, error) {
	setDefault(&c.Connections, defaultConnections)
	c.Timeouts = c.Timeouts.withDefaults()
	switch {
	case c.MaxRetries == 0:
		c.MaxRetries = defaultRetries
	case c.MaxRetries < 0:
		c.MaxRetries = 0
	}
	if c.Client == "" {
		c.Client = clientAWS
	}
	if c.Client != clientAWS && c.Client != clientMinIO {
		return place{}, fmt.Errorf("client %q: use %q or %q", c.Client, clientAWS, clientMinIO)
	}
	if c.Bucket == "" || strings.ContainsAny(c.Bucket, "/?#% \t\r\n") {
		return place{}, fmt.Errorf("bucket %q is not a bucket name", c.Bucket)
	}
	if (c.AccessKey == "") != (c.SecretKey == "") {
		return place{}, errors.New("access key and secret key go together: one of them is missing")
	}
	if c.Role.ARN == "" && c.Role.ExternalID != "" {
		return place{}, errors.New("an external ID is for assuming a role: the role's ARN is missing")
	}
	if (c.ClientCert == "") != (c.ClientKey == "") {
		return place{}, errors.New("client certificate and its key go together: one of them is missing")
	}
	if c.Conditions != Quoted && c.Conditions != Unquoted && c.Conditions != Google {
		return place{}, fmt.Errorf("conditions %q are not known", c.Conditions)
	}
	p := place{prefix: strings.Trim(c.Prefix, "/"), follow: c.Region == ""}
	if p.prefix != "" {
		if err := object.CheckName(p.prefix); err != nil {
			return place{}, fmt.Errorf("prefix: %w", err)
		}
		p.prefix += "/"
	}
	return p, c.address(&p)
}

// address finds endpoint and addressing style.
func (c *Config) address(p *place) error {
	if c.Endpoint == "" {
		p.onAWS = true
	} else {
		endpoint, err := parseEndpoint(c.Endpoint)
		if err != nil {
			return err
		}
		p.endpoint = endpoint
		p.onAWS = amazon(endpoint.Hostname())
	}
	if !p.onAWS && c.Region == "" {
		c.Region = defaultRegion
	}
	tls := p.endpoint == nil || p.endpoint.Scheme == "https"
	switch {
	case !hostName(c.Bucket), tls && strings.Contains(c.Bucket, "."):
		p.pathStyle = true // no host name, or one that wildcard certificates do not cover
	case c.PathStyle != nil:
		p.pathStyle = *c.PathStyle
	default:
		p.pathStyle = !p.onAWS
	}
	return nil
}

func parseEndpoint(text string) (*url.URL, error) {
	endpoint, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("endpoint is not a URL") // url.Error would repeat a password in it
	case endpoint.Scheme != "http" && endpoint.Scheme != "https":
		return nil, errors.New("endpoint must begin with https:// or http://")
	case endpoint.Host == "" || endpoint.User != nil || endpoint.RawQuery != "" || endpoint.Fragment != "":
		return nil, errors.New("endpoint must be https://HOST or https://HOST:PORT and no more")
	case strings.Trim(endpoint.Path, "/") != "":
		return nil, fmt.Errorf("endpoint must not have a path: %q belongs to bucket or prefix", endpoint.Path)
	}
	endpoint.Path = ""
	return endpoint, nil
}

// amazon says whether a host is AWS's own.
func amazon(host string) bool {
	host = "." + strings.ToLower(host)
	return strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")
}

var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{1,61})[a-z0-9]$`)

// hostName says whether a bucket's name can be the first part of a host name.
func hostName(bucket string) bool {
	return label.MatchString(bucket) && !strings.Contains(bucket, "..") && net.ParseIP(bucket) == nil
}

// String hides the secrets, so that a Config may be printed.
func (c Config) String() string {
	return fmt.Sprintf("s3://%s/%s at %s", c.Bucket, strings.Trim(c.Prefix, "/"), c.Endpoint)
}

// GoString hides the secrets from %#v.
func (c Config) GoString() string { return c.String() }
