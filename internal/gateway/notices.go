package gateway

import (
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/causeway-access/causeway/internal/endpoint"
	"github.com/causeway-access/causeway/internal/route"
)

const (
	// noticesMost is how many notices of endpoints are written in a
	// noticeWindow. When a machine goes, so may thousands of endpoints, and those
	// that come and go must not fill the log.
	noticesMost  = 20
	noticeWindow = 10 * time.Second
)

// notices tells the log of endpoints that are set aside, and are back.
type notices struct {
	log *slog.Logger

	mu     sync.Mutex
	since  time.Time // begin of the window
	said   int       // in the window
	unsaid int       // since the last that was said
}

// report is for an endpoint.Picker.
func (n *notices) report(b *route.Backend, e route.Endpoint, c endpoint.Change) {
	unsaid, ok := n.admit(time.Now())
	if !ok {
		return
	}
	about := []any{strings.TrimSuffix(b.Resource.String(), "s"), nameOf(b), "address", e.String()}
	if unsaid > 0 {
		about = append(about, "unsaid", unsaid)
	}
	switch c {
	case endpoint.Unreachable:
		n.log.Warn("endpoint set aside: no connection can be made to it", about...)
	case endpoint.Frozen:
		n.log.Warn("endpoint set aside: it takes requests and answers none", about...)
	case endpoint.Back:
		n.log.Info("endpoint is back", about...)
	}
}

// admit reports whether a notice may be written, and how many before it were
// not.
func (n *notices) admit(now time.Time) (unsaid int, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.since) >= noticeWindow {
		n.since, n.said = now, 0
	}
	if n.said == noticesMost {
		n.unsaid++
		return 0, false
	}
	n.said++
	unsaid, n.unsaid = n.unsaid, 0
	return unsaid, true
}

// nameOf is a backend's name as a log has it: namespace/name:port, of which
// nodes have no namespace, and not all have a port.
func nameOf(b *route.Backend) string {
	name := b.Name
	if b.Namespace != "" {
		name = b.Namespace + "/" + name
	}
	if b.Port != "" {
		name += ":" + b.Port
	}
	return name
}
