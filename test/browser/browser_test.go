//go:build host

package browser

import (
	"testing"

	"github.com/causeway-access/causeway/test/inside"
)

// TestPeopleUseWebApplicationsThroughTheAPI starts everything once; each story
// has windows of its own.
func TestPeopleUseWebApplicationsThroughTheAPI(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	s := newSite(t)
	s.follow(t)
	s.Port = s.proxy(t)
	b := newChromium(t, s)
	for _, story := range []struct {
		name string
		tell func(*testing.T, *site, *chromium)
	}{
		{"the browser asks for user and password", asked},
		{"links, forms and redirects stay with the application", stays},
		{"messages and events stream", streams},
		{"cookies go to the application that set them alone", cookies},
		{"Jupyter lists files and computes", jupyter},
		{"Jupyter that is told nothing lets people log in and no more", jupyterUntold},
		{"Jupyter that knows the prefix and gets paths without it finds nothing", jupyterStripped},
		{"Jupyter takes its own token beside a client certificate", jupyterToken},
		{"Prometheus draws, queries and shows its targets", prometheus},
		{"InfluxDB is queried by a page", influxDB},
		{"a page cannot script the API", scripts},
		{"absolute URLs of scripts leave the prefix", absolute},
		{"a worker sees its application alone", workers},
		{"applications of one origin can call each other", neighbours},
		{"the local proxy lists services and leads to them", listed},
		{"Jupyter that is told nothing computes at its name", jupyterNamed},
		{"Prometheus that is told nothing draws and queries at its name", prometheusNamed},
		{"InfluxDB is asked by absolute paths at its name", influxNamed},
		{"what a prefix cannot allow works at a name", own},
		{"no name's pages can use another, nor the API", strangers},
		{"no page below a prefix can use the API through the local proxy", prefixed},
	} {
		t.Run(story.name, func(t *testing.T) { story.tell(t, s, b) })
	}
}
