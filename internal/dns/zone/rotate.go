package zone

import (
	"math/rand/v2"

	"github.com/miekg/dns"
)

// rotate returns the records from a random one on, so that clients which take
// the first spread over all.
func rotate(records []dns.RR) []dns.RR {
	if len(records) < 2 {
		return records
	}
	from := rand.IntN(len(records))
	turned := make([]dns.RR, 0, len(records))
	return append(append(turned, records[from:]...), records[:from]...)
}
