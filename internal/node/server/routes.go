package server

import (
	"net/http"
)

// The subresources of a node about which the authoriser is asked. Those of
// single things are KEP-2862's; who may nodes/proxy may all.
const (
	proxied = "proxy"
	logs    = "log"
	metrics = "metrics"
	stats   = "stats"
	pods    = "pods"
	healthz = "healthz"
)

// route is a path, what may be done by whom, and what does it.
type route struct {
	pattern string
	// subresource is asked for first, and nodes/proxy if it is refused.
	subresource string
	// enters says that the request changes things or runs programs, whatever
	// its method: a WebSocket is asked for by GET. `create` is needed.
	enters bool
	serve  http.HandlerFunc
}

// routes are all paths. What is nowhere is answered, too, only to those who may
// know.
func (s *server) routes() []route {
	list := []route{
		{"/", proxied, false, http.NotFound},
		{"GET /healthz", healthz, false, s.showHealth},
		{"GET /pods", pods, false, s.showPods},
		{"GET /pods/", pods, false, s.showPods},
		{"GET /runningpods/", pods, false, s.showRunning},
		{"GET /logs/", logs, false, s.showNodeLogs},
		{"GET /metrics", metrics, false, s.showMetrics},
		{"GET /metrics/resource", metrics, false, s.showResource},
		{"GET /stats/summary", stats, false, s.showSummary},
		{"POST /stats/summary", stats, false, s.showSummary},
		{"GET /containerLogs/{namespace}/{pod}/{container}", proxied, false, s.showContainerLogs},
	}
	if s.Images != nil {
		list = append(list,
			route{"GET /images", proxied, false, s.listImages},
			route{"POST /images", proxied, true, s.importImages},
			route{"DELETE /images", proxied, false, s.removeImage},
		)
	}
	for _, method := range []string{"GET ", "POST "} {
		for _, pod := range []string{"/{namespace}/{pod}", "/{namespace}/{pod}/{uid}"} {
			list = append(list,
				route{method + "/exec" + pod + "/{container}", proxied, true, s.exec},
				route{method + "/attach" + pod + "/{container}", proxied, true, s.attach},
				route{method + "/portForward" + pod, proxied, true, s.portForward},
			)
			if method == "POST " {
				list = append(list, route{method + "/run" + pod + "/{container}", proxied, true, s.run})
			}
		}
	}
	return list
}
