package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/causeway-access/causeway/bench/namespaces"
)

// Command is the argument by which this program measures inside the network
// that Run has made; main calls Inside then.
const Command = "inside-a-network"

// backendAddress is one that is not loopback, which a slice of endpoints may
// have (RFC 5737).
const backendAddress = "192.0.2.10"

// Run measures in a network of its own, where all ports are free and no local
// port waits, in a process of its own. It needs root, or user namespaces.
func Run(ctx context.Context, o Options) ([]Figure, error) {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGTERM, Setsid: true}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	var figures []Figure
	err := namespaces.Run(ctx, Command, attr, o, &figures)
	return figures, err
}

// Inside reads options, measures and writes figures, as Run expects of it.
func Inside(ctx context.Context, in io.Reader, out io.Writer) error {
	var o Options
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return fmt.Errorf("read the options: %w", err)
	}
	// Where Debian has servers, and users do not look.
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		return err
	}
	for _, tool := range []string{"ip", "cc", "nginx", "haproxy", "wrk", "h2load"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: hack/bench-deps.sh installs what is needed", err)
		}
	}
	if err := prefer(o.Nice); err != nil {
		return err
	}
	for _, line := range []string{
		"ip link set lo up",
		"ip link add here type veth peer name there",
		"ip address add " + backendAddress + "/24 dev here",
		"ip link set here up",
		"ip link set there up",
	} {
		words := strings.Fields(line)
		if text, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("prepare the network: %s: %w: %s", line, err, text)
		}
	}
	figures, err := measure(ctx, o)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(figures)
}

// prefer sets how this process and those it starts are scheduled beside
// others: those of another session by the nice value of the session's group
// (sched(7), autogroup).
func prefer(nice int) error {
	if nice == 0 {
		return nil
	}
	if err := os.WriteFile("/proc/self/autogroup", []byte(strconv.Itoa(nice)), 0); err != nil {
		return fmt.Errorf("set the priority of the session: %w", err)
	}
	return nil
}
