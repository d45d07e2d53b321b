package s3

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"firn/internal/object"
)

// again says whether a failed attempt may be followed by another.
type again int

const (
	never  again = iota
	soon         // counts against MaxRetries
	slowly       // the server asks for less; has a budget of time of its own
)

// rule says what an S3 error means.
type rule struct {
	is     error // sentinel; nil where none applies
	again  again
	what   string // what failed, where the sentinel's words do not fit
	advice string
}

// fault is an attempt's failure, understood.
type fault struct {
	rule
	detail string // what was said or seen
	bare   bool   // detail says it all, without the sentinel's words
}

func (f *fault) Error() string {
	switch {
	case f.bare, f.is == nil && f.what == "":
		return f.detail
	}
	what := f.what
	if what == "" {
		what = f.is.Error()
	}
	if f.detail == "" {
		return what
	}
	return what + ": " + f.detail
}

// wrongAnswer is an answer that cannot be right. It says nothing about what the
// drive holds, so that it counts as not reached.
func wrongAnswer(detail string) *fault {
	return &fault{
		rule:   rule{is: object.ErrUnreachable, again: soon, advice: "a proxy or a server that is not S3 may have answered: check endpoint"},
		detail: "wrong answer: " + detail,
		bare:   true,
	}
}

// Unwrap returns the sentinel.
func (f *fault) Unwrap() error { return f.is }

// errCondition is the answer 412; Put says what it means.
var errCondition = fmt.Errorf("condition does not hold")

const (
	adviceBucket = "check bucket, region and endpoint, or create the bucket"
	adviceKey    = "check access_key, and that endpoint is the provider's who issued it"
	adviceSecret = "check secret_key for missing characters, blanks or quotes, and region"
	adviceToken  = "get fresh temporary credentials, and give access key, secret key and session token of one set"
	adviceAccess = "the keys lack a permission on this bucket and prefix, or the bucket is somebody else's: look at the policy of their user and of the bucket"
	adviceClock  = "set this machine's clock, with NTP for example"
	adviceRegion = "set region to the bucket's own"
	adviceLoad   = "the server is overloaded or limits requests: use fewer connections, or try later"
	adviceLater  = "the server has trouble: try later"
	adviceFull   = "make room or raise the quota at the provider"
	adviceName   = "the bucket's name is taken, possibly by somebody else: choose another"
	adviceClass  = "choose a storage_class that this provider has"
	adviceThaw   = "thaw it first: 'firn thaw', or --thaw"
	adviceLocked = "Object Lock holds this object until its retention ends"
	adviceLock   = "retention needs a bucket with Object Lock enabled"
	adviceTree   = "this server keeps objects as files and cannot hold both a and a/b"
	adviceToPath = "this server wants the bucket in the path: say force_path_style: true"
	adviceToHost = "this server wants the bucket in the host's name: say force_path_style: false"
	adviceBytes  = "a proxy or faulty memory may change bytes on the way: check the network and use https"
)

// byCode is what S3's error codes mean: AWS's list of error responses, and
// what MinIO, Versity, Ceph and others say instead.
var byCode = map[string]rule{
	"NoSuchKey":             {is: object.ErrNotFound},
	"NoSuchVersion":         {is: object.ErrNotFound},
	"NoSuchBucket":          {is: object.ErrNoBucket, what: "bucket does not exist", advice: adviceBucket},
	"InvalidBucketName":     {is: object.ErrNoBucket, what: "the bucket cannot have this name", advice: "bucket names have 3 to 63 characters of a-z, 0-9, - and ."},
	"BucketAlreadyExists":   {is: object.ErrExists, what: "the bucket cannot be created", advice: adviceName},
	"BucketNameUnavailable": {is: object.ErrExists, what: "the bucket cannot be created", advice: adviceName},
	"TooManyBuckets":        {is: object.ErrFull, what: "the bucket cannot be created", advice: "delete a bucket or raise the account's limit"},
	"InvalidAccessKeyId":    {is: object.ErrCredentials, advice: adviceKey},
	"XAdminUserNotFound":    {is: object.ErrCredentials, advice: adviceKey}, // Versity, with status 404
	"InvalidSecurity":       {is: object.ErrCredentials, advice: adviceKey},
	"NotSignedUp":           {is: object.ErrCredentials, advice: "this account has not been enabled for S3: enable it at the provider"},
	"SignatureDoesNotMatch": {is: object.ErrCredentials, advice: adviceSecret},
	"ExpiredToken":          {is: object.ErrCredentials, what: "the session token has expired", advice: adviceToken},
	"ExpiredTokenException": {is: object.ErrCredentials, what: "the session token has expired", advice: adviceToken},
	"InvalidToken":          {is: object.ErrCredentials, advice: adviceToken},
	"TokenRefreshRequired":  {is: object.ErrCredentials, what: "the session token has expired", advice: adviceToken},
	"RequestTimeTooSkewed":  {is: object.ErrCredentials, what: "the clocks differ", advice: adviceClock},
	"RequestExpired":        {is: object.ErrCredentials, what: "the clocks differ", advice: adviceClock},
	"AccessDenied":          {is: object.ErrAccess, advice: adviceAccess},
	"AccessDeniedException": {is: object.ErrAccess, advice: adviceAccess},
	"Forbidden":             {is: object.ErrAccess, advice: adviceAccess},
	"Unauthorized":          {is: object.ErrAccess, advice: adviceAccess},
	"AllAccessDisabled":     {is: object.ErrAccess, advice: "the provider has disabled this bucket: ask its support"},
	"AccountProblem":        {is: object.ErrAccess, advice: "the provider has suspended this account: ask its support"},
	"UserSuspended":         {is: object.ErrAccess, advice: "the provider has suspended this account: ask its support"},
	"ObjectLocked":          {is: object.ErrAccess, advice: adviceLocked},
	"InvalidObjectState":    {is: object.ErrFrozen, advice: adviceThaw},
	// The same of the source of a copy.
	"ObjectNotInActiveTierError": {is: object.ErrFrozen, advice: adviceThaw},
	// With status 503, but not a request to slow down: it can last for hours.
	"GlacierExpeditedRetrievalNotAvailable": {is: object.ErrNoCapacity, advice: "ask for the standard tier, or try again later"},

	"PreconditionFailed": {is: errCondition},
	"InvalidRange":       {is: object.ErrShort},
	"EntityTooLarge":     {is: object.ErrTooLarge},
	// Versity says so, too, when a neighbour's deletion takes the folder away from under a Put.
	"ExistingObjectIsDirectory": {is: object.ErrName, again: soon, advice: adviceTree},
	"ObjectParentIsFile":        {is: object.ErrName, advice: adviceTree},
	"KeyTooLongError":           {is: object.ErrName},
	"KeyTooLong":                {is: object.ErrName},
	"XMinioInvalidObjectName":   {is: object.ErrName},

	"PermanentRedirect":                  {advice: adviceRegion},
	"AuthorizationHeaderMalformed":       {advice: adviceRegion},
	"IllegalLocationConstraintException": {advice: adviceRegion},
	"InvalidLocationConstraint":          {advice: adviceRegion},
	"InvalidRegion":                      {advice: adviceRegion},
	"SecondLevelDomainForbidden":         {what: "wrong addressing style", advice: adviceToHost}, // Alibaba
	"PathStyleDomainForbidden":           {what: "wrong addressing style", advice: adviceToHost}, // Tencent
	"VirtualHostDomainRequired":          {what: "wrong addressing style", advice: adviceToHost}, // Huawei
	"InvalidStorageClass":                {is: object.ErrUnsupported, advice: adviceClass},
	"NotImplemented":                     {is: object.ErrUnsupported},
	"MethodNotAllowed":                   {is: object.ErrUnsupported},

	"QuotaExceeded":                  {is: object.ErrFull, advice: adviceFull},
	"QuotaExceededException":         {is: object.ErrFull, advice: adviceFull},
	"InsufficientStorage":            {is: object.ErrFull, advice: adviceFull},
	"XMinioStorageFull":              {is: object.ErrFull, advice: adviceFull},
	"XMinioAdminBucketQuotaExceeded": {is: object.ErrFull, advice: adviceFull},
	"StorageQuotaExceeded":           {is: object.ErrFull, advice: adviceFull},

	"BadDigest":                   {is: object.ErrCorrupt, again: soon, advice: adviceBytes},
	"InvalidDigest":               {is: object.ErrCorrupt, again: soon, advice: adviceBytes},
	"XAmzContentSHA256Mismatch":   {is: object.ErrCorrupt, again: soon, advice: adviceBytes},
	"XAmzContentChecksumMismatch": {is: object.ErrCorrupt, again: soon, advice: adviceBytes},
	"IncompleteBody":              {is: object.ErrUnreachable, again: soon, advice: adviceBytes},

	"InternalError":              {is: object.ErrUnreachable, again: soon, what: "the server has failed", advice: adviceLater},
	"RequestTimeout":             {is: object.ErrUnreachable, again: soon, advice: "the connection is too slow: use fewer connections"},
	"TemporaryRedirect":          {is: object.ErrUnreachable, again: soon, advice: "a new bucket is not known everywhere yet: try later, or check region"},
	"ConditionalRequestConflict": {is: object.ErrUnreachable, again: soon, advice: adviceLater},
	"OperationAborted":           {is: object.ErrUnreachable, again: soon, advice: adviceLater},
	"XMinioServerNotInitialized": {is: object.ErrUnreachable, again: soon, advice: adviceLater},
	"SlowDown":                   {is: object.ErrUnreachable, again: slowly, what: "the server asks to slow down", advice: adviceLoad},
	"SlowDownRead":               {is: object.ErrUnreachable, again: slowly, what: "the server asks to slow down", advice: adviceLoad},
	"SlowDownWrite":              {is: object.ErrUnreachable, again: slowly, what: "the server asks to slow down", advice: adviceLoad},
	"ServiceUnavailable":         {is: object.ErrUnreachable, again: slowly, what: "the server asks to slow down", advice: adviceLoad},
	"Throttling":                 {is: object.ErrUnreachable, again: slowly, what: "the server asks to slow down", advice: adviceLoad},
	"ThrottlingException":        {is: object.ErrUnreachable, again: slowly, what: "the server asks to slow down", advice: adviceLoad},
	"RequestLimitExceeded":       {is: object.ErrUnreachable, again: slowly, what: "the server asks to slow down", advice: adviceLoad},
	"TooManyRequests":            {is: object.ErrUnreachable, again: slowly, what: "the server asks to slow down", advice: adviceLoad},
	"RequestThrottled":           {is: object.ErrUnreachable, again: slowly, what: "the server asks to slow down", advice: adviceLoad},
	"BandwidthLimitExceeded":     {is: object.ErrUnreachable, again: slowly, what: "the server asks to slow down", advice: adviceLoad},
}

// byStatus is what an answer without a known code means.
var byStatus = map[int]rule{
	http.StatusMovedPermanently:             {advice: adviceRegion},
	http.StatusFound:                        {advice: adviceRegion},
	http.StatusPermanentRedirect:            {advice: adviceRegion},
	http.StatusTemporaryRedirect:            {is: object.ErrUnreachable, again: soon, advice: byCode["TemporaryRedirect"].advice},
	http.StatusUnauthorized:                 {is: object.ErrCredentials, advice: adviceKey},
	http.StatusForbidden:                    {is: object.ErrAccess, advice: adviceAccess},
	http.StatusMethodNotAllowed:             {is: object.ErrUnsupported},
	http.StatusProxyAuthRequired:            {is: object.ErrUnreachable, what: "the proxy does not let requests through", advice: "the proxy wants a name and a password: give them in the proxy's URL"},
	http.StatusRequestTimeout:               byCode["RequestTimeout"],
	http.StatusPreconditionFailed:           {is: errCondition},
	http.StatusRequestEntityTooLarge:        {is: object.ErrTooLarge, advice: "a proxy may limit the size of uploads"},
	http.StatusRequestedRangeNotSatisfiable: {is: object.ErrShort},
	http.StatusTooManyRequests:              byCode["SlowDown"],
	http.StatusNotImplemented:               {is: object.ErrUnsupported},
	http.StatusServiceUnavailable:           byCode["SlowDown"],
	http.StatusInsufficientStorage:          {is: object.ErrFull, advice: adviceFull},
}

// answerFault explains an error answer of the server.
func (s *Store) answerFault(op string, x *exchange) *fault {
	r, known := byCode[x.code]
	if !known {
		r, known = byStatus[x.status]
	}
	if x.code == "" {
		switch x.status {
		case http.StatusNotFound:
			if x.message != "" {
				return wrongAnswer("404: " + s.scrub(x.message)) // some page; S3 gives codes
			}
			r = byCode["NoSuchKey"] // the answer to HEAD has no body
		case http.StatusConflict:
			r = byCode["OperationAborted"]
		}
	}
	if !known && x.status >= 500 {
		r = byCode["InternalError"]
	}
	f := &fault{rule: r, detail: strings.TrimSpace(fmt.Sprintf("%d %s", x.status, x.code))}
	if x.message != "" {
		f.detail += ": " + s.scrub(x.message)
	}
	if s.advice != nil && x.code != "" {
		if own := s.advice(x.code); own != "" {
			f.advice = own
		}
	}
	switch {
	case x.code == "NoSuchBucket" && x.named != "" && x.named != s.bucket:
		f.what, f.detail = "wrong addressing style", fmt.Sprintf("%d %s: the server took %q for the bucket", x.status, x.code, oneLine(x.named, 63))
		f.advice = adviceToHost
		if s.inHost {
			f.advice = adviceToPath
		}
	case op == opDelete && x.code == "InvalidRequest":
		f.is, f.advice = object.ErrAccess, adviceLocked // MinIO on a locked object
	case op == opList && x.status == http.StatusNotFound && x.code == "":
		f.rule = byCode["NoSuchBucket"]
	case r.advice == adviceRegion && x.region != "":
		f.advice = fmt.Sprintf("the bucket is in region %q: set region to that", oneLine(x.region, 40))
		f.what = "wrong region"
	case r.advice == adviceRegion:
		f.what = "wrong region or endpoint"
	case r.advice == adviceClock:
		if now, ok := s.ServerTime(); ok {
			f.advice = fmt.Sprintf("the clocks differ by %v: %s", time.Until(now).Abs().Round(time.Second), adviceClock)
		}
	case x.status == http.StatusBadRequest && x.code == "" && strings.Contains(strings.ToUpper(x.message), "HTTPS"):
		f.what, f.advice = "the server speaks TLS", "this port speaks HTTPS: write https:// in endpoint"
	}
	return f
}
