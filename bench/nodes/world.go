package nodes

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/causeway-access/causeway/test/containerd"
)

const (
	image  = "causeway.bench/pod:1"
	socket = "/run/containerd/containerd.sock"
)

// prepare makes the machine that is measured: with an interface, and with
// empty directories where runtimes keep theirs.
func prepare(ctx context.Context) error {
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		return err
	}
	for _, tool := range []string{"ip", "containerd", "runc"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: hack/bench-deps.sh installs what is needed", err)
		}
	}
	for _, line := range []string{
		"mount --make-rprivate /",
		"mount -t proc proc /proc",
		"mount -t tmpfs -o mode=0755 tmpfs /run",
		"mount -t tmpfs -o mode=0755 tmpfs /var/lib",
		"mkdir -p /run/etc/upper /run/etc/work /run/containerd",
		"mount -t overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work overlay /etc",
		"ip link set lo up",
		"ip link add here type veth peer name there",
		"ip address add 192.0.2.10/24 dev here",
		"ip link set here up",
		"ip link set there up",
	} {
		words := strings.Fields(line)
		if text, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("prepare the machine: %s: %w: %s", line, err, text)
		}
	}
	return nil
}

// startContainerd starts it; the function that it returns ends it.
func (b *bench) startContainerd() (func() error, error) {
	cmd, err := containerd.Command(b.Dir, containerd.Config{Socket: socket, PauseImage: image})
	if err != nil {
		return nil, err
	}
	log, err := os.Create(b.Dir + "/containerd.log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b.daemon = cmd.Process.Pid
	return func() error {
		b.daemon = 0
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		return cmd.Wait()
	}, nil
}
