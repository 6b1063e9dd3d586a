package walkthrough

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestUpRefusesACommandLineBeforeItWritesAnything(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for _, test := range []struct {
		flags  string
		status int
		want   []string
	}{
		{"--data-dri d", 2, []string{"unknown flag: --data-dri", "causeway up --help"}},
		{"--service-account-token-secrets=perhaps", 2, []string{"--service-account-token-secrets", "perhaps"}},
		{"--output xml", 2, []string{`"xml"`, "json or yaml"}},
		{"--service-cidr 10.96.0.0", 1, []string{"--service-cidr", "10.96.0.0"}},
		{"--service-cidr 10.96.0.0/33", 1, []string{"--service-cidr", "10.96.0.0/33"}},
		{"--service-cidr 10.96.0.1/16", 1, []string{"--service-cidr", "10.96.0.1/16", "did you mean 10.96.0.0/16?"}},
		{"--service-cidr 10.96.0.0/30", 1, []string{"--service-cidr", "fewer than 16 addresses"}},
		{"--pod-cidr ten", 1, []string{"--pod-cidr", "ten"}},
		{"--service-cidr 10.96.0.0/16 --pod-cidr 10.96.128.0/24", 1, []string{"--service-cidr 10.96.0.0/16", "--pod-cidr 10.96.128.0/24", "overlap"}},
		{"--pod-cidr 10.0.0.0/8", 1, []string{"--service-cidr 10.96.0.0/16", "--pod-cidr 10.0.0.0/8", "overlap"}},
		{"--advertise-address here", 1, []string{"--advertise-address", "here"}},
		{"--allow-endpoint-cidr 127.0.0.1", 1, []string{"--allow-endpoint-cidr", "127.0.0.1"}},
		{"--listen 127.0.0.1", 1, []string{"--listen", "127.0.0.1", "HOST:PORT"}},
		{"--listen 127.0.0.1:65536", 1, []string{"--listen", "65536"}},
		{"--htpasswd-file nothere", 1, []string{"--htpasswd-file", "nothere", "no such file"}},
		{"--htpasswd-groups-file nothere", 1, []string{"--htpasswd-groups-file", "nothere"}},
		{"--token-auth-file nothere", 1, []string{"--token-auth-file", "nothere"}},
		{"--authentication-config nothere", 1, []string{"--authentication-config", "nothere"}},
		{"--audit-policy-file nothere", 1, []string{"--audit-policy-file", "nothere"}},
	} {
		t.Run(test.flags, func(t *testing.T) {
			refuses(t, h.up(strings.Fields(test.flags)...), test.status, test.want...)
			if _, err := os.Stat(h.data()); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the data directory was made: %v", err)
			}
		})
	}
}
