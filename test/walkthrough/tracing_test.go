package walkthrough

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

// spans is a receiver of OTLP.
type spans struct {
	collector.UnimplementedTraceServiceServer
	got chan *trace.Span
}

// Export implements [collector.TraceServiceServer].
func (s *spans) Export(_ context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	for _, resource := range r.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				s.got <- span
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// receive starts a receiver and returns it with its address.
func receive(t *testing.T) (*spans, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, server := &spans{got: make(chan *trace.Span, 1<<16)}, grpc.NewServer()
	collector.RegisterTraceServiceServer(server, s)
	go server.Serve(l)
	t.Cleanup(server.Stop)
	return s, l.Addr().String()
}

// A story: a caller traces his request. The span of the gateway is below his,
// and the backend is told of the gateway's.
func TestATracedRequestHasASpanBetweenCallerAndBackend(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	receiver, address := receive(t)
	config := fmt.Sprintf("apiVersion: apiserver.config.k8s.io/v1\nkind: TracingConfiguration\nendpoint: %s\n", address)
	if err := os.WriteFile(h.path("tracing.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := h.up("--allow-endpoint-cidr", "127.0.0.0/8", "--tracing-config-file", h.path("tracing.yaml"))
	cmd.Env = append(cmd.Env, "OTEL_BSP_SCHEDULE_DELAY=100") // milliseconds
	up := start(t, cmd)
	told := make(chan http.Header, 100)
	path := up.pod(t, "web", func(_ http.ResponseWriter, r *http.Request) { told <- r.Header.Clone() })

	const traceID, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for len(told) > 0 {
		<-told
	}
	up.get(t, path+"page", "Traceparent", "00-"+traceID+"-"+parent+"-01", "Tracestate", "vendor=1")
	backend := <-told
	span := receiver.find(t, traceID)
	if got := hex.EncodeToString(span.GetParentSpanId()); got != parent {
		t.Errorf("the span's parent is %s, want the caller's %s", got, parent)
	}
	if want := "00-" + traceID + "-" + hex.EncodeToString(span.GetSpanId()) + "-01"; backend.Get("Traceparent") != want {
		t.Errorf("the backend was told %q, want %q", backend.Get("Traceparent"), want)
	}
	if got := backend.Get("Tracestate"); got != "vendor=1" {
		t.Errorf("the backend was given the state %q", got)
	}
	attributes := map[string]string{}
	for _, a := range span.GetAttributes() {
		attributes[a.GetKey()] = a.GetValue().GetStringValue() + fmt.Sprint(a.GetValue().GetIntValue())
	}
	if attributes["http.response.status_code"] != "200" || attributes["causeway.name"] != "web0" || span.GetName() != "get pods/proxy" {
		t.Errorf("the span is %s with %v", span.GetName(), attributes)
	}

	// Who is not sampled has no span, and his word reaches the backend.
	const quiet = "00-" + traceID + "-" + parent + "-00"
	up.get(t, path+"page", "Traceparent", quiet)
	if got := (<-told).Get("Traceparent"); got != quiet {
		t.Errorf("of a request that is not sampled the backend was told %q", got)
	}
}

// find waits for the span of the gateway in a trace.
func (s *spans) find(t *testing.T, traceID string) *trace.Span {
	t.Helper()
	limit := time.After(patience)
	for {
		select {
		case span := <-s.got:
			if hex.EncodeToString(span.GetTraceId()) == traceID {
				return span
			}
		case <-limit:
			t.Fatal("no span of the trace was exported")
		}
	}
}
