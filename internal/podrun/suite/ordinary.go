package suite

import (
	"errors"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/podrun"
)

// testOrdinary is testSecurity for the runtime of an ordinary user: there is
// no other one in its pods, and limits are not what stops a program.
func testOrdinary(t *testing.T, p *pod) {
	number := int64(12345)
	for _, test := range []struct {
		name     string
		security podrun.Security
	}{
		{"user", podrun.Security{User: &number}},
		{"group", podrun.Security{Group: &number}},
		{"supplementary group", podrun.Security{Groups: []int64{number}}},
	} {
		id := p.create("true", func(c *podrun.ContainerConfig) { c.Security = test.security })
		err := p.StartContainer(t.Context(), id)
		if !errors.Is(err, podrun.ErrCannotStart) || !strings.Contains(err.Error(), "12345: the node's agent runs as an ordinary user") {
			t.Errorf("another %s: %v, want ErrCannotStart", test.name, err)
		}
	}
	const status = `awk '/^(Uid|CapBnd|NoNewPrivs|Seccomp):/ {print $1, $2}' /proc/self/status`
	got := p.run(status, func(c *podrun.ContainerConfig) {
		c.Security = podrun.Security{NoNewPrivileges: true, DropCapabilities: []string{"ALL"}, AddCapabilities: []string{"CHOWN"}}
	})
	contains(t, "of few rights", got, "Uid: 0\n", "CapBnd: 0000000000000001", "NoNewPrivs: 1", "Seccomp: 2")
	got = p.run(`mount -t tmpfs none /mnt 2>/dev/null || echo no mount; unshare -U true 2>/dev/null || echo no namespace`)
	contains(t, "what root of a pod must not", got, "no mount\n", "no namespace\n")
	got = p.run(`for f in /x /etc/x /usr/x /var/x; do touch $f 2>/dev/null || echo fixed; done; touch /dev/shm/x && echo memory`,
		func(c *podrun.ContainerConfig) { c.Security.ReadOnlyRoot = true })
	equal(t, "a read-only root", got, "fixed\nfixed\nfixed\nfixed\nmemory\n")
	got = p.run("mount -t tmpfs none /mnt && echo mounted", func(c *podrun.ContainerConfig) { c.Security.Privileged = true })
	equal(t, "a privileged container", got, "mounted\n")
	got = p.run("rm /etc/passwd; test -e /etc/passwd || echo removed; touch /etc/made && echo made; touch /usr/share/doc/x 2>/dev/null || echo not his")
	equal(t, "files of the image", got, "removed\nmade\nnot his\n")
	equal(t, "files of the image for the next", p.run("test -s /etc/passwd && test ! -e /etc/made && echo as they were"), "as they were\n")
	p.run("echo no limits hold", func(c *podrun.ContainerConfig) {
		c.Resources = podrun.Resources{MilliCPU: 100, CPUShares: 102, Memory: 64 << 20, Processes: 5}
	})
}
