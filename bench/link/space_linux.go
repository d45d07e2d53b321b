package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// The two ends, of addresses that are meant for measurements (RFC 2544).
var (
	nearAddress = netip.MustParseAddr("198.18.0.1")
	farAddress  = netip.MustParseAddr("198.18.0.2")
	linkMask    = netip.MustParseAddr("255.255.255.252")
)

// apart prepares a command to run in a network of its own, which needs no rights
// where users may make such, and root's elsewhere.
func apart(command *exec.Cmd) {
	attributes := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Getuid() != 0 {
		attributes.Cloneflags |= syscall.CLONE_NEWUSER
		attributes.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	command.SysProcAttr = attributes
}

// space is a network of its own, in which commands are run.
type space struct {
	work chan func()
}

// newSpace makes a network for commands, besides the one this process is in.
func newSpace() (*space, error) {
	s := &space{work: make(chan func())}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the network
		made <- unix.Unshare(unix.CLONE_NEWNET)
		for do := range s.work {
			do()
		}
	}()
	if err := <-made; err != nil {
		return nil, fmt.Errorf("make network: %w", err)
	}
	return s, nil
}

// do calls f in the space's network, in which also the commands that it starts are.
func (s *space) do(f func() error) error {
	done := make(chan error)
	s.work <- func() { done <- f() }
	return <-done
}

// close ends the use of the space.
func (s *space) close() { close(s.work) }

// openEnd makes one end of a link in the network of the calling thread: an interface whose
// packets the file returned gives and takes.
func openEnd(address netip.Addr, congestion string) (*os.File, error) {
	if err := setTCP(congestion); err != nil {
		return nil, fmt.Errorf("set up TCP: %w", err)
	}
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("set up interfaces: %w", err)
	}
	defer unix.Close(socket) //nolint:errcheck // nothing was written to it
	if err := raise(socket, "lo"); err != nil {
		return nil, err
	}
	const name = "link0"
	end, err := openTunnel(name)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(
		setAddress(socket, name, unix.SIOCSIFADDR, address), setAddress(socket, name, unix.SIOCSIFNETMASK, linkMask),
		setQueue(socket, name), raise(socket, name),
	); err != nil {
		return nil, errors.Join(err, end.Close())
	}
	return end, nil
}

// setTCP chooses how the thread's network sends; "" leaves it at what the system does.
func setTCP(congestion string) error {
	const settings = "/proc/sys/net/ipv4/"
	if congestion != "" {
		if err := os.WriteFile(settings+"tcp_congestion_control", []byte(congestion), 0); err != nil {
			return fmt.Errorf("%w (the system may have to allow it first: %stcp_allowed_congestion_control)", err, settings)
		}
	}
	return os.WriteFile(settings+"tcp_no_metrics_save", []byte("1"), 0) // runs shall not learn from one another
}

// openTunnel makes an interface. Packets of several segments stay whole, as in a network card.
func openTunnel(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err == nil {
		err = unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, unix.TUN_F_CSUM|unix.TUN_F_TSO4)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make interface: %w", err), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), name), nil
}

func setAddress(socket int, name string, what uint, address netip.Addr) error {
	request, err := unix.NewIfreq(name)
	if err == nil {
		err = request.SetInet4Addr(address.AsSlice())
	}
	if err == nil {
		err = unix.IoctlIfreq(socket, what, request)
	}
	if err != nil {
		return fmt.Errorf("set address of %s: %w", name, err)
	}
	return nil
}

// interfaceQueue is how many packets wait at an end for the line to take them: what is
// lost shall be lost on the line.
const interfaceQueue = 20000

func setQueue(socket int, name string) error {
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint32(interfaceQueue)
		err = unix.IoctlIfreq(socket, unix.SIOCSIFTXQLEN, request)
	}
	if err != nil {
		return fmt.Errorf("set queue of %s: %w", name, err)
	}
	return nil
}

func raise(socket int, name string) error {
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
		err = unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request)
	}
	if err != nil {
		return fmt.Errorf("raise %s: %w", name, err)
	}
	return nil
}
