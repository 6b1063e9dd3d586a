package portforward

import (
	"fmt"
	"strings"
)

// Target is what to connect to.
type Target struct {
	// Resource is the plural resource name, one of those of ParseTarget.
	Resource string
	// Namespace and Name are the object's.
	Namespace, Name string
}

// String returns the target as people write it, without its namespace.
func (t Target) String() string {
	return strings.TrimSuffix(t.Resource, "s") + "/" + t.Name
}

// resources are the resources of a target by what people call them.
var resources = map[string]string{
	"po": "pods", "pod": "pods", "pods": "pods",
	"svc": "services", "service": "services", "services": "services",
	"deploy": "deployments", "deployment": "deployments", "deployments": "deployments",
	"rs": "replicasets", "replicaset": "replicasets", "replicasets": "replicasets",
	"sts": "statefulsets", "statefulset": "statefulsets", "statefulsets": "statefulsets",
	"ds": "daemonsets", "daemonset": "daemonsets", "daemonsets": "daemonsets",
}

// ParseTarget reads TYPE/NAME, as in svc/db; a bare NAME is a pod's.
func ParseTarget(text, namespace string) (Target, error) {
	kind, name, typed := strings.Cut(text, "/")
	if !typed {
		kind, name = "pod", text
	}
	resource, known := resources[strings.ToLower(kind)]
	switch {
	case !known:
		return Target{}, fmt.Errorf("%q: ports of %q cannot be forwarded; of svc, pod, deploy, rs, sts and ds they can", text, kind)
	case name == "" || strings.ContainsAny(name, "/%?#"):
		return Target{}, fmt.Errorf("%q: want TYPE/NAME, as in svc/db", text)
	}
	return Target{Resource: resource, Namespace: namespace, Name: name}, nil
}

// path returns the URL path of an object of the core group's, or below one.
func (t Target) path(more ...string) string {
	return strings.Join(append([]string{"/api/v1/namespaces", t.Namespace, t.Resource, t.Name}, more...), "/")
}

// workloadPath returns the URL path of a workload, which is of the group apps.
func (t Target) workloadPath() string {
	return strings.Replace(t.path(), "/api/v1/", "/apis/apps/v1/", 1)
}
