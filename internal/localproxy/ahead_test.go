package localproxy_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/causeway-access/causeway/internal/localproxy"
)

// breakOff sends a part of an answer and then ends the connection, or the
// stream, as a server that is killed does.
func breakOff(served *atomic.Int64, header ...string) func(*api) {
	return func(a *api) {
		a.handle = func(w http.ResponseWriter, _ *http.Request) {
			served.Add(1)
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			io.WriteString(w, "half of ")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}
}

func TestAnAnswerThatBreaksOffIsAskedForAgain(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		header     []string
		again      bool
	}{
		{"an object", "/api/v1/namespaces/default", []string{"Content-Type", "application/json"}, true},
		{"a list in protobuf", "/api/v1/pods?limit=500", []string{"Content-Type", "application/vnd.kubernetes.protobuf"}, true},
		{"a page of a service that says how long it is", "/api/v1/namespaces/n/services/s/proxy/page", []string{"Content-Type", "text/html", "Content-Length", "100"}, true},
		{"one that does not", "/api/v1/namespaces/n/services/s/proxy/page", []string{"Content-Type", "application/json"}, false},
		{"one that is long", "/api/v1/namespaces/n/services/s/proxy/page", []string{"Content-Length", "1000000"}, false},
		{"a watch", "/api/v1/pods?watch=1", []string{"Content-Type", "application/json"}, false},
		{"a watch in protobuf", "/api/v1/pods", []string{"Content-Type", "application/vnd.kubernetes.protobuf;stream=watch"}, false},
		{"a log", "/api/v1/namespaces/n/pods/p/log", []string{"Content-Type", "text/plain"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var served atomic.Int64
			dying, alive := newAPI(t, breakOff(&served, tt.header...)), newAPI(t)
			s := serve(t, newProxy(t, localproxy.Config{REST: dying.config(t), Servers: []string{alive.URL}}))
			status, body := get(t, s.URL+tt.path)
			if served.Load() != 1 {
				t.Fatalf("the first server was asked %d times, want once", served.Load())
			}
			if again := status == http.StatusOK && body == "api "+tt.path; again != tt.again {
				t.Errorf("got %d %q; asked for again: %v, want %v", status, body, again, tt.again)
			}
		})
	}
}

func TestWhatIsNotReadAheadArrivesAsItComes(t *testing.T) {
	more := make(chan struct{})
	first := newAPI(t, func(a *api) {
		a.handle = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Query().Has("long") {
				io.WriteString(w, strings.Repeat("x", 2<<20))
			}
			io.WriteString(w, "event\n")
			w.(http.Flusher).Flush()
			<-more
			io.WriteString(w, "last\n")
		}
	})
	s := serve(t, newProxy(t, localproxy.Config{REST: first.config(t)}))
	for _, path := range []string{"/api/v1/pods?watch=true", "/api/v1/pods?long", "/api/v1/nodes/n/proxy/events"} {
		resp, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		lines := bufio.NewReader(resp.Body)
		if line, err := lines.ReadString('\n'); err != nil || !strings.HasSuffix(line, "event\n") {
			t.Errorf("%s: the first line is %.20q, %v", path, line, err)
		}
		more <- struct{}{}
		if line, err := lines.ReadString('\n'); err != nil || line != "last\n" {
			t.Errorf("%s: the last line is %q, %v", path, line, err)
		}
	}
}
