package ns

import (
	"fmt"
	"os"
	"strings"

	"github.com/causeway-access/causeway/internal/podrun"
)

// podFiles are those that all containers of a pod share, and where they go.
var podFiles = map[string]string{
	"resolv.conf": "/etc/resolv.conf",
	"hosts":       "/etc/hosts",
	"hostname":    "/etc/hostname",
}

// writeFiles makes them. With the node's network its own names hold, too.
func (r *Runtime) writeFiles(id string, state sandboxState) error {
	hostname := r.setup(id, state).Hostname
	content := map[string]string{
		"resolv.conf": resolvConf(state.Config.DNS),
		"hosts":       podrun.Hosts(state.Config, hostname, state.addresses()),
		"hostname":    hostname + "\n",
	}
	if len(state.Config.DNS.Servers) == 0 {
		// The node's; of a resolver on its loopback a pod would not know.
		own, err := os.ReadFile("/etc/resolv.conf")
		if err == nil {
			content["resolv.conf"] = string(own)
		}
	}
	for name, text := range content {
		if err := os.WriteFile(r.path(id, name), []byte(text), 0o644); err != nil {
			return err
		}
		if err := os.Chmod(r.path(id, name), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func resolvConf(dns podrun.DNS) string {
	var b strings.Builder
	if len(dns.Searches) > 0 {
		fmt.Fprintln(&b, "search", strings.Join(dns.Searches, " "))
	}
	for _, s := range dns.Servers {
		fmt.Fprintln(&b, "nameserver", s)
	}
	if len(dns.Options) > 0 {
		fmt.Fprintln(&b, "options", strings.Join(dns.Options, " "))
	}
	return b.String()
}
