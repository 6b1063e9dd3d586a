package gateway

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/endpoint"
	"github.com/causeway-access/causeway/internal/route"
)

func TestEndpointsThatComeAndGoAreToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		n := &notices{log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))}
		e := route.Endpoint{Addr: netip.MustParseAddrPort("10.1.2.3:80")}
		web := &route.Backend{Resource: route.Services, Namespace: "default", Name: "web", Port: "http"}
		n.report(web, e, endpoint.Unreachable)
		n.report(web, e, endpoint.Back)
		n.report(&route.Backend{Resource: route.Nodes, Name: "n"}, route.Endpoint{Addr: e.Addr, Host: "n.example"}, endpoint.Frozen)
		for range 1000 {
			n.report(web, e, endpoint.Unreachable)
		}
		if got := strings.Count(out.String(), "\n"); got != noticesMost {
			t.Errorf("%d notices were written, want %d", got, noticesMost)
		}
		time.Sleep(noticeWindow)
		n.report(web, e, endpoint.Back)
		n.report(web, e, endpoint.Unreachable)

		want := `level=WARN msg="endpoint set aside: no connection can be made to it" service=default/web:http address=10.1.2.3:80
level=INFO msg="endpoint is back" service=default/web:http address=10.1.2.3:80
level=WARN msg="endpoint set aside: it takes requests and answers none" node=n address=n.example:80
level=INFO msg="endpoint is back" service=default/web:http address=10.1.2.3:80 unsaid=983
level=WARN msg="endpoint set aside: no connection can be made to it" service=default/web:http address=10.1.2.3:80
`
		lines := strings.SplitAfter(out.String(), "\n")
		if diff := cmp.Diff(want, strings.Join(append(lines[:3:3], lines[noticesMost:]...), "")); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}
