package observe_test

import (
	"io"
	"log/slog"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/causeway-access/causeway/internal/observe"
)

// defaultPolicy is the one of a cluster that was not told another.
func defaultPolicy(b *testing.B) audit.PolicyRuleEvaluator {
	b.Helper()
	text, err := os.ReadFile("../cluster/audit-policy.yaml")
	if err != nil {
		b.Fatal(err)
	}
	p, err := policy.LoadPolicyFromBytes(text)
	if err != nil {
		b.Fatal(err)
	}
	return observe.Rules(p)
}

// BenchmarkAccount is all that accounting does for a request: identity, audit
// event, access line, metrics. Besides the time that passes it reports the
// processor time, which holds that of the writers in the background.
func BenchmarkAccount(b *testing.B) {
	alice := &user.DefaultInfo{Name: "alice", UID: "7", Groups: []string{"developers", "system:authenticated"}}
	attributes := &authorizer.AttributesRecord{
		User: alice, Verb: "get", Namespace: "default", Resource: "services", Subresource: "proxy", Name: "web:http", APIVersion: "v1", ResourceRequest: true,
	}
	run := func(name string, cfg observe.Config) {
		b.Run(name, func(b *testing.B) {
			if cfg.Policy != nil {
				log := observe.NewAuditLog(io.Discard, slog.New(slog.DiscardHandler))
				defer log.Close()
				cfg.Audit = log
			}
			o, err := observe.New(cfg)
			if err != nil {
				b.Fatal(err)
			}
			head := http.Header{}
			b.ReportAllocs()
			before := processorTime()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					l := &observe.Line{
						ID: observe.NewID(), Start: time.Now(), Method: "GET", Path: "/api/v1/namespaces/default/services/web:http/proxy/index.html",
						Client: "192.0.2.1", UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", User: alice, Decision: "allow",
						Attributes: attributes, Backend: "10.244.0.17:8080", Status: 200, Sent: 1024,
					}
					o.Begin(l, head)
					o.Account(l)
				}
			})
			o.Close()
			b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-ns/op")
		})
	}
	rules := defaultPolicy(b)
	run("metrics", observe.Config{})
	run("metrics+access", observe.Config{AccessLog: io.Discard})
	run("metrics+audit", observe.Config{Policy: rules})
	run("all", observe.Config{Policy: rules, AccessLog: io.Discard})
}

// BenchmarkPolicy is the part of the default policy in it.
func BenchmarkPolicy(b *testing.B) {
	rules := defaultPolicy(b)
	attributes := line().Attributes
	b.ReportAllocs()
	for b.Loop() {
		rules.EvaluatePolicyRule(attributes)
	}
}

func processorTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
