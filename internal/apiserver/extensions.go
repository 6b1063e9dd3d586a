package apiserver

import (
	"context"
	"fmt"
	"maps"

	definitions "github.com/causeway-access/causeway/internal/apiserver/openapi"
	"go.opentelemetry.io/otel/trace/noop"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	extensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apiextensions-apiserver/pkg/cmd/server/options"
	"k8s.io/apiextensions-apiserver/pkg/controller/openapi"
	"k8s.io/apiextensions-apiserver/pkg/controller/openapiv3"
	extensiondefinitions "k8s.io/apiextensions-apiserver/pkg/generated/openapi"
	"k8s.io/apimachinery/pkg/runtime"
	genericapiserver "k8s.io/apiserver/pkg/server"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/apiserver/pkg/util/webhook"
	"k8s.io/kube-openapi/pkg/common"
)

// extend builds the server of custom resources, which the API server asks for
// whatever it does not serve itself.
func (s *Server) extend() (*extensions.CustomResourceDefinitions, error) {
	generic := *s.base.generic
	generic.PostStartHooks = map[string]genericapiserver.PostStartHookConfigEntry{}
	generic.BuildHandlerChainFunc = genericapiserver.DefaultBuildHandlerChain
	etcd := *s.base.etcd
	etcd.StorageConfig.Codec = extensions.Codecs.LegacyCodec(apiextensionsv1.SchemeGroupVersion)
	etcd.StorageConfig.EncodeVersioner = runtime.NewMultiGroupVersioner(apiextensionsv1.SchemeGroupVersion)
	etcd.SkipHealthEndpoints = true // the API server looks after the same etcd
	if err := etcd.ApplyTo(&generic); err != nil {
		return nil, fmt.Errorf("preparing the storage of custom resources: %w", err)
	}
	generic.MergedResourceConfig = serverstorage.NewResourceConfig()
	generic.MergedResourceConfig.EnableVersions(apiextensionsv1.SchemeGroupVersion)
	cfg := extensions.Config{
		GenericConfig: &genericapiserver.RecommendedConfig{Config: generic, SharedInformerFactory: s.base.Informers},
		ExtraConfig: extensions.ExtraConfig{
			CRDRESTOptionsGetter: options.NewCRDRESTOptionsGetter(etcd, generic.ResourceTransformers, generic.StorageObjectCountTracker),
			MasterCount:          1,
			AuthResolverWrapper:  s.webhookAuthentication(),
			ServiceResolver:      s.base.cfg.Webhooks,
		},
	}
	server, err := cfg.Complete().New(genericapiserver.NewEmptyDelegate())
	if err != nil {
		return nil, fmt.Errorf("building the server of custom resources: %w", err)
	}
	return server, nil
}

// webhookAuthentication is how the server shows itself to webhooks: not at all.
func (s *Server) webhookAuthentication() webhook.AuthenticationInfoResolverWrapper {
	return webhook.NewDefaultAuthenticationInfoResolverWrapper(nil, nil, s.base.generic.LoopbackClientConfig, noop.NewTracerProvider())
}

// announce has the API server describe custom resources along with its own:
// in the list of groups, and in OpenAPI.
func (s *Server) announce(custom *extensions.CustomResourceDefinitions) error {
	crds := custom.Informers.Apiextensions().V1().CustomResourceDefinitions()
	groups, err := newGroupList(crds, s.generic.DiscoveryGroupManager)
	if err != nil {
		return err
	}
	second, third := openapi.NewController(crds), openapiv3.NewController(crds)
	return s.OnStart("causeway-custom-resources", func(ctx context.Context) error {
		go groups.run(ctx)
		go second.Run(s.generic.StaticOpenAPISpec, s.generic.OpenAPIVersionedService, ctx.Done())
		go third.Run(s.generic.OpenAPIV3VersionedService, ctx.Done())
		return nil
	})
}

// allDefinitions are those of the API's own types and of custom resources'.
func allDefinitions(ref common.ReferenceCallback) map[string]common.OpenAPIDefinition {
	all := definitions.GetOpenAPIDefinitions(ref)
	maps.Copy(all, extensiondefinitions.GetOpenAPIDefinitions(ref))
	return all
}
