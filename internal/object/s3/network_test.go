package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"firn/internal/object"
)

func TestNetworkFault(t *testing.T) {
	s := &Store{secrets: []string{"hidden"}}
	for name, c := range map[string]struct {
		err    error
		again  again
		advice string
	}{
		"unknown host": {&net.DNSError{Err: "no such host", Name: "s3.example", IsNotFound: true}, never, "endpoint"},
		"DNS silent":   {&net.DNSError{Err: "i/o timeout", Name: "s3.example", IsTimeout: true}, soon, "name server"},
		"no network":   {&net.OpError{Op: "dial", Err: syscall.ENETUNREACH}, soon, "network"},
		"no route":     {&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}, soon, "network"},
		"reset":        {&url.Error{Op: "Put", URL: "http://x", Err: syscall.ECONNRESET}, soon, "broke the connection"},
		"broken off":   {fmt.Errorf("read: %w", io.ErrUnexpectedEOF), soon, "broke the connection"},
		"stalled":      {errStalled, soon, "endpoint"},
		"timeout":      {&net.OpError{Op: "dial", Err: context.DeadlineExceeded}, soon, "endpoint"},
		"anything":     {errors.New("hidden\ntrouble"), soon, "network"},
	} {
		f := s.networkFault(fmt.Errorf("outer: %w", c.err))
		if !errors.Is(f, object.ErrUnreachable) || f.again != c.again || !strings.Contains(f.advice, c.advice) {
			t.Errorf("%s: %v, again %v, advice %q", name, f, f.again, f.advice)
		}
		if strings.ContainsAny(f.Error(), "\n") || strings.Contains(f.Error(), "hidden") {
			t.Errorf("%s: %q is not fit to be shown", name, f.Error())
		}
	}
}
