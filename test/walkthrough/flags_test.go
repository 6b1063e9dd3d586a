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
		{"--service-cidr 10.96.0.0", 2, []string{"--service-cidr", "10.96.0.0"}},
		{"--service-cidr 10.96.0.0/33", 2, []string{"--service-cidr", "10.96.0.0/33"}},
		{"--service-cidr 10.96.0.1/16", 2, []string{"--service-cidr", "10.96.0.1/16", "did you mean 10.96.0.0/16?"}},
		{"--service-cidr 10.96.0.0/30", 2, []string{"--service-cidr", "fewer than 16 addresses"}},
		{"--service-node-port-range 32767-30000", 2, []string{"--service-node-port-range", "32767-30000"}},
		{"--pod-cidr ten", 2, []string{"--pod-cidr", "ten"}},
		{"--service-cidr 10.96.0.0/16 --pod-cidr 10.96.128.0/24", 2, []string{"--service-cidr 10.96.0.0/16", "--pod-cidr 10.96.128.0/24", "overlap"}},
		{"--pod-cidr 10.0.0.0/8", 2, []string{"--service-cidr 10.96.0.0/16", "--pod-cidr 10.0.0.0/8", "overlap"}},
		{"--advertise-address here", 2, []string{"--advertise-address", "here"}},
		{"--allow-endpoint-cidr 127.0.0.1", 2, []string{"--allow-endpoint-cidr", "127.0.0.1"}},
		{"--allow-endpoint-cidr 127.0.0.0/8,10.0.0.0/8", 2, []string{"--allow-endpoint-cidr 10.0.0.0/8", "within 127.0.0.0/8", "causeway up --help"}},
		{"--listen 127.0.0.1", 2, []string{"--listen", "127.0.0.1", "HOST:PORT"}},
		{"--listen 127.0.0.1:65536", 2, []string{"--listen", "65536"}},
		{"--max-header-bytes 100", 2, []string{"--max-header-bytes 100", "at least 4096"}},
		{"--shutdown-grace-period -1s", 2, []string{"--shutdown-grace-period -1s"}},
		{"--http2-max-streams-per-connection -1", 2, []string{"--http2-max-streams-per-connection -1"}},
		{"--htpasswd-file nothere", 1, []string{"--htpasswd-file", "nothere", "no such file"}},
		{"--htpasswd-groups-file nothere", 1, []string{"--htpasswd-groups-file", "nothere"}},
		{"--token-auth-file nothere", 1, []string{"--token-auth-file", "nothere"}},
		{"--authentication-config nothere", 1, []string{"--authentication-config", "nothere"}},
		{"--audit-policy-file nothere", 1, []string{"--audit-policy-file", "nothere"}},
		{"--tracing-config-file nothere", 1, []string{"--tracing-config-file", "nothere"}},
	} {
		t.Run(test.flags, func(t *testing.T) {
			refuses(t, h.up(strings.Fields(test.flags)...), test.status, test.want...)
			if _, err := os.Stat(h.data()); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the data directory was made: %v", err)
			}
		})
	}
}
