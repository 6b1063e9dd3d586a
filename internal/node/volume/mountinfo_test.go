package volume

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const mountinfo = `22 1 0:21 / / rw,relatime - ext4 /dev/sda1 rw
30 22 0:26 / /var/lib/pods/memory rw,nosuid - tmpfs tmpfs rw
31 22 0:27 / /var/lib/pods/disk/u1/cache rw - tmpfs tmpfs rw
32 31 0:28 /x /var/lib/pods/disk/u1/cache/within rw - ext4 /dev/sda1 rw
33 31 0:28 /x /var/lib/pods/disk/u1/cache/within rw - ext4 /dev/sda1 rw
34 22 0:29 / /var/lib/pods/disk/u10/cache rw - tmpfs tmpfs rw
35 22 0:30 / /with\040space/a\134b rw - tmpfs tmpfs rw
`

func TestMountsBelowADirectory(t *testing.T) {
	for dir, want := range map[string][]string{
		"/var/lib/pods/disk/u1": {"/var/lib/pods/disk/u1/cache/within", "/var/lib/pods/disk/u1/cache/within", "/var/lib/pods/disk/u1/cache"},
		"/var/lib/pods/memory":  {"/var/lib/pods/memory"},
		"/var/lib/pods/mem":     nil,
		"/with space":           {`/with space/a\b`},
		"/elsewhere":            nil,
	} {
		if d := cmp.Diff(want, parseMounts(mountinfo, dir)); d != "" {
			t.Errorf("%s (-want +got):\n%s", dir, d)
		}
	}
}

func FuzzParseMounts(f *testing.F) {
	f.Add(mountinfo, "/var/lib/pods")
	f.Add(`1 2 3:4 / /a\`, "/")
	f.Add(`1 2 3:4 / /a\04 x`, "/a")
	f.Add("1 2 3:4 / \\057x\\000", "/x")
	f.Fuzz(func(t *testing.T, text, dir string) {
		for _, at := range parseMounts(text, dir) {
			if !strings.HasPrefix(at, strings.TrimSuffix(dir, "/")) {
				t.Errorf("%q is not below %q", at, dir)
			}
		}
	})
}
