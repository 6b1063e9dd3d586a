// Package resources lists what the API serves: every group with its
// resources and subresources, a file a group, and what is special about a
// kind beside its declaration.
package resources

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"

	"github.com/causeway-access/causeway/internal/apiserver/podstreams"
	"github.com/causeway-access/causeway/internal/apiserver/registry"
	"github.com/causeway-access/causeway/internal/apiserver/scheme"
	"github.com/causeway-access/causeway/internal/apiserver/service"
)

// Config is what the resources need from outside.
type Config struct {
	Scheme *scheme.Scheme
	// Options leads to the storage of each resource.
	Options generic.RESTOptionsGetter
	// Services allocates addresses and ports.
	Services *service.Allocators
	// Tokens issues the tokens of service accounts.
	Tokens TokenIssuer
	// Authenticator answers token reviews, Audiences are the server's own.
	Authenticator authenticator.Token
	Audiences     authenticator.Audiences
	// Authorizer and Rules answer access reviews and escalation checks.
	Authorizer authorizer.Authorizer
	Rules      authorizer.RuleResolver
	// Escalation guards roles and bindings.
	Escalation EscalationGuard
	// Nodes says how the agents of nodes are reached, for what leads into pods.
	Nodes podstreams.Nodes
}

// served is what one group serves: resources and "resource/subresource".
type served map[string]rest.Storage

// Groups builds the storage of every group. The first is the core group,
// served under /api; the others follow under /apis in the order in which
// clients should prefer them.
func Groups(cfg Config) ([]*genericapiserver.APIGroupInfo, error) {
	b := &builder{Config: cfg}
	events := b.rest(events())
	groups := []*genericapiserver.APIGroupInfo{
		b.group("", b.core(events)),
		b.group("apps", b.apps()),
		b.group("authentication.k8s.io", b.authentication()),
		b.group("authorization.k8s.io", b.authorization()),
		b.group("batch", b.batch()),
		b.group("certificates.k8s.io", b.certificates()),
		b.group("coordination.k8s.io", b.coordination()),
		b.group("discovery.k8s.io", b.discovery()),
		b.group("networking.k8s.io", b.networking()),
		b.group("rbac.authorization.k8s.io", b.rbac()),
		b.group("events.k8s.io", served{"events": b.newEvents(events)}),
		b.group("admissionregistration.k8s.io", b.admissionregistration()),
	}
	return groups, b.err
}

// builder makes storages and keeps the first error, so that the lists above
// and in the groups' files stay lists.
type builder struct {
	Config
	err error
}

func (b *builder) rest(r *registry.Resource) *registry.REST {
	s, err := registry.NewREST(r, b.Scheme, b.Options)
	if err != nil {
		if b.err == nil {
			b.err = err
		}
		return &registry.REST{}
	}
	return s
}

// add puts a resource, and its status if it has one, into s.
func (b *builder) add(s served, resources ...*registry.Resource) served {
	for _, r := range resources {
		store := b.rest(r)
		if b.err != nil {
			return s
		}
		s[r.Plural] = store
		if r.Status {
			s[r.Plural+"/status"] = store.Status()
		}
	}
	return s
}

func (b *builder) group(name string, resources served) *genericapiserver.APIGroupInfo {
	info := genericapiserver.NewDefaultAPIGroupInfo(name, b.Scheme.Scheme, b.Scheme.Parameters, b.Scheme.Codecs)
	if len(info.PrioritizedVersions) == 0 && b.err == nil {
		b.err = fmt.Errorf("group %q has no version in the scheme", name)
	}
	v1 := schema.GroupVersion{Group: name, Version: "v1"}
	info.PrioritizedVersions = []schema.GroupVersion{v1}
	info.VersionedResourcesStorageMap[v1.Version] = resources
	return &info
}
