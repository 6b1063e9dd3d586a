//go:build linux

package pod

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
)

func TestEnvironment(t *testing.T) {
	const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, test := range []struct {
		name      string
		env, want []string
	}{
		{"defaults", nil, []string{path, "HOME=/home/x"}},
		{"the last stands", []string{"A=1", "B=2", "A=3", "AB=4"}, []string{"B=2", "A=3", "AB=4", path, "HOME=/home/x"}},
		{"what is empty is said", []string{"PATH=", "HOME=/"}, []string{"PATH=", "HOME=/"}},
	} {
		p := &program{spec: &wire.Container{Env: test.env}}
		if diff := cmp.Diff(test.want, p.environment(account{home: "/home/x"})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestCapabilities(t *testing.T) {
	for _, test := range []struct {
		name      string
		add, drop []string
		want      []string
	}{
		{"none but one", []string{"CAP_NET_ADMIN"}, []string{"all"}, []string{"NET_ADMIN"}},
		{"of the usual", nil, []string{"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"},
			[]string{"NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}},
		{"dropped and added is added", []string{"CHOWN"}, []string{"ALL", "CHOWN"}, []string{"CHOWN"}},
	} {
		got, err := capabilities(podrun.Security{AddCapabilities: test.add, DropCapabilities: test.drop})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	all, err := capabilities(podrun.Security{AddCapabilities: []string{"ALL"}, DropCapabilities: []string{"SYS_ADMIN"}})
	if err != nil || len(all) != len(names)-1 {
		t.Errorf("all but one: %v, %v", all, err)
	}
}
