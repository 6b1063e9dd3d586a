package cluster

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"k8s.io/apiserver/pkg/server/mux"
	"k8s.io/apiserver/pkg/server/routes"
	"k8s.io/component-base/metrics/legacyregistry"
)

// metricsPath is where the API server shows its metrics.
const metricsPath = "/metrics"

// showMetrics returns what answers /metrics: the process's metrics, which are
// the API server's, and those of this cluster's gateway. These have a registry
// of their own, so that two clusters in one process count apart.
func (c *Cluster) showMetrics() http.Handler {
	// The library registers its metrics where it installs its own handler.
	routes.DefaultMetrics{}.Install(mux.NewPathRecorderMux("causeway-metrics"))
	return promhttp.HandlerFor(prometheus.Gatherers{legacyregistry.DefaultGatherer, c.metrics}, promhttp.HandlerOpts{})
}
