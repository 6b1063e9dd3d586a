package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/initializer"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/klog/v2"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/causeway-access/causeway/internal/apiserver/resources"
	"github.com/causeway-access/causeway/internal/apiserver/service"
	"github.com/causeway-access/causeway/internal/apiserver/usage"
)

// Server serves the API.
type Server struct {
	base      *Base
	generic   *genericapiserver.GenericAPIServer
	etcd      *clientv3.Client
	allocator *service.Allocators
}

const defaultDrainTimeout = 10 * time.Second

// Build makes the server. Nothing is served before [Server.Run].
func (b *Base) Build(id Identity) (*Server, error) {
	etcd, err := b.cfg.Store.Client()
	if err != nil {
		return nil, err
	}
	s := &Server{base: b, etcd: etcd, allocator: service.New(service.Config{
		Store: etcd.KV, CIDR: b.cfg.ServiceCIDR,
		FirstNodePort: b.cfg.FirstNodePort, LastNodePort: b.cfg.LastNodePort,
	})}
	if err := s.build(id); err != nil {
		return nil, errors.Join(err, etcd.Close())
	}
	return s, nil
}

func (s *Server) build(id Identity) error {
	g := s.base.generic
	g.Authentication.Authenticator, g.Authentication.APIAudiences = id.Authenticator, id.Audiences
	g.Authorization.Authorizer, g.RuleResolver = id.Authorizer, id.Rules
	g.EnableMetrics = id.Handlers["/metrics"] == nil
	if err := s.admit(id.Restrict); err != nil {
		return fmt.Errorf("preparing admission: %w", err)
	}
	custom, err := s.extend()
	if err != nil {
		return err
	}
	frontErr := s.stand(id)
	s.generic, err = g.Complete(s.base.Informers).New("causeway", custom.GenericAPIServer)
	if err := errors.Join(err, *frontErr); err != nil {
		return fmt.Errorf("building the API server: %w", err)
	}
	s.generic.ShutdownTimeout, s.generic.ShutdownDelayDuration = s.drainTime(), s.base.cfg.ShutdownDelay
	for path, handler := range id.Handlers {
		s.generic.Handler.NonGoRestfulMux.Handle(path, handler)
	}
	if err := s.install(id); err != nil {
		return fmt.Errorf("installing the API groups: %w", err)
	}
	if err := s.announce(custom); err != nil {
		return fmt.Errorf("announcing custom resources: %w", err)
	}
	return s.OnStart("service-allocations", s.repairAllocations)
}

// admit sets up what gives pods their accounts, the published admission plugins (namespace life cycle,
// policies in CEL, and webhooks), and after them what restricts users by what
// they write.
func (s *Server) admit(may Restriction) error {
	g := s.base.generic
	webhooks := initializer.NewPluginInitializer(s.webhookAuthentication(), s.base.cfg.Webhooks)
	err := options.NewAdmissionOptions().ApplyTo(g, s.base.Informers, s.base.Client, s.base.Dynamic, g.FeatureGate, g.EffectiveVersion, webhooks)
	if err != nil {
		return err
	}
	// Pods get their accounts before policies and webhooks see them.
	g.AdmissionControl = admission.NewChainHandler(newPodAccounts(s.base), g.AdmissionControl)
	if may != nil {
		g.AdmissionControl = admission.NewChainHandler(g.AdmissionControl, restrict(may))
	}
	return nil
}

// stand puts id.Front before the chain. The library builds the chain while
// it completes the configuration and takes no error from it, so the error
// comes by the returned pointer.
func (s *Server) stand(id Identity) *error {
	var err error
	s.base.generic.BuildHandlerChainFunc = func(api http.Handler, c *genericapiserver.Config) http.Handler {
		chain := withChallenge(id.Challenge, genericapiserver.DefaultBuildHandlerChain(api, c))
		if id.Front == nil {
			return chain
		}
		// c's authenticator knows the loopback token, unlike id's.
		var front http.Handler
		front, err = id.Front(chain, c.Authentication.Authenticator, c.Authorization.Authorizer)
		if err != nil {
			return chain
		}
		return front
	}
	return &err
}

func (s *Server) install(id Identity) error {
	groups, err := resources.Groups(resources.Config{
		Scheme: s.base.scheme, Options: s.base.generic.RESTOptionsGetter, Services: s.allocator,
		Tokens: id.Tokens, Authenticator: id.Token, Audiences: id.Audiences,
		Authorizer: id.Authorizer, Rules: id.Rules, Escalation: id.Escalation,
		Nodes: s.base.cfg.Nodes,
	})
	if err != nil {
		return err
	}
	core, named := groups[0], groups[1:]
	if err := s.generic.InstallLegacyAPIGroup("/api", core); err != nil {
		return err
	}
	nodes, pods := s.base.Informers.Core().V1().Nodes(), s.base.Informers.Core().V1().Pods()
	named = append(slices.Clone(named), usage.Group(usage.Config{
		Scheme: s.base.usage, Nodes: nodes.Lister(), Pods: pods.Lister(), Reach: s.base.cfg.Nodes,
	}))
	return s.generic.InstallAPIGroups(named...)
}

// OnStart runs start once the server listens; the server is ready only when
// it has returned.
func (s *Server) OnStart(name string, start func(ctx context.Context) error) error {
	return s.generic.AddPostStartHook(name, func(h genericapiserver.PostStartHookContext) error {
		// The library ends the process over an error of a hook, and a server
		// that is told to end before it was ready ends well.
		if err := start(h); h.Err() == nil {
			return err
		}
		return nil
	})
}

// Run serves until ctx ends. Then /readyz fails at once; connections are
// accepted for the shutdown delay more; what is under way gets the drain time.
func (s *Server) Run(ctx context.Context) error {
	prepared := s.generic.PrepareRun()
	ended, err := s.serve(s.generic.Handler)
	if err != nil {
		return errors.Join(err, s.etcd.Close())
	}
	err = prepared.RunWithContext(ctx)
	s.base.door.Close() // it is, unless the start has failed
	return errors.Join(err, <-ended, s.etcd.Close())
}

// repairAllocations runs once before the server is ready, and then from time
// to time.
func (s *Server) repairAllocations(hook context.Context) error {
	list := func(ctx context.Context) ([]corev1.Service, error) {
		l, err := s.base.Client.CoreV1().Services(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		return l.Items, nil
	}
	err := wait.PollUntilContextTimeout(hook, 50*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		err := s.allocator.Repair(ctx, list)
		if err != nil {
			klog.V(2).InfoS("Repairing the allocations of services; trying again", "err", err)
		}
		return err == nil, nil
	})
	if err != nil {
		return fmt.Errorf("repairing the allocations of services: %w", err)
	}
	go wait.UntilWithContext(hook, func(ctx context.Context) {
		if err := s.allocator.Repair(ctx, list); err != nil && ctx.Err() == nil {
			klog.ErrorS(err, "Repairing the allocations of services")
		}
	}, service.RepairEvery)
	return nil
}
