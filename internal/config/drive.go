package config

import "slices"

//go:generate go run ./gen

// Drive is a place where objects live, as configured or named: a bucket of an
// S3 server and a prefix in it, or a folder. The zero value of a setting means
// that it was not given. ParseDrive and Load return only drives whose settings
// are valid and fit each other.
type Drive struct {
	// Provider is the kind of drive: s3 for a bucket, local for a folder. It
	// may be left out only beside location, which says it.
	Provider string `yaml:"provider" enum:"s3,local"`

	// Label is the drive's name, unique in the file. It may hold blanks; on the
	// command line @label names the drive, with - for blanks, in any case.
	Label string `yaml:"label" required:"true"`

	// Path is the absolute path of a local drive's folder. It may begin with ~/.
	Path string `yaml:"path" for:"local"`

	// Vendor names the company or program behind the S3 server. It fills in
	// endpoint, region and addressing style as far as they are not given.
	// "custom" stands for any other and needs an endpoint. `firn drive vendors`
	// lists the names.
	Vendor string `yaml:"vendor" for:"s3"`

	// Endpoint is the server's address, https://HOST[:PORT]; {region}, {bucket}
	// and {account} stand for those settings. Without http:// or https:// it
	// means https. Empty means the vendor's, or AWS.
	Endpoint string `yaml:"endpoint" for:"s3"`

	// Account is the part of an endpoint that belongs to the customer at vendors
	// that have one: Cloudflare R2's account ID, Oracle's namespace.
	Account string `yaml:"account" for:"s3"`

	// UseTLS says false if the server speaks plain HTTP. It is for an endpoint
	// without http:// or https:// before it and must not contradict one.
	UseTLS *bool `yaml:"use_tls" for:"s3" default:"true"`

	// Bucket is the bucket's name, or the ARN of an access point.
	Bucket string `yaml:"bucket" for:"s3"`

	// Region is the bucket's region. If it is not given, it is taken from the
	// vendor, the endpoint's host name, the environment (AWS only) or the
	// server's answers, in this order.
	Region string `yaml:"region" for:"s3"`

	// Prefix stands before all names in the bucket: backups/prod keeps the
	// repository under backups/prod/.
	Prefix string `yaml:"prefix" for:"s3"`

	// BackupDirectory is another way to write the prefix: an absolute path of
	// letters, digits and slashes. /A/B is the prefix A/B.
	BackupDirectory string `yaml:"backup_directory" for:"s3"`

	// AccessKey is the ID of the access key. Without one, AWS is asked with the
	// keys that AWS programs find, and other servers with those in
	// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY unless they are AWS's.
	AccessKey Secret `yaml:"access_key" for:"s3"`
	// AccessKeyFile is a file that holds the access key ID.
	AccessKeyFile string `yaml:"access_key_file" for:"s3"`
	// AccessKeyCommand is a command that prints the access key ID.
	AccessKeyCommand Command `yaml:"access_key_command" for:"s3"`

	// SecretKey is the secret access key that belongs to the access key ID.
	SecretKey Secret `yaml:"secret_key" for:"s3"`
	// SecretKeyFile is a file that holds the secret access key.
	SecretKeyFile string `yaml:"secret_key_file" for:"s3"`
	// SecretKeyCommand is a command that prints the secret access key.
	SecretKeyCommand Command `yaml:"secret_key_command" for:"s3"`

	// SessionToken belongs to temporary keys.
	SessionToken Secret `yaml:"session_token" for:"s3"`
	// SessionTokenFile is a file that holds the session token.
	SessionTokenFile string `yaml:"session_token_file" for:"s3"`
	// SessionTokenCommand is a command that prints the session token.
	SessionTokenCommand Command `yaml:"session_token_command" for:"s3"`

	// Profile is the section of the AWS configuration files to take keys from.
	Profile string `yaml:"profile" for:"s3"`

	// RoleARN is a role to assume with the keys.
	RoleARN string `yaml:"role_arn" for:"s3"`

	// ExternalID is what the role's owner asks for besides the keys.
	ExternalID string `yaml:"external_id" for:"s3"`

	// ForcePathStyle says whether the bucket stands in the path (true) or in the
	// host name (false). If it is not given, the vendor's way is taken, else
	// host name at AWS and path elsewhere.
	ForcePathStyle *bool `yaml:"force_path_style" for:"s3"`

	// Client is the library that makes the requests.
	Client string `yaml:"client" for:"s3" enum:"aws,minio" default:"aws"`

	// StorageClass is the storage class of new data packs, such as STANDARD_IA.
	StorageClass string `yaml:"storage_class" for:"s3"`

	// StorageClasses are storage classes by the beginning of objects' names; the
	// first that matches holds, and stands before storage_class and before the
	// drive's .storageconfig.
	StorageClasses ClassRules `yaml:"storage_classes" for:"s3"`

	// SSE asks the server to encrypt new objects: with keys of its own (AES256),
	// with one of its key management service (aws:kms, aws:kms:dsse), or with one
	// that each request brings along (customer).
	SSE string `yaml:"sse" for:"s3" enum:"AES256,aws:kms,aws:kms:dsse,customer"`

	// SSEKMSKeyID is the ID of the key for aws:kms; without one, the bucket's or
	// the account's is taken.
	SSEKMSKeyID string `yaml:"sse_kms_key_id" for:"s3"`

	// SSEBucketKey asks for aws:kms with one key of the bucket, which saves requests
	// to the key management service.
	SSEBucketKey bool `yaml:"sse_bucket_key" for:"s3" default:"false"`

	// SSECustomerKey is the key for sse: customer, 32 bytes in base64. Who loses it
	// loses the backups.
	SSECustomerKey Secret `yaml:"sse_customer_key" for:"s3"`
	// SSECustomerKeyFile is a file that holds the key for sse: customer.
	SSECustomerKeyFile string `yaml:"sse_customer_key_file" for:"s3"`
	// SSECustomerKeyCommand is a command that prints the key for sse: customer.
	SSECustomerKeyCommand Command `yaml:"sse_customer_key_command" for:"s3"`

	// ObjectTags are tags of new objects, NAME=VALUE&NAME=VALUE.
	ObjectTags string `yaml:"object_tags" for:"s3"`

	// ACL is the canned access control list of new objects, such as
	// bucket-owner-full-control.
	ACL string `yaml:"acl" for:"s3"`

	// ClassOptional goes on with the server's own choice where it refuses a storage
	// class, or does not encrypt as it is asked.
	ClassOptional bool `yaml:"class_optional" for:"s3" default:"false"`

	// LocationConstraint is where the bucket is created, if that is not the region.
	LocationConstraint string `yaml:"location_constraint" for:"s3"`

	// CreateBucket creates the bucket if there is none.
	CreateBucket bool `yaml:"create_bucket" for:"s3" default:"false"`

	// VerifySSL says false if the server's certificate is not to be checked.
	VerifySSL *bool `yaml:"verify_ssl" for:"s3" default:"true"`

	// CAFile is a PEM file of authorities to trust besides the system's.
	CAFile string `yaml:"ca_file" for:"s3"`

	// ClientCert is a PEM file of the certificate to show to the server.
	ClientCert string `yaml:"client_cert" for:"s3"`
	// ClientKey is a PEM file of the key of that certificate.
	ClientKey string `yaml:"client_key" for:"s3"`

	// Proxy is the URL of the proxy to use; "none" means none. If it is not
	// given, HTTPS_PROXY, HTTP_PROXY and NO_PROXY hold.
	Proxy Secret `yaml:"proxy" for:"s3"`

	// Connections is the largest number of requests at a time.
	Connections int `yaml:"connections" min:"1" max:"512" default:"16"`

	// UploadLimit is the largest number of bytes sent per second, as 5MB or 4MiB.
	UploadLimit Rate `yaml:"upload_limit"`
	// DownloadLimit is the largest number of bytes received per second.
	DownloadLimit Rate `yaml:"download_limit"`

	// ConnectTimeout is how long setting up a connection may take.
	ConnectTimeout Duration `yaml:"connect_timeout" for:"s3" default:"15s"`
	// RequestTimeout is how long a request may take, besides moving its data.
	RequestTimeout Duration `yaml:"request_timeout" for:"s3" default:"30s"`
	// StallTimeout is how long a transfer may stand still.
	StallTimeout Duration `yaml:"stall_timeout" for:"s3" default:"30s"`
	// SlowDownTimeout is how long one call may go on being told to slow down.
	SlowDownTimeout Duration `yaml:"slow_down_timeout" for:"s3" default:"5m"`
	// MinimumRate is what a transfer must reach on average, in bytes per second.
	MinimumRate Rate `yaml:"minimum_rate" for:"s3" default:"10KB"`

	// HTTPRetries is how often a failed call is tried again.
	HTTPRetries *int `yaml:"http_retries" for:"s3" min:"0" max:"100" default:"3"`

	// ReadOnly allows restoring and listing only; every writing command is
	// refused. It is needed where another owner holds the directory.
	ReadOnly bool `yaml:"read_only" default:"false"`

	// Trust is which hosts' chunks a backup builds on, and a prune takes for
	// copies of others: all hosts', vetted ones (its own, and what 'firn check --vet'
	// found right), or only its own.
	Trust string `yaml:"trust" enum:"own,vetted,all" default:"all"`

	// Owner is the account the drive belongs to.
	Owner string `yaml:"owner"`

	// Exclusive lets only the host that claimed the directory write to it.
	Exclusive bool `yaml:"exclusive" default:"false"`

	// Passphrase opens the repository.
	Passphrase Secret `yaml:"passphrase"`
	// PassphraseFile is a file that holds the passphrase.
	PassphraseFile string `yaml:"passphrase_file"`
	// PassphraseCommand is a command that prints the passphrase.
	PassphraseCommand Command `yaml:"passphrase_command"`

	// KeyFile is the file of the key that opens the repository.
	KeyFile string `yaml:"key_file"`

	// warnings are what deserves attention in how the drive was written.
	warnings []Warning

	// written are the values with variables in them, by setting, of a draft.
	written map[string]string
}

// The providers.
const (
	S3    = "s3"
	Local = "local"
)

// Warning is something that works and is better done otherwise.
type Warning struct {
	Key    string // the setting it is about, "" if about none in particular
	Text   string
	Advice string // what to do, "" if Text says it
}

// String is the warning on one line.
func (w Warning) String() string {
	text := w.Text
	if w.Key != "" {
		text = w.Key + ": " + text
	}
	if w.Advice != "" {
		text += ": " + w.Advice
	}
	return text
}

// Warnings returns what deserves attention in how the drive was written and in
// its settings, without secrets.
func (d *Drive) Warnings() []Warning {
	return slices.Concat(d.warnings, d.settingWarnings(), d.keyWarnings())
}

// String names the drive for a person, without secrets: its label, if it has
// one, and where it is.
func (d Drive) String() string {
	if d.Label == "" {
		return d.address()
	}
	return "@" + LabelName(d.Label) + " (" + d.address() + ")"
}

// address is the short form of where the drive is.
func (d *Drive) address() string {
	if d.Provider == Local {
		return d.Path
	}
	text := "s3://" + d.Bucket
	if prefix := d.KeyPrefix(); prefix != "" {
		text += "/" + prefix
	}
	switch {
	case d.Endpoint != "":
		text += " at " + d.Endpoint
	case d.Vendor != "":
		text += " at " + d.Vendor
	}
	return text
}
