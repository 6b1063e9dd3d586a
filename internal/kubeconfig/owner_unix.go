//go:build unix

package kubeconfig

import (
	"os"
	"syscall"
)

// keepOwner gives temp the owner of path, if path exists and belongs to
// somebody else: root running with a user's home must not take the file away.
func keepOwner(path, temp string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) == os.Geteuid() {
		return nil
	}
	return os.Chown(temp, int(stat.Uid), int(stat.Gid))
}
