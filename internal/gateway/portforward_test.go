package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/causeway-access/causeway/internal/gateway"
	"github.com/causeway-access/causeway/internal/portforward"
	"github.com/causeway-access/causeway/test/locked"
)

// shout answers, after the client's end, all that he has said in upper case.
func shout(in *bufio.Reader, c net.Conn) {
	said, err := io.ReadAll(in)
	if err == nil {
		_, _ = c.Write(bytes.ToUpper(said)) // the client may be gone
	}
}

// asUser adds a token, and says no to WebSockets if there is to be none.
type asUser struct {
	name       string
	noTunnel   bool
	underneath *http.Transport
}

func (u *asUser) RoundTrip(r *http.Request) (*http.Response, error) {
	if u.noTunnel && r.Header.Get("Upgrade") == "websocket" {
		return &http.Response{StatusCode: http.StatusForbidden, Status: "403 Forbidden", Body: io.NopCloser(strings.NewReader("no WebSockets here"))}, nil
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+u.name+"-token")
	return u.underneath.RoundTrip(r)
}

// dialer forwards through the gateway as a user.
func (w *world) dialer(name string, noTunnel bool) *portforward.Dialer {
	w.t.Helper()
	at, err := url.Parse(w.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	transport := &http.Transport{}
	d := portforward.New(portforward.Config{URL: at, API: &asUser{name, noTunnel, transport}})
	w.t.Cleanup(func() { d.Close(); transport.CloseIdleConnections() })
	return d
}

func serviceTarget(name string) portforward.Target {
	return portforward.Target{Resource: "services", Namespace: "default", Name: name}
}

// runningPod is a pod with an address.
func runningPod(name string, at netip.AddrPort) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, PodIP: at.Addr().String()},
	}
}

func forwardPods(c *gateway.Config) { c.ForwardPods = true }

// ask writes all of a question, ends it, and reads the answer.
func ask(t *testing.T, c net.Conn, question string) string {
	t.Helper()
	defer c.Close()
	asked := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c, question)
		if err == nil {
			err = c.(interface{ CloseWrite() error }).CloseWrite()
		}
		asked <- err
	}()
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Errorf("reading the answer: %v", err)
		c.Close() // so that nobody goes on asking
	}
	// The answer may be here before the call that ended the question returns.
	if err := <-asked; err != nil {
		t.Errorf("asking: %v", err)
	}
	return string(answer)
}

// Every protocol, to a service and to a pod, passes the end of one direction
// and the rest of the other, little and much.
func TestPortForwardPassesBothWays(t *testing.T) {
	at := visits(t, shout)
	w := newWorld(t, forwardPods, append(service("db", at), runningPod("db-0", at))...)
	questions := []string{"", "select 1", strings.Repeat("0123456789abcdef", 1<<16)}
	for _, noTunnel := range []bool{false, true} {
		d := w.dialer("alice", noTunnel)
		for target, port := range map[portforward.Target]uint16{
			serviceTarget("db"): 80,
			{Resource: "pods", Namespace: "default", Name: "db-0"}: at.Port(),
		} {
			for _, question := range questions {
				c, err := d.Dial(t.Context(), target, port)
				if err != nil {
					t.Fatalf("%v: %v", target, err)
				}
				if got := ask(t, c, question); got != strings.ToUpper(question) {
					t.Errorf("%v, no tunnel %v: %d bytes gave %d others back", target, noTunnel, len(question), len(got))
				}
			}
		}
	}
}

func TestPortForwardIsAuthorisedFirst(t *testing.T) {
	w := newWorld(t, forwardPods)
	w.allow = func(authorizer.Attributes) bool { return false }
	d := w.dialer("bob", false)
	for _, target := range []portforward.Target{serviceTarget("absent"), {Resource: "pods", Namespace: "default", Name: "absent"}} {
		err := d.Check(t.Context(), target)
		want := fmt.Sprintf(`%s "absent" is forbidden: User "bob" cannot create resource "%s/portforward" in API group "" in the namespace "default"`, target.Resource, target.Resource)
		if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", target, err, want)
		}
	}
	for _, a := range *w.asked.Load() {
		if a.GetVerb() != "create" || a.GetSubresource() != "portforward" || a.GetName() != "absent" || !a.IsResourceRequest() {
			t.Errorf("asked for %s %s/%s %s", a.GetVerb(), a.GetResource(), a.GetSubresource(), a.GetName())
		}
	}
}

func TestPortForwardAnswersInWords(t *testing.T) {
	refusing := closedPort(t)
	objects := append(service("down", refusing), service("empty")...)
	objects = append(objects, service("meta", netip.MustParseAddrPort("169.254.169.254:80"))...)
	w := newWorld(t, nil, objects...)
	d := w.dialer("alice", false)
	tests := []struct {
		service string
		port    uint16
		want    string
	}{
		{"absent", 80, `services "absent" not found`},
		{"empty", 80, `error forwarding port 80 to service "empty": no endpoints available for service "empty"`},
		{"down", 81, `error forwarding port 81 to service "down": no service port 81 found for service "down"`},
		{"down", 80, "error forwarding port 80 to service \"down\": dial tcp " + refusing.String() + ": connect: connection refused"},
		{"meta", 80, `error forwarding port 80 to service "meta": address not allowed`},
	}
	for _, test := range tests {
		c, err := d.Dial(t.Context(), serviceTarget(test.service), test.port)
		if err == nil {
			c.Close()
		}
		if err == nil || err.Error() != test.want {
			t.Errorf("%s %d: %v, want %s", test.service, test.port, err, test.want)
		}
	}
}

func TestPortForwardWithoutAnUpgradeOrWithAnother(t *testing.T) {
	w := newWorld(t, nil, service("db", visits(t, shout))...)
	const path = "/api/v1/namespaces/default/services/db/portforward"
	websocket := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}
	tests := []struct {
		name, method, query string
		headers             []string
		status              int
		says                string
	}{
		{"no upgrade", "POST", "", nil, 400, "Upgrade request required"},
		{"another method", "PUT", "", []string{"Connection", "Upgrade", "Upgrade", "SPDY/3.1"}, 405, "does not allow this method"},
		{"another protocol", "GET", "", []string{"Connection", "Upgrade", "Upgrade", "tcp"}, 400, "portforward.k8s.io"},
		{"SPDY for another purpose", "POST", "", []string{"Connection", "Upgrade", "Upgrade", "SPDY/3.1", "X-Stream-Protocol-Version", "v4.channel.k8s.io"}, 403, "unable to negotiate protocol"},
		{"a WebSocket for another purpose", "GET", "", append(websocket, "Sec-WebSocket-Protocol", "chat"), 400, "v4.channel.k8s.io"},
		{"channels without ports", "GET", "", append(websocket, "Sec-WebSocket-Protocol", "v4.channel.k8s.io"), 400, "must name 1 to 127 ports"},
		{"channels with port 0", "GET", "?ports=0", append(websocket, "Sec-WebSocket-Protocol", "v4.channel.k8s.io"), 400, `\"0\" is no port number`},
		{"a page in a browser", "GET", "", append(websocket, "Sec-WebSocket-Protocol", "SPDY/3.1+portforward.k8s.io", "Sec-Fetch-Mode", "websocket", "Authorization", "Basic YTpi"), 403, "a page in a browser may not forward ports"},
		{"pods where nodes have them", "GET", "", nil, 0, ""},
	}
	for _, test := range tests {
		target := path + test.query
		if test.status == 0 {
			target, test.status, test.says = strings.Replace(path, "services", "pods", 1), 404, "could not find the requested resource"
		}
		resp, text := w.do(test.method, target, nil, test.headers...)
		if resp.StatusCode != test.status || !strings.Contains(text, test.says) {
			t.Errorf("%s: %d %s, want %d and %q", test.name, resp.StatusCode, text, test.status, test.says)
		}
	}
}

// A backend that is not there is left out; one that dies between two
// connections, too.
func TestPortForwardTakesAnotherEndpoint(t *testing.T) {
	alive := visits(t, shout)
	w := newWorld(t, nil, service("db", closedPort(t), alive, closedPort(t))...)
	d := w.dialer("alice", false)
	for range 20 {
		c, err := d.Dial(t.Context(), serviceTarget("db"), 80)
		if err != nil {
			t.Fatal(err)
		}
		if c.Address() != alive.String() {
			t.Errorf("connected to %s, want %s", c.Address(), alive)
		}
		if got := ask(t, c, "x"); got != "X" {
			t.Errorf("got %q", got)
		}
	}
}

// What breaks off is not taken for an end: neither by the client nor, of the
// client, by the backend.
func TestPortForwardPassesBreaksOn(t *testing.T) {
	ends := make(chan error, 1)
	at := visits(t, func(in *bufio.Reader, c net.Conn) {
		first := make([]byte, 1)
		if _, err := io.ReadFull(in, first); err != nil {
			return
		}
		if first[0] == 'b' { // break
			_ = c.(*net.TCPConn).SetLinger(0)
			return
		}
		_, err := c.Write(first)
		if err == nil {
			_, err = io.Copy(io.Discard, in)
		}
		ends <- err
	})
	w := newWorld(t, nil, service("db", at)...)
	for _, noTunnel := range []bool{false, true} {
		d := w.dialer("alice", noTunnel)
		c, err := d.Dial(t.Context(), serviceTarget("db"), 80)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, "b"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the backend broke off, and the client reads %v", err)
		}
		c.Close()
		if c, err = d.Dial(t.Context(), serviceTarget("db"), 80); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, "s"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		c.Close()
		if err := <-ends; err == nil {
			t.Error("the client went away in the middle, and the backend saw a plain end")
		}
	}
}

// Many connections at once, each with its own words; one that nobody reads from
// holds up no other.
func TestPortForwardManyAtOnce(t *testing.T) {
	at := visits(t, shout)
	flood := visits(t, func(_ *bufio.Reader, c net.Conn) { _, _ = io.Copy(c, zeros{}) })
	w := newWorld(t, forwardPods, append(service("db", at), runningPod("flood", flood))...)
	d := w.dialer("alice", false)
	stalled, err := d.Dial(t.Context(), portforward.Target{Resource: "pods", Namespace: "default", Name: "flood"}, flood.Port())
	if err != nil {
		t.Fatal(err)
	}
	defer stalled.Close()
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() {
			for j := range 2 {
				c, err := d.Dial(t.Context(), serviceTarget("db"), 80)
				if err != nil {
					t.Errorf("connection %d: %v", i, err)
					return
				}
				question := fmt.Sprintf("%d-%d-%s", i, j, strings.Repeat("x", 1000*i))
				if got := ask(t, c, question); got != strings.ToUpper(question) {
					t.Errorf("connection %d got %.20q", i, got)
				}
			}
		})
	}
	all.Wait()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Drain waits for forwarded connections and breaks them off in the end; one
// account is kept of all that one client forwarded.
func TestPortForwardIsDrainedAndAccountedFor(t *testing.T) {
	var log locked.Buffer
	at := visits(t, func(in *bufio.Reader, c net.Conn) { _, _ = io.Copy(c, in) })
	w := newWorld(t, func(c *gateway.Config) { c.AccessLog = &log }, service("db", at)...)
	c, err := w.dialer("alice", false).Dial(t.Context(), serviceTarget("db"), 80)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.gateway.Drain(ctx); err == nil || !strings.Contains(err.Error(), "1 requests still under way") {
		t.Errorf("Drain: %v", err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the connection goes on after the drain")
	}
	var lines []string
	waitFor(t, func() bool {
		lines = nil
		for line := range strings.SplitSeq(log.String(), "\n") {
			if strings.Contains(line, "portforward") {
				lines = append(lines, line)
			}
		}
		return len(lines) > 0
	})
	if len(lines) != 1 {
		t.Fatalf("%d access lines: %s", len(lines), lines)
	}
	for _, part := range []string{`"verb":"create"`, `"status":101`, at.String(), `"sent":5`, `"received":5`, `"user":"alice"`} {
		if !strings.Contains(lines[0], part) {
			t.Errorf("the access line has no %s: %s", part, lines[0])
		}
	}
}
