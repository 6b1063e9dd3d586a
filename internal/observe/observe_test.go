package observe_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/causeway-access/causeway/internal/observe"
	"github.com/causeway-access/causeway/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// recorder is an audit backend that keeps the events.
type recorder struct {
	audit.Backend
	events []*auditinternal.Event
}

func (r *recorder) ProcessEvents(events ...*auditinternal.Event) bool {
	r.events = append(r.events, events...)
	return true
}

// level is a policy of one level.
type level auditinternal.Level

func (l level) EvaluatePolicyRule(authorizer.Attributes) audit.RequestAuditConfig {
	return audit.RequestAuditConfig{Level: auditinternal.Level(l)}
}

func line() *observe.Line {
	alice, bob := &user.DefaultInfo{Name: "alice", Groups: []string{"g"}}, &user.DefaultInfo{Name: "bob"}
	return &observe.Line{
		ID: "id-1", Start: time.Now(), Method: "GET", Path: "/api/v1/namespaces/ns/services/web/proxy/x", Query: "token=hunter2&plain&a=b",
		Client: "192.0.2.1", UserAgent: "curl", User: bob, Caller: alice, Decision: "allow", Backend: "10.0.0.1:80",
		Attributes: authorizer.AttributesRecord{User: bob, Verb: "get", Namespace: "ns", Resource: "services", Subresource: "proxy", Name: "web", APIVersion: "v1", ResourceRequest: true},
		Status:     200, Sent: 7, Received: 3, Retries: 2, Err: errors.New("late"),
	}
}

func TestAccount(t *testing.T) {
	var log, auditLog bytes.Buffer
	var audited recorder
	observers := map[string]observe.Config{
		"events": {AccessLog: &log, Audit: &audited, Policy: level(auditinternal.LevelRequestResponse)},
	}
	lines := observe.NewAuditLog(&auditLog, slog.New(slog.DiscardHandler))
	observers["lines"] = observe.Config{Audit: lines, Policy: level(auditinternal.LevelMetadata)}
	l := line()
	for name, cfg := range observers {
		o, err := observe.New(cfg)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		o.Begin(l, nil)
		o.Account(l)
		o.Close()
	}
	lines.Close()

	const uri = "/api/v1/namespaces/ns/services/web/proxy/x?token=...&=...&a=..."
	var got map[string]any
	if err := json.Unmarshal(log.Bytes(), &got); err != nil {
		t.Fatalf("%s: %v", log.String(), err)
	}
	delete(got, "time")
	delete(got, "duration")
	want := map[string]any{
		"msg": "request", "id": "id-1", "client": "192.0.2.1", "user": "bob", "method": "GET", "uri": uri,
		"verb": "get", "resource": "services", "namespace": "ns", "name": "web",
		"status": 200., "sent": 7., "received": 3., "retries": 2., "backend": "10.0.0.1:80", "error": "late",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("access line, -want +got:\n%s", diff)
	}

	if len(audited.events) != 1 {
		t.Fatalf("%d audit events, want 1", len(audited.events))
	}
	ev := audited.events[0]
	if ev.RequestURI != uri || ev.User.Username != "alice" || ev.ImpersonatedUser.Username != "bob" || ev.Verb != "get" ||
		ev.Stage != auditinternal.StageResponseComplete || ev.Level != auditinternal.LevelMetadata || ev.ResponseStatus.Code != 200 ||
		ev.ObjectRef.Name != "web" || ev.ObjectRef.Subresource != "proxy" || ev.Annotations["causeway.io/backend"] != "10.0.0.1:80" ||
		ev.Annotations["causeway.io/retries"] != "2" {
		t.Errorf("audit event: %+v", ev)
	}
	all, _ := json.Marshal(audited.events)
	if strings.Contains(string(all)+log.String()+auditLog.String(), "hunter2") {
		t.Error("a value of the query was written down")
	}
}

func TestPolicyNoneIsSilent(t *testing.T) {
	var audited recorder
	o, err := observe.New(observe.Config{Audit: &audited, Policy: level(auditinternal.LevelNone)})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	l := line()
	o.Begin(l, nil)
	o.Account(l)
	if len(audited.events) != 0 {
		t.Errorf("audited %+v", audited.events)
	}
}

func TestMetricsAreRegisteredOnce(t *testing.T) {
	registry := prometheus.NewRegistry()
	if _, err := observe.New(observe.Config{Register: registry.Register}); err != nil {
		t.Fatal(err)
	}
	if _, err := observe.New(observe.Config{Register: registry.Register}); err == nil {
		t.Error("two gateways share one registry, and one of them counts nothing")
	}
}
