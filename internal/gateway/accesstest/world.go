package accesstest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/informers"

	"github.com/causeway-access/causeway/internal/authn"
	"github.com/causeway-access/causeway/internal/catalog"
	"github.com/causeway-access/causeway/internal/certs"
	"github.com/causeway-access/causeway/internal/gateway"
	"github.com/causeway-access/causeway/test/fakeapi"
)

// tokensCSV says who may ask by token; carol may by the password "secret".
const tokensCSV = "alice-token,alice,1\nbob-token,bob,2\nreader-token,reader,3\nmeter-token,meter,4\n"

// world is an engine in front of a small cluster.
type world struct {
	t         *testing.T
	addr      netip.AddrPort
	authority *certs.Authority
	script    *script
	asked     *log[authorizer.Attributes]
	events    *log[*auditinternal.Event]
}

// newWorld starts an engine that knows the objects, and the service "web",
// behind which the script stands.
func newWorld(t *testing.T, start Engine, change func(*gateway.Config), objects ...k8sruntime.Object) *world {
	t.Helper()
	authority, err := certs.OpenAuthority(t.TempDir())
	must(t, err)
	w := &world{
		t: t, authority: authority, script: newScript(t),
		asked: &log[authorizer.Attributes]{}, events: &log[*auditinternal.Event]{},
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	w.addr = netip.MustParseAddrPort(l.Addr().String())
	cfg := gateway.Config{
		Authorizer: w.rights(), Catalog: known(ctx, t, append(objects, service("default", "web", w.script.addr)...)),
		AllowedCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		Own:          []netip.AddrPort{w.addr},
		Audit:        recorder{w.events}, Policy: everything{},
	}
	identity := w.identity(ctx)
	cfg.Authenticator, cfg.Challenge = identity, identity.Challenge()
	if change != nil {
		change(&cfg)
	}
	start(t, cfg, l, &tls.Config{Certificates: []tls.Certificate{w.leaf(certs.Leaf{
		CommonName: "gateway", IPs: []net.IP{{127, 0, 0, 1}}, Server: true,
	})}, ClientAuth: tls.RequestClientCert})
	return w
}

// known returns a catalog of the objects.
func known(ctx context.Context, t *testing.T, objects []k8sruntime.Object) *catalog.Catalog {
	t.Helper()
	factory := informers.NewSharedInformerFactory(fakeapi.NewClientset(objects...), 0)
	known, err := catalog.New(factory)
	must(t, err)
	factory.StartWithContext(ctx)
	for !known.HasSynced() {
		runtime.Gosched()
	}
	return known
}

// identity is the product's own way to authenticate.
func (w *world) identity(ctx context.Context) *authn.Authenticator {
	w.t.Helper()
	dir := w.t.TempDir()
	tokens, htpasswd := filepath.Join(dir, "tokens"), filepath.Join(dir, "htpasswd")
	must(w.t, os.WriteFile(tokens, []byte(tokensCSV), 0o600))
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	must(w.t, err)
	must(w.t, os.WriteFile(htpasswd, fmt.Appendf(nil, "carol:%s\n", hash), 0o600))
	ca, err := dynamiccertificates.NewStaticCAContent("authority", w.authority.CertPEM())
	must(w.t, err)
	a, err := authn.New(ctx, authn.Config{ClientCA: ca, TokensFile: tokens, HtpasswdFile: htpasswd})
	must(w.t, err)
	return a
}

// rights says who may do what, and remembers what was asked: bob may nothing,
// reader only get, meter only read the metrics of nodes, all others all.
func (w *world) rights() authorizer.Authorizer {
	return authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		w.asked.add(a)
		switch a.GetUser().GetName() {
		case "bob":
			return authorizer.DecisionNoOpinion, "", nil
		case "reader":
			if a.GetVerb() != "get" {
				return authorizer.DecisionNoOpinion, "", nil
			}
		case "meter":
			if a.GetVerb() != "get" || a.GetResource() != "nodes" || a.GetSubresource() != "metrics" {
				return authorizer.DecisionNoOpinion, "", nil
			}
		}
		return authorizer.DecisionAllow, "", nil
	})
}

// leaf issues a certificate.
func (w *world) leaf(l certs.Leaf) tls.Certificate {
	w.t.Helper()
	certPEM, keyPEM, err := w.authority.Issue(l)
	must(w.t, err)
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	must(w.t, err)
	return pair
}

// roots are what the world's clients trust.
func (w *world) roots() *x509.CertPool { return w.authority.Pool() }

// log is a list that many may add to.
type log[T any] struct {
	mu  sync.Mutex
	all []T
}

func (l *log[T]) add(v T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, v)
}

// take returns what was added since the last call.
func (l *log[T]) take() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.all
	l.all = nil
	return all
}

// recorder is an audit backend at the edge of the process.
type recorder struct{ events *log[*auditinternal.Event] }

// ProcessEvents remembers the events.
func (r recorder) ProcessEvents(events ...*auditinternal.Event) bool {
	for _, e := range events {
		r.events.add(e)
	}
	return true
}

// Run has nothing to do.
func (recorder) Run(<-chan struct{}) error { return nil }

// Shutdown has nothing to do.
func (recorder) Shutdown() {}

func (recorder) String() string { return "accesstest" }

// everything is an audit policy.
type everything struct{}

// EvaluatePolicyRule asks for more than may be recorded.
func (everything) EvaluatePolicyRule(authorizer.Attributes) audit.RequestAuditConfig {
	return audit.RequestAuditConfig{Level: auditinternal.LevelRequestResponse}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
