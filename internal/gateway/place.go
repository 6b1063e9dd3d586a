package gateway

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"github.com/causeway-access/causeway/internal/rewrite"
	"github.com/causeway-access/causeway/internal/route"
)

// placeOf says where the client sees the target: below its prefix, or, by the
// word of the local proxy in front of him, at the root of an origin of its own.
//
// To believe that word is safe. Without the prefix's rules an answer may set
// cookies and register workers for all of the origin that it is shown under,
// which must not be the API's. But a page cannot have its browser send the
// header, so that no browser gets such an answer from here directly; whoever
// can send it can read the answer and do with it what he likes. The word is
// taken only for a local name, and only for that of this very target, so that
// it gives no target a Host that is another's. It grants no right: the request
// is authenticated and authorised as any other.
func placeOf(r *http.Request, t *route.Target) rewrite.Origin {
	if values := r.Header[route.OwnOriginHeader]; len(values) > 0 {
		delete(r.Header, route.OwnOriginHeader)
		if host, ok := ownHost(values, t); ok {
			place := rewrite.Origin{Client: remoteHost(r), Host: host, Proto: "http", URI: cmp.Or(t.Path, "/")}
			if t.Query != "" || r.URL.ForceQuery {
				place.URI += "?" + t.Query
			}
			return place
		}
	}
	return rewrite.Origin{Client: remoteHost(r), Host: r.Host, Proto: proto(r), URI: uri(r), Prefix: t.Prefix}
}

// ownHost returns host and port of the origin that the target is given, if it
// is one that the target can have.
func ownHost(values []string, t *route.Target) (string, bool) {
	host, ok := strings.CutPrefix(values[0], "http://")
	name, port, hasPort := strings.Cut(host, ":")
	if _, err := strconv.ParseUint(port, 10, 16); !ok || len(values) > 1 || hasPort && err != nil {
		return "", false
	}
	named, ok := route.ParseLocalName(name)
	return host, ok && named.Resource == t.Resource && named.Namespace == t.Namespace && named.Segment == t.Segment
}

// admitOwnOrigin tells whoever asks on the way to the API, a local proxy, that
// this gateway knows what the header means.
func admitOwnOrigin(w http.ResponseWriter, r *http.Request) {
	if _, asked := r.Header[route.OwnOriginHeader]; asked {
		delete(r.Header, route.OwnOriginHeader)
		w.Header().Set(route.OwnOriginHeader, "known")
	}
}

// rulesFor says how URLs in the response of a backend are to be changed.
func rulesFor(place *rewrite.Origin, backend string) *rewrite.Rules {
	return &rewrite.Rules{Prefix: place.Prefix, Root: place.Prefix == "", ClientHost: place.Host, BackendHost: backend, ClientProto: place.Proto}
}
