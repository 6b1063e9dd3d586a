package validation_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

func networking(resource string) schema.GroupResource {
	return schema.GroupResource{Group: networkingv1.GroupName, Resource: resource}
}

const webIngress = `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web, namespace: default}, spec: {ingressClassName: own,
tls: [{hosts: ['*.example.org'], secretName: cert}],
rules: [{host: www.example.org, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}}`

func TestIngressIsRefusedWhenCreated(t *testing.T) {
	path := func(edit func(*networkingv1.HTTPIngressPath)) func(*networkingv1.Ingress) {
		return func(i *networkingv1.Ingress) { edit(&i.Spec.Rules[0].HTTP.Paths[0]) }
	}
	service := func(edit func(*networkingv1.IngressServiceBackend)) func(*networkingv1.Ingress) {
		return path(func(p *networkingv1.HTTPIngressPath) { edit(p.Backend.Service) })
	}
	const p = " spec.rules[0].http.paths[0]."
	ref := &corev1.TypedLocalObjectReference{Kind: "Bucket", Name: "b"}
	creations(t, networking("ingresses"), webIngress, []change[*networkingv1.Ingress]{
		{"nothing to serve", func(i *networkingv1.Ingress) { i.Spec.Rules = nil }, []string{invalid + " spec"}},
		{"a default alone", func(i *networkingv1.Ingress) {
			i.Spec.DefaultBackend, i.Spec.Rules = &i.Spec.Rules[0].HTTP.Paths[0].Backend, nil
		}, nil},
		{"an address as host", func(i *networkingv1.Ingress) { i.Spec.Rules[0].Host = "192.0.2.1" }, []string{invalid + " spec.rules[0].host"}},
		{"a wildcard host", func(i *networkingv1.Ingress) { i.Spec.Rules[0].Host = "*.example.org" }, nil},
		{"a wildcard in the middle", func(i *networkingv1.Ingress) { i.Spec.Rules[0].Host = "a.*.org" }, []string{invalid + " spec.rules[0].host"}},
		{"a host with a port", func(i *networkingv1.Ingress) { i.Spec.Rules[0].Host = "a.org:80" }, []string{invalid + " spec.rules[0].host"}},
		{"no paths", func(i *networkingv1.Ingress) { i.Spec.Rules[0].HTTP.Paths = nil }, []string{required + " spec.rules[0].http.paths"}},
		{"no path type", path(func(h *networkingv1.HTTPIngressPath) { h.PathType = nil }), []string{required + p + "pathType"}},
		{"unknown path type", path(func(h *networkingv1.HTTPIngressPath) { h.PathType = ptr.To[networkingv1.PathType]("Regex") }), []string{unsupported + p + "pathType"}},
		{"relative path", path(func(h *networkingv1.HTTPIngressPath) { h.Path = "a" }), []string{invalid + p + "path"}},
		{"no path", path(func(h *networkingv1.HTTPIngressPath) { h.Path = "" }), []string{invalid + p + "path"}},
		{"no path, as the controller likes", path(func(h *networkingv1.HTTPIngressPath) {
			h.Path, h.PathType = "", ptr.To(networkingv1.PathTypeImplementationSpecific)
		}), nil},
		{"path with dots", path(func(h *networkingv1.HTTPIngressPath) { h.Path = "/a/../b" }), []string{invalid + p + "path"}},
		{"path that ends in dots", path(func(h *networkingv1.HTTPIngressPath) { h.Path = "/a/.." }), []string{invalid + p + "path"}},
		{"path with two slashes", path(func(h *networkingv1.HTTPIngressPath) { h.Path = "/a//b" }), []string{invalid + p + "path"}},
		{"path with a hidden slash", path(func(h *networkingv1.HTTPIngressPath) { h.Path = "/a%2fb" }), []string{invalid + p + "path"}},
		{"no backend", path(func(h *networkingv1.HTTPIngressPath) { h.Backend.Service = nil }), []string{invalid + p + "backend"}},
		{"two backends", path(func(h *networkingv1.HTTPIngressPath) { h.Backend.Resource = ref }), []string{invalid + p + "backend"}},
		{"a resource", path(func(h *networkingv1.HTTPIngressPath) { h.Backend.Service, h.Backend.Resource = nil, ref }), nil},
		{"service without name", service(func(s *networkingv1.IngressServiceBackend) { s.Name = "" }), []string{required + p + "backend.service.name"}},
		{"service with a bad name", service(func(s *networkingv1.IngressServiceBackend) { s.Name = "a.b" }), []string{invalid + p + "backend.service.name"}},
		{"service without port", service(func(s *networkingv1.IngressServiceBackend) { s.Port.Number = 0 }), []string{required + p + "backend"}},
		{"service with two ports", service(func(s *networkingv1.IngressServiceBackend) { s.Port.Name = "http" }), []string{invalid + p + "backend"}},
		{"port out of range", service(func(s *networkingv1.IngressServiceBackend) { s.Port.Number = 65536 }), []string{invalid + p + "backend.service.port.number"}},
		{"TLS of a bad host", func(i *networkingv1.Ingress) { i.Spec.TLS[0].Hosts[0] = "*.*.org" }, []string{invalid + " spec.tls[0].hosts[0]"}},
		{"TLS of a bad secret", func(i *networkingv1.Ingress) { i.Spec.TLS[0].SecretName = "A" }, []string{invalid + " spec.tls[0].secretName"}},
		{"bad class", func(i *networkingv1.Ingress) { i.Spec.IngressClassName = ptr.To("A b") }, []string{invalid + " spec.ingressClassName"}},
		{"class said twice", func(i *networkingv1.Ingress) {
			i.Annotations = map[string]string{"kubernetes.io/ingress.class": "own"}
		}, []string{invalid + " metadata.annotations.kubernetes.io/ingress.class"}},
	})
}

func TestIngressStatus(t *testing.T) {
	old := stored[*networkingv1.Ingress](t, webIngress)
	in := func(i networkingv1.IngressLoadBalancerIngress) func(*networkingv1.Ingress) {
		return func(o *networkingv1.Ingress) {
			o.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{i}
		}
	}
	const p = " status.loadBalancer.ingress[0]."
	updates(t, validation.For(networking("ingresses")).Status, old, []change[*networkingv1.Ingress]{
		{"address", in(networkingv1.IngressLoadBalancerIngress{IP: "192.0.2.1"}), nil},
		{"bad address", in(networkingv1.IngressLoadBalancerIngress{IP: "192.0.2"}), []string{invalid + p + "ip"}},
		{"address as host", in(networkingv1.IngressLoadBalancerIngress{Hostname: "192.0.2.1"}), []string{invalid + p + "hostname"}},
	})
}

const ownClass = `{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: own}, spec: {controller: example.org/own,
parameters: {apiGroup: example.org, kind: Settings, name: s}}}`

func TestIngressClassIsRefusedWhenCreated(t *testing.T) {
	params := func(edit func(*networkingv1.IngressClassParametersReference)) func(*networkingv1.IngressClass) {
		return func(c *networkingv1.IngressClass) { edit(c.Spec.Parameters) }
	}
	const p = " spec.parameters."
	creations(t, networking("ingressclasses"), ownClass, []change[*networkingv1.IngressClass]{
		{"no controller", func(c *networkingv1.IngressClass) { c.Spec.Controller = "" }, []string{required + " spec.controller"}},
		{"controller without path", func(c *networkingv1.IngressClass) { c.Spec.Controller = "example.org" }, []string{invalid + " spec.controller"}},
		{"controller too long", func(c *networkingv1.IngressClass) { c.Spec.Controller = "example.org/" + strings.Repeat("a", 250) }, []string{long + " spec.controller"}},
		{"parameters without kind", params(func(r *networkingv1.IngressClassParametersReference) { r.Kind = "" }), []string{required + p + "kind"}},
		{"parameters without name", params(func(r *networkingv1.IngressClassParametersReference) { r.Name = "" }), []string{required + p + "name"}},
		{"parameters of an unknown scope", params(func(r *networkingv1.IngressClassParametersReference) { r.Scope = ptr.To("All") }), []string{unsupported + p + "scope"}},
		{"parameters of a namespace, unnamed", params(func(r *networkingv1.IngressClassParametersReference) { r.Scope = ptr.To("Namespace") }), []string{required + p + "namespace"}},
		{"parameters of the cluster in a namespace", params(func(r *networkingv1.IngressClassParametersReference) { r.Namespace = ptr.To("default") }), []string{forbidden + p + "namespace"}},
	})
}

func TestIngressClassKeepsItsController(t *testing.T) {
	updates(t, validation.For(networking("ingressclasses")).Update, stored[*networkingv1.IngressClass](t, ownClass), []change[*networkingv1.IngressClass]{
		{"other parameters", func(c *networkingv1.IngressClass) { c.Spec.Parameters = nil }, nil},
		{"another controller", func(c *networkingv1.IngressClass) { c.Spec.Controller = "example.org/other" }, []string{invalid + " spec.controller"}},
	})
}
