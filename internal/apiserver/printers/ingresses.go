package printers

import (
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
)

// ingresses shows which hosts are served, and at what address.
func ingresses() view {
	return viewOf(columns(
		nameColumn(),
		text("Class", "The name of the IngressClass resource that should be used for additional configuration"),
		text("Hosts", "Hosts that incoming requests are matched against before the ingress rule"),
		text("Address", "Address is a list containing ingress points for the load-balancer"),
		text("Ports", "Ports of TLS configurations that open"),
		ageColumn(),
	), func(i *networkingv1.Ingress) []any {
		class := none
		if i.Spec.IngressClassName != nil {
			class = *i.Spec.IngressClassName
		}
		return []any{
			i.Name, class, hosts(i.Spec.Rules), ingressAddress(i), ingressPorts(i), age(i.CreationTimestamp),
		}
	})
}

// hosts lists those that rules name; a rule without one is for all hosts.
func hosts(rules []networkingv1.IngressRule) string {
	var list []string
	for _, r := range rules {
		if r.Host != "" {
			list = append(list, r.Host)
		}
	}
	return or(firstOf(list), "*")
}

func ingressAddress(i *networkingv1.Ingress) string {
	var list []string
	for _, in := range i.Status.LoadBalancer.Ingress {
		if a := or(in.IP, in.Hostname); a != "" {
			list = append(list, a)
		}
	}
	return strings.Join(sortedUnique(list), ",")
}

func ingressPorts(i *networkingv1.Ingress) string {
	if len(i.Spec.TLS) > 0 {
		return "80, 443"
	}
	return "80"
}

func ingressClasses() view {
	return viewOf(columns(
		nameColumn(),
		text("Controller", "Controller that is responsible for handling this class"),
		text("Parameters", "A reference to a resource with additional parameters"),
		ageColumn(),
	), func(c *networkingv1.IngressClass) []any {
		return []any{c.Name, c.Spec.Controller, classParameters(c.Spec.Parameters), age(c.CreationTimestamp)}
	})
}

func classParameters(ref *networkingv1.IngressClassParametersReference) string {
	if ref == nil {
		return none
	}
	kind := ref.Kind
	if ref.APIGroup != nil {
		kind += "." + *ref.APIGroup
	}
	return kind + "/" + ref.Name
}
