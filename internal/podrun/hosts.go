package podrun

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
)

// Hosts is the content of a pod's /etc/hosts: its own names and those of
// HostAliases. With the node's network the node's own names hold, too.
func Hosts(config SandboxConfig, hostname string, addresses []netip.Addr) string {
	var b strings.Builder
	b.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")
	if config.HostNetwork {
		if own, err := os.ReadFile("/etc/hosts"); err == nil {
			b.Reset()
			b.Write(own)
		}
	}
	for _, a := range addresses {
		fmt.Fprintf(&b, "%s\t%s\n", a, hostname)
	}
	for _, a := range config.HostAliases {
		fmt.Fprintf(&b, "%s\t%s\n", a.IP, strings.Join(a.Names, " "))
	}
	return b.String()
}
