package s3test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Server is what a client needs to know. The keys may do anything.
type Server struct {
	Endpoint  string `json:"endpoint"` // http://127.0.0.1:PORT
	AccessKey string `json:"access_key"`
	SecretKey string `json:"secret_key"`
	Region    string `json:"region"`
}

// Domain is where the Versity server also serves buckets in the manner of
// virtual hosts, as BUCKET.Domain, for clients that come through a proxy.
const Domain = "s3.test"

// NewBucket returns a bucket name that no test has used.
func NewBucket() string { return "firn-" + strings.ToLower(rand.Text()[:16]) }

// Process is a running server.
type Process struct {
	Server
	command *exec.Cmd
	stdin   io.Closer     // the server's; closing it ends Versity
	done    chan struct{} // closed when the process has ended
	folder  string
	own     bool // folder is ours to remove
}

// startTime bounds how long a built server may take to answer.
const startTime = 3 * time.Minute

// Run builds the server if need be and starts it on a free loopback port, with
// its data in folder, or, if folder is empty, in a temporary one that Stop
// removes. It returns when the server answers. Progress goes to log.
func Run(ctx context.Context, kind, folder string, log io.Writer) (*Process, error) {
	return RunAt(ctx, kind, loopback, folder, log)
}

const loopback = "127.0.0.1"

// RunAt is Run on a free port of another address of this machine.
func RunAt(ctx context.Context, kind, address, folder string, log io.Writer) (*Process, error) {
	program, err := Build(ctx, kind, log)
	if err != nil {
		return nil, err
	}
	own := folder == ""
	if own {
		if folder, err = os.MkdirTemp("", "firn-"+kind+"-"); err != nil {
			return nil, fmt.Errorf("make data folder: %w", err)
		}
	}
	// Another program may take the free port before the server does.
	const tries = 3
	for try := 1; ; try++ {
		p, err := launch(ctx, kind, program, address, folder)
		if err == nil {
			p.own = own
			return p, nil
		}
		if try == tries || ctx.Err() != nil {
			if own {
				err = errors.Join(err, os.RemoveAll(folder))
			}
			return nil, fmt.Errorf("start %s: %w", kind, err)
		}
	}
}

func launch(ctx context.Context, kind, program, on, folder string) (*Process, error) {
	address, err := freeAddress(on)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(folder, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return nil, err
	}
	output, err := os.Create(filepath.Join(folder, "server.log"))
	if err != nil {
		return nil, err
	}
	defer output.Close() // the server has its own copy

	p := &Process{
		Server: Server{Endpoint: "http://" + address, AccessKey: "firntest", SecretKey: rand.Text(), Region: "us-east-1"},
		done:   make(chan struct{}), folder: folder,
	}
	switch kind {
	case MinIO:
		p.command = exec.Command(program, "server", "--quiet", "--address", address, "--console-address", net.JoinHostPort(loopback, "0"), data)
		p.command.Env = append(os.Environ(), "MINIO_ROOT_USER="+p.AccessKey, "MINIO_ROOT_PASSWORD="+p.SecretKey,
			"MINIO_REGION="+p.Region, "MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CALLHOME_ENABLE=off")
	case Versity:
		p.command = exec.Command(program, "-address", address, "-folder", data, "-region", p.Region, "-domain", Domain)
		p.command.Env = append(os.Environ(), "VERSITY_ACCESS_KEY="+p.AccessKey, "VERSITY_SECRET_KEY="+p.SecretKey)
	}
	p.command.Stdout, p.command.Stderr = output, output
	p.command.SysProcAttr = dieWithParent()
	if p.stdin, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.command.Wait() // how it ended is in its log
		close(p.done)
	}()
	if err := p.await(ctx); err != nil {
		p.end()
		text, _ := os.ReadFile(output.Name())
		return nil, fmt.Errorf("%w\n%s", err, tail(text))
	}
	return p, nil
}

// await returns when the server answers requests, if only to refuse them.
func (p *Process) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		select {
		case <-p.done:
			return errors.New("server ended at once")
		case <-ctx.Done():
			return fmt.Errorf("server does not answer: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.Endpoint+"/", nil)
		if err != nil {
			return err
		}
		answer, err := client.Do(request)
		if err != nil {
			continue // not listening yet
		}
		answer.Body.Close()
		if answer.StatusCode < 500 {
			return nil
		}
	}
}

// Stop ends the server and removes its temporary folder.
func (p *Process) Stop() error {
	p.end()
	if !p.own {
		return nil
	}
	return os.RemoveAll(p.folder)
}

// end asks the server to go and makes it go if it will not.
func (p *Process) end() {
	p.stdin.Close()
	p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return
	case <-time.After(5 * time.Second):
	}
	p.command.Process.Kill()
	<-p.done
}

func freeAddress(on string) (string, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(on, "0"))
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
