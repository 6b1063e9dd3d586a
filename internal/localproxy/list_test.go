package localproxy_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/causeway-access/causeway/internal/localproxy"
)

func inNamespace(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: name}}
}

// listing has an API server list what it holds, where the user may list.
func listing(may func(path string) bool) func(*api) {
	no, https := false, "https"
	services := corev1.ServiceList{Items: []corev1.Service{
		{ObjectMeta: inNamespace("default", "web"), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 80, Protocol: "TCP"}}}},
		{ObjectMeta: inNamespace("default", "a--b"), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80, Protocol: "TCP"}}}},
		{ObjectMeta: inNamespace("kube-system", "dns"), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{
			{Name: "dns", Port: 53, Protocol: "UDP"}, {Name: "metrics", Port: 9153, Protocol: "TCP", AppProtocol: &https},
		}}},
	}}
	slices := discoveryv1.EndpointSliceList{Items: []discoveryv1.EndpointSlice{
		{ObjectMeta: inNamespace("default", "web"), Endpoints: []discoveryv1.Endpoint{
			{Addresses: []string{"10.0.0.1"}}, {Addresses: []string{"10.0.0.2"}}, {Addresses: []string{"10.0.0.3"}, Conditions: discoveryv1.EndpointConditions{Ready: &no}},
		}},
		{ObjectMeta: inNamespace("default", "web"), Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.1"}}}}, // by another port
	}}
	return func(a *api) {
		a.handle = func(w http.ResponseWriter, r *http.Request) {
			var out any
			_, rest, _ := strings.Cut(r.URL.Path, "/namespaces/")
			namespace, _, _ := strings.Cut(rest, "/")
			switch path := r.URL.Path; {
			case strings.HasSuffix(path, "/selfsubjectaccessreviews"):
				var review authorizationv1.SelfSubjectAccessReview
				body, _ := io.ReadAll(r.Body)
				_, _, _ = scheme.Codecs.UniversalDeserializer().Decode(body, nil, &review)
				review.Status.Allowed = may("/reach/" + review.Spec.ResourceAttributes.Namespace)
				out = review
			case !may(path):
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusForbidden)
				status := apierrors.NewForbidden(schema.GroupResource{Resource: "services"}, "", nil).Status()
				status.APIVersion, status.Kind = "v1", "Status"
				out = status
			case path == "/api/v1/namespaces":
				out = corev1.NamespaceList{Items: []corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, {ObjectMeta: metav1.ObjectMeta{Name: "kube-system"}}}}
			case strings.HasSuffix(path, "/services"):
				list := corev1.ServiceList{}
				for _, one := range services.Items {
					if namespace == "" || one.Namespace == namespace {
						list.Items = append(list.Items, one)
					}
				}
				out = list
			case strings.HasSuffix(path, "/endpointslices"):
				out = slices
			default:
				out = map[string][]string{"paths": {"/api"}}
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(out)
		}
	}
}

func everything(string) bool { return true }

func TestListOfServices(t *testing.T) {
	a := newAPI(t, listing(everything))
	p := newProxy(t, localproxy.Config{REST: a.config(t), Filter: defaults(t), APIPrefix: "/k8s"})
	w := ask(p, http.MethodGet, "127.0.0.1:8001", localproxy.ListPath)
	var got localproxy.List
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	none, two := 0, 2
	want := localproxy.List{Services: []localproxy.Listed{
		{Namespace: "default", Name: "a--b", Ready: &none, Ports: []localproxy.ListedPort{
			{Port: 80, Protocol: "TCP", URL: "http://80--a--b.default.localhost:8001/", PrefixURL: "/k8s/api/v1/namespaces/default/services/a--b:80/proxy/"},
		}},
		{Namespace: "default", Name: "web", Ready: &two, Ports: []localproxy.ListedPort{
			{Name: "http", Port: 80, Protocol: "TCP", URL: "http://web.default.localhost:8001/", PrefixURL: "/k8s/api/v1/namespaces/default/services/web/proxy/"},
		}},
		{Namespace: "kube-system", Name: "dns", Ready: &none, Ports: []localproxy.ListedPort{
			{Name: "dns", Port: 53, Protocol: "UDP"},
			{
				Name: "metrics", Port: 9153, Protocol: "TCP", URL: "http://https.metrics--dns.kube-system.localhost:8001/",
				PrefixURL: "/k8s/api/v1/namespaces/kube-system/services/https:dns:metrics/proxy/",
			},
		}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWhoMayNotListEverything(t *testing.T) {
	for _, test := range []struct {
		name      string
		may       func(string) bool
		namespace string
		services  string
		note      string
	}{
		{"namespaces one by one", func(path string) bool { return path != "/api/v1/services" }, "", "a--b web dns", ""},
		{"but for one", func(path string) bool {
			return path != "/api/v1/services" && path != "/api/v1/namespaces/default/services"
		}, "", "dns", "namespace default"},
		{"his own", func(path string) bool { return strings.Contains(path, "/namespaces/") }, "kube-system", "dns", "those of namespace kube-system"},
		{"none said to be his", func(path string) bool { return strings.Contains(path, "/namespaces/") }, "", "a--b web", "those of namespace default"},
		{"all, and reaches none", func(path string) bool { return !strings.HasPrefix(path, "/reach/") }, "", "a--b web dns", "may answer 403: default, kube-system."},
		{"all, and reaches some", func(path string) bool { return path != "/reach/" && path != "/reach/default" }, "", "a--b web dns", "may answer 403: default."},
		{"nothing", func(string) bool { return false }, "", "", "namespace default"},
	} {
		a := newAPI(t, listing(test.may))
		p := newProxy(t, localproxy.Config{REST: a.config(t), Namespace: test.namespace})
		w := ask(p, http.MethodGet, "localhost:8001", localproxy.ListPath)
		var got localproxy.List
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", test.name, w.Code, w.Body)
		}
		var names []string
		for _, one := range got.Services {
			names = append(names, one.Name)
		}
		if strings.Join(names, " ") != test.services || !strings.Contains(strings.Join(got.Notes, " "), test.note) {
			t.Errorf("%s: %v %q, want %s and %q", test.name, names, got.Notes, test.services, test.note)
		}
	}
}

func TestWhatIsAtTheRoot(t *testing.T) {
	a := newAPI(t, listing(everything))
	p := newProxy(t, localproxy.Config{REST: a.config(t), Filter: defaults(t)})
	const browser = "text/html,application/xhtml+xml,*/*;q=0.8"
	for _, accept := range []string{"*/*", "application/json", ""} {
		if w := ask(p, http.MethodGet, "localhost:8001", "/", "Accept", accept); !strings.Contains(w.Body.String(), `"paths"`) {
			t.Errorf("who accepts %q gets %s, want the API's answer", accept, w.Body)
		}
	}
	w := ask(p, http.MethodGet, "localhost:8001", "/", "Accept", browser)
	for _, want := range []string{
		`<a href="http://web.default.localhost:8001/">`, `href="/api/v1/namespaces/default/services/web/proxy/"`, `<span class="up">2</span>`, `<span class="down">0</span>`, "53/UDP",
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page has no %s:\n%s", want, w.Body)
		}
	}
	if got := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'; style-src 'sha256-") || !strings.Contains(got, "frame-ancestors 'none'") {
		t.Errorf("Content-Security-Policy: %s", got)
	}
	if w := ask(p, http.MethodGet, "[::1]:8001", "/", "Accept", browser); !strings.Contains(w.Body.String(), `<a href="http://web.default.localhost:8001/">`) {
		t.Errorf("by the address of IPv6 the page is\n%s", w.Body)
	}
	for _, page := range []string{localproxy.StatusPath, localproxy.ListPath} {
		if w := ask(p, http.MethodGet, "localhost:8001", page, "Accept", browser); w.Code != 200 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %d %v", page, w.Code, w.Header())
		}
	}
}

func TestListWithoutAnAPIServer(t *testing.T) {
	a := newAPI(t)
	a.kill()
	p := newProxy(t, localproxy.Config{REST: a.config(t)})
	if w := ask(p, http.MethodGet, "localhost", "/", "Accept", "text/html"); w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "listing the services") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
