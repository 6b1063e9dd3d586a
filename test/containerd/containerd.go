// Package containerd starts Debian's containerd with directories of its own,
// for tests and measurements. They run it in a network, mounts and processes of
// their own, since what it starts outlives it.
package containerd

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// State is where containerd mounts what its containers see. It is short: below
// it there are sockets.
const State = "/run/containerd-state"

// Config says where containerd has what is its own. /run and /var/lib are empty
// directories of the caller.
type Config struct {
	// Socket is where it answers.
	Socket string
	// CNIDir is where it looks for the configuration of pods' network;
	// /etc/cni/net.d if empty.
	CNIDir string
	// PauseImage is that of sandboxes. Nobody pulls it.
	PauseImage string
}

// settings of containerd. Without the right to use more resources than allowed
// (CAP_SYS_RESOURCE) it must not protect sandboxes from the kernel's hunger.
const settings = `version = 2
root = "/var/lib/containerd"
state = %q
[grpc]
address = %q
[plugins."io.containerd.internal.v1.opt"]
path = "/var/lib/containerd-opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = %q
stream_server_address = "127.0.0.1"
stream_server_port = "0"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = %q
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
`

// Command is containerd, to be started by the caller. Its settings are written
// into dir.
func Command(dir string, c Config) (*exec.Cmd, error) {
	if c.CNIDir == "" {
		c.CNIDir = "/etc/cni/net.d"
	}
	path := filepath.Join(dir, "containerd.toml")
	text := fmt.Sprintf(settings, State, c.Socket, c.PauseImage, c.CNIDir)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, err
	}
	program, err := exec.LookPath("containerd")
	if err != nil {
		return nil, fmt.Errorf("%w: install containerd, runc and containernetworking-plugins (hack/test-deps.sh)", err)
	}
	return exec.Command(program, "--config", path, "--log-level", "warn"), nil
}
