package podstreams

import (
	"net/http"
	"net/url"

	"k8s.io/apimachinery/pkg/util/proxy"
	"k8s.io/apiserver/pkg/registry/rest"
	apiproxy "k8s.io/apiserver/pkg/util/proxy"
	"k8s.io/streaming/pkg/httpstream/wsstream"

	"github.com/causeway-access/causeway/internal/conn"
)

// translate passes the streams of a command on. Agents speak SPDY, and the
// WebSocket of old clients; the one that can tell the end of the input
// (v5.channel.k8s.io) is made SPDY here.
func (s *Streams) translate(agent *url.URL, streams apiproxy.Options, responder rest.Responder) http.Handler {
	translated := apiproxy.NewStreamTranslatorHandler(agent, s.upgrades, 0, streams)
	return whileConnected(apiproxy.NewTranslatingHandler(s.direct(agent, responder), translated, wsstream.IsWebSocketRequestWithStreamCloseProtocol))
}

// tunnel passes forwarded ports on: SPDY, which may come inside a WebSocket.
func (s *Streams) tunnel(agent *url.URL, responder rest.Responder) http.Handler {
	direct := s.direct(agent, responder)
	return whileConnected(apiproxy.NewTranslatingHandler(direct, apiproxy.NewTunnelingHandler(direct), wsstream.IsWebSocketRequestWithTunnelingProtocol))
}

// direct passes an upgraded connection on as it is.
func (s *Streams) direct(agent *url.URL, responder rest.Responder) http.Handler {
	h := proxy.NewUpgradeAwareHandler(agent, s.upgrades, false, true, proxy.NewErrorResponder(responder))
	h.UseLocationHost = true
	return h
}

// whileConnected ends a request, and with it the connection to the agent, when
// the client's has broken. What browsers keep for us is nobody else's.
func whileConnected(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w, r, done := conn.WhileConnected(w, r)
		defer done()
		r = r.WithContext(hushed(r.Context()))
		r.Header = r.Header.Clone()
		r.Header.Del("Cookie")
		next.ServeHTTP(w, r)
	})
}
