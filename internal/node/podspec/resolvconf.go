package podspec

import (
	"bufio"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/causeway-access/causeway/internal/podrun"
)

// ResolvConf reads a file as resolv.conf(5) describes it. As there, what it does not
// know is passed over, and of several lists of names to search the last one counts.
// (dns.ClientConfigFromFile keeps three options alone, and pods get all of them.)
func ResolvConf(r io.Reader) (podrun.DNS, error) {
	var d podrun.DNS
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "nameserver":
			if ip, err := netip.ParseAddr(words[1]); err == nil && !slices.Contains(d.Servers, ip) {
				d.Servers = append(d.Servers, ip)
			}
		case "domain":
			d.Searches = words[1:2]
		case "search":
			d.Searches = words[1:]
		case "options":
			d.Options = union(d.Options, words[1:])
		}
	}
	return d, lines.Err()
}
