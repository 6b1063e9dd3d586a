package accesstest

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	auditinternal "k8s.io/apiserver/pkg/apis/audit"
)

// secrets are what a request may bear and no event may.
var secrets = []string{"alice-token", "s3cret-cookie", "s3cret-query", "s3cret-word", "s3cret-body", "s3cret-app", "s3cret-answer", "Y2Fyb2w6c2VjcmV0"}

// audits holds the engine to the line on the audit of section 5.
func audits(t *testing.T, start Engine) {
	w := newWorld(t, start, nil, node("n", 0, inner))
	w.run(t, []row{
		{section: "5", words: "one event per request with user, verb, target, backend address, status, bytes, duration", test: audited},
		{section: "5", words: "one event for a request that is refused", test: func(t *testing.T, c *client) {
			c.events.take()
			c.get(t, proxied("services", "https:absent:")+"/", "Authorization", "Bearer bob-token")
			e := c.event(t)
			if e.User.Username != "bob" || e.ResponseStatus.Code != 403 || e.ObjectRef.Name != "https:absent:" || e.Annotations["authorization.k8s.io/decision"] != "forbid" {
				t.Errorf("got %+v", e)
			}
		}},
		{section: "5", words: "one event for a request of somebody unknown", test: func(t *testing.T, c *client) {
			for _, credential := range [][]string{{"Authorization", ""}, {"Authorization", "Bearer s3cret-word"}} {
				c.events.take()
				got := c.get(t, web+"/x?token=s3cret-query", credential...)
				e := c.event(t)
				if got.code != 401 || e.ResponseStatus.Code != 401 || e.Verb != "get" || e.ObjectRef.Name != "web" || !strings.HasPrefix(e.RequestURI, web+"/x?token=") {
					t.Errorf("%d with the event %+v of %+v", got.code, e, e.ObjectRef)
				}
				if e.User.Username != "" || len(e.SourceIPs) != 1 || net.ParseIP(e.SourceIPs[0]) == nil || e.Annotations["authorization.k8s.io/decision"] != "" {
					t.Errorf("by %q from %v with %v", e.User.Username, e.SourceIPs, e.Annotations)
				}
				withoutSecrets(t, e)
			}
		}},
		{section: "5", words: "never a credential, cookie or query secret", test: func(t *testing.T, c *client) {
			c.events.take()
			says := "HTTP/1.1 200 OK\r\nSet-Cookie: a=s3cret-answer\r\nContent-Length: 13\r\n\r\ns3cret-answer"
			c.do(t, "POST", c.script.says(says)+"?token=s3cret-query&s3cret-word&x=%73%33cret-query", strings.NewReader("s3cret-body"), "Cookie", "session=s3cret-cookie", "X-Api-Key", "s3cret-app")
			c.get(t, web+"/?token=s3cret-query", "Authorization", basic, "Proxy-Authorization", "Bearer alice-token")
			for range 2 {
				withoutSecrets(t, c.event(t))
			}
		}},
	})
	t.Run("5 one event for an upgraded connection", w.auditedUpgrade)
}

func withoutSecrets(t *testing.T, e *auditinternal.Event) {
	t.Helper()
	text, err := json.Marshal(e)
	must(t, err)
	for _, secret := range append(secrets, "%73%33cret") {
		if strings.Contains(string(text), secret) {
			t.Errorf("there is %q in %s", secret, text)
		}
	}
}

// event waits for an event, which may come after the answer.
func (w *world) event(t *testing.T) *auditinternal.Event {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		w.events.mu.Lock()
		if len(w.events.all) > 0 {
			e := w.events.all[0]
			w.events.all = w.events.all[1:]
			w.events.mu.Unlock()
			return e
		}
		w.events.mu.Unlock()
	}
	t.Fatal("there came no event")
	return nil
}

func audited(t *testing.T, c *client) {
	c.events.take()
	got := c.do(t, "PUT", web+"/a%2Fb?x=y", strings.NewReader("hello"))
	e := c.event(t)
	if e.User.Username != "alice" || e.Verb != "update" || e.ResponseStatus == nil || e.ResponseStatus.Code != 200 || e.Level != auditinternal.LevelMetadata || e.Stage != auditinternal.StageResponseComplete {
		t.Errorf("got %+v", e)
	}
	if o := e.ObjectRef; o == nil || o.Resource != "services" || o.Subresource != "proxy" || o.Namespace != "default" || o.Name != "web" {
		t.Errorf("the target is %+v", o)
	}
	if string(e.AuditID) != got.header.Get("Audit-Id") || !strings.HasPrefix(e.RequestURI, web+"/a%2Fb") || e.UserAgent != "accesstest" {
		t.Errorf("the request is %q %q by %q, and its answer has %q", e.AuditID, e.RequestURI, e.UserAgent, got.header.Get("Audit-Id"))
	}
	if len(e.SourceIPs) == 0 || net.ParseIP(e.SourceIPs[0]) == nil || e.StageTimestamp.Before(&e.RequestReceivedTimestamp) || e.RequestReceivedTimestamp.IsZero() {
		t.Errorf("from %v, between %v and %v", e.SourceIPs, e.RequestReceivedTimestamp, e.StageTimestamp)
	}
	all := e.Annotations
	if all["causeway.io/backend"] != c.script.addr.String() || all["causeway.io/bytes-received"] != "5" || all["causeway.io/bytes-sent"] == "" || all["causeway.io/bytes-sent"] == "0" {
		t.Errorf("annotations %v", all)
	}
	if more := c.events.take(); len(more) > 0 {
		t.Errorf("and %d more events", len(more))
	}
}

func (w *world) auditedUpgrade(t *testing.T) {
	w.events.take()
	c := w.dial(t, "http/1.1")
	_, err := io.WriteString(c, wish(w.script.does(reversing), "x")+"ab\n")
	must(t, err)
	switched(t, bufio.NewReaderSize(c, 16))
	must(t, c.CloseWrite())
	read(t, c)
	e := w.event(t)
	if e.ResponseStatus.Code != 101 || e.Annotations["causeway.io/bytes-received"] != "3" || e.Annotations["causeway.io/bytes-sent"] != "7" {
		t.Errorf("got %d with %v, want 101, 3 bytes received and 7 sent", e.ResponseStatus.Code, e.Annotations)
	}
}
