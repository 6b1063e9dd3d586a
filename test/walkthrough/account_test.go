package walkthrough

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// A story: one request to a pod, with secrets in all places, is found once in
// the audit log, once in the access log and in the metrics; the secrets in
// none of them.
func TestARequestIsAccountedForOnce(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	up := start(t, h.up("--allow-endpoint-cidr", "127.0.0.0/8", "--access-log", h.path("access.log")))
	var seen atomic.Pointer[http.Header]
	path := up.pod(t, "web", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ws":
			upgradeEcho(t, w)
		case "/tea":
			header := r.Header.Clone()
			seen.Store(&header)
			w.WriteHeader(http.StatusTeapot)
			io.WriteString(w, "short and stout")
		}
	})
	const id = "11111111-2222-4333-8444-555555555555"
	status, _ := up.get(t, path+"tea?token=hunter2&pot=hunter2", "Audit-Id", id, "Cookie", "session=hunter2", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Tracestate", "a=1")
	if status != http.StatusTeapot {
		t.Fatalf("the request got %d", status)
	}
	// Nobody traces here; who does elsewhere is told as if nobody were between.
	if got := seen.Load().Get("Traceparent") + " " + seen.Load().Get("Tracestate"); got != "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 a=1" {
		t.Errorf("the backend was given the trace %q", got)
	}
	ws := up.upgrade(t, path+"ws")
	if err := ws.echo("hello"); err != nil {
		t.Fatal(err)
	}
	documentedMetrics(t, up)
	ws.Close()
	if err := up.stop(); err != nil {
		t.Fatal(err)
	}

	uri := path + "tea?token=...&pot=..."
	event := one[auditv1.Event](t, h.data("audit.log"), id)
	for what, ok := range map[string]bool{
		"its URI": event.RequestURI == uri, "its user": event.User.Username == "admin", "its verb": event.Verb == "get",
		"its object": event.ObjectRef.Resource == "pods" && event.ObjectRef.Subresource == "proxy" && event.ObjectRef.Name == "web",
		"its status": event.ResponseStatus.Code == http.StatusTeapot, "its bytes": event.Annotations["causeway.io/bytes-sent"] == "15",
		"its backend":  strings.HasPrefix(event.Annotations["causeway.io/backend"], "127.0.0.1:"),
		"its decision": event.Annotations["authorization.k8s.io/decision"] == "allow",
	} {
		if !ok {
			t.Errorf("%s is wrong in the audit event %+v", what, event)
		}
	}
	got := one[map[string]any](t, h.path("access.log"), id)
	for _, name := range []string{"time", "duration", "backend", "client"} {
		if got[name] == nil {
			t.Errorf("the access line has no %s", name)
		}
		delete(got, name)
	}
	want := map[string]any{
		"msg": "request", "id": id, "user": "admin", "method": "GET", "uri": uri, "verb": "get", "resource": "pods", "namespace": "default", "name": "web",
		"status": 418., "sent": 15., "received": 0.,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("access line, -want +got:\n%s", diff)
	}
	secretless(t, "hunter2", h.data("audit.log"), h.path("access.log"))
	secretless(t, up.token(t), h.data("audit.log"), h.path("access.log"))
	onlyTheOwnerReads(t, h.dir)
}

// one returns the one line of a log that has the identity in it.
func one[T any](t *testing.T, file, id string) (found T) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if !strings.Contains(lines.Text(), id) {
			continue
		}
		n++
		if err := json.Unmarshal(lines.Bytes(), &found); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
	}
	if lines.Err() != nil || n != 1 {
		t.Fatalf("%d lines of %s are of the request, want 1: %v", n, file, lines.Err())
	}
	return found
}

func secretless(t *testing.T, secret string, files ...string) {
	t.Helper()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), secret) {
			t.Errorf("a secret is in %s", file)
		}
	}
}

// documentedMetrics compares the metrics of docs/operations.md with those that
// a cluster shows that has served a request and an upgraded connection.
func documentedMetrics(t *testing.T, up *running) {
	t.Helper()
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := names(regexp.MustCompile("(?m)^\\| `(causeway_\\w+)`"), string(page))
	if len(documented) < 10 {
		t.Errorf("the page has %d metrics", len(documented))
	}
	wanted := []string{
		`causeway_gateway_requests_total{code="418",resource="pods",verb="get"} 1`,
		`causeway_gateway_upgrade_bytes_total{direction="sent",resource="pods"} 6`,
		`causeway_gateway_upgraded_connections 1`,
		`apiserver_request_total{`,
	}
	var shown string
	// A client may have its answer before it is counted.
	eventuallyTrue(t, "the metrics tell of the request and the connection", func() bool {
		var status int
		if status, shown = up.get(t, "/metrics"); status != http.StatusOK {
			t.Fatalf("/metrics got %d: %s", status, shown)
		}
		return !slices.ContainsFunc(wanted, func(line string) bool { return !strings.Contains(shown, "\n"+line) })
	})
	if diff := cmp.Diff(documented, names(regexp.MustCompile(`(?m)^# TYPE (causeway_\w+) `), shown)); diff != "" {
		t.Errorf("docs/operations.md and /metrics differ, -page +shown:\n%s", diff)
	}
}

func names(pattern *regexp.Regexp, text string) map[string]bool {
	found := map[string]bool{}
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		found[match[1]] = true
	}
	return found
}
