package apiserver

import (
	"cmp"
	"fmt"
	"net"

	"go.opentelemetry.io/otel/trace"
	extensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	apimachineryversion "k8s.io/apimachinery/pkg/version"
	"k8s.io/apiserver/pkg/endpoints/discovery/aggregated"
	"k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	genericfilters "k8s.io/apiserver/pkg/server/filters"
	"k8s.io/apiserver/pkg/server/options"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/util/compatibility"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	restclient "k8s.io/client-go/rest"
	basecompatibility "k8s.io/component-base/compatibility"

	"github.com/causeway-access/causeway/internal/apiserver/scheme"
	"github.com/causeway-access/causeway/internal/apiserver/usage"
	"github.com/causeway-access/causeway/internal/version"
)

// Base is a server that has clients but serves nothing yet.
type Base struct {
	// Loopback reaches the server with every right, over its own listener.
	Loopback *restclient.Config
	// Client is a client by that configuration.
	Client kubernetes.Interface
	// Dynamic is its dynamic sibling.
	Dynamic dynamic.Interface
	// Informers are shared by all parts of this process; the server starts them.
	Informers informers.SharedInformerFactory
	// ClientCA is the authority of client certificates.
	ClientCA dynamiccertificates.CAContentProvider

	cfg     Config
	door    *door
	scheme  *scheme.Scheme
	usage   *runtime.Scheme // of metrics.k8s.io
	generic *genericapiserver.Config
	etcd    *options.EtcdOptions
}

// Prepare builds all that does not depend on who may ask.
func Prepare(cfg Config) (*Base, error) {
	b := &Base{cfg: cfg, scheme: scheme.New(), usage: usage.Scheme()}
	b.generic = genericapiserver.NewConfig(b.scheme.Codecs)
	for _, step := range []struct {
		doing string
		do    func() error
	}{
		{"describing the API", b.describe},
		{"preparing to serve", b.serve},
		{"making clients of the server's own", b.clients},
		{"preparing the storage", b.storage},
	} {
		if err := step.do(); err != nil {
			return nil, fmt.Errorf("%s: %w", step.doing, err)
		}
	}
	return b, nil
}

// Codecs encode what the server answers, as the client asks for it.
func (b *Base) Codecs() runtime.NegotiatedSerializer { return b.scheme.Codecs }

// Tracer makes the spans of the API server, for others to make theirs; nil if
// nobody traces.
func (b *Base) Tracer() trace.TracerProvider {
	if b.cfg.TracingFile == "" {
		return nil
	}
	return b.generic.TracerProvider
}

func (b *Base) describe() error {
	g := b.generic
	g.EffectiveVersion = effectiveVersion{compatibility.DefaultBuildEffectiveVersion()}
	g.FeatureGate = utilfeature.DefaultFeatureGate
	g.LegacyAPIGroupPrefixes = sets.NewString("/api")
	g.LongRunningFunc = genericfilters.BasicLongRunningRequestCheck(
		sets.NewString("watch", "proxy"),
		sets.NewString("attach", "exec", "proxy", "log", "portforward"),
	)
	g.RequestInfoResolver = connects{genericapiserver.NewRequestInfoResolver(g)}
	g.AuditBackend, g.AuditPolicyRuleEvaluator = b.cfg.Audit, b.cfg.AuditPolicy
	// Watches are told to end; otherwise the drain waits for them in vain.
	g.ShutdownWatchTerminationGracePeriod = cmp.Or(b.cfg.DrainTimeout, defaultDrainTimeout)
	namer := openapi.NewDefinitionNamer(b.scheme.Published, extensions.Scheme, b.usage)
	g.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(allDefinitions, namer)
	g.OpenAPIConfig.Info.Title = "Kubernetes"
	g.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(allDefinitions, namer)
	g.OpenAPIV3Config.Info.Title = "Kubernetes"
	return nil
}

// effectiveVersion reports the version this program is of; the library knows
// it only from linker flags.
type effectiveVersion struct {
	basecompatibility.MutableEffectiveVersion
}

// Info implements [basecompatibility.EffectiveVersion].
func (effectiveVersion) Info() *apimachineryversion.Info {
	info := version.Kubernetes()
	return &info
}

func (b *Base) serve() error {
	o := options.NewSecureServingOptions()
	b.door = newDoor(b.cfg.Listener)
	o.Listener = b.door
	o.ServerCert.CertKey = options.CertKey{CertFile: b.cfg.CertFile, KeyFile: b.cfg.KeyFile}
	if err := o.WithLoopback().ApplyToConfig(b.generic); err != nil {
		return err
	}
	g := b.generic
	g.LoopbackClientConfig.WarningHandler = restclient.NoWarnings{} // they are for people
	g.LoopbackClientConfig.QPS, g.LoopbackClientConfig.Burst = -1, -1
	g.LoopbackClientConfig.DisableCompression = true // watches would be compressed event by event, for nobody
	if err := (&options.TracingOptions{ConfigFile: b.cfg.TracingFile}).ApplyTo(nil, g); err != nil {
		return err
	}
	g.PublicAddress = net.IP(b.cfg.Advertise.Addr().AsSlice())
	g.ExternalAddress = b.cfg.Advertise.String()
	var err error
	b.ClientCA, err = dynamiccertificates.NewDynamicCAContentFromFile("client-ca", b.cfg.ClientCAFile)
	if err != nil {
		return err
	}
	return g.Authentication.ApplyClientCert(b.ClientCA, g.SecureServing)
}

func (b *Base) clients() error {
	b.Loopback = b.generic.LoopbackClientConfig
	fast := restclient.CopyConfig(b.Loopback)
	fast.ContentType = runtime.ContentTypeProtobuf
	fast.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	var err error
	if b.Client, err = kubernetes.NewForConfig(fast); err != nil {
		return err
	}
	if b.Dynamic, err = dynamic.NewForConfig(b.Loopback); err != nil {
		return err
	}
	b.Informers = informers.NewSharedInformerFactory(b.Client, 0)
	return nil
}

// storagePrefix is Kubernetes' own, so that its tools for etcd find what they expect.
const storagePrefix = "/registry"

func (b *Base) storage() error {
	g := b.generic
	sc := storagebackend.NewDefaultConfig(storagePrefix, nil)
	sc.Transport.ServerList = b.cfg.Store.Servers
	sc.Transport.TrustedCAFile = b.cfg.Store.CAFile
	sc.Transport.CertFile, sc.Transport.KeyFile = b.cfg.Store.CertFile, b.cfg.Store.KeyFile
	sc.StorageObjectCountTracker = g.StorageObjectCountTracker
	o := options.NewEtcdOptions(sc)
	o.DefaultStorageMediaType = runtime.ContentTypeProtobuf
	o.EnableGarbageCollection = true
	o.WatchCacheSizes = []string{"events#0"}
	factory := serverstorage.NewDefaultStorageFactory(
		o.StorageConfig, o.DefaultStorageMediaType, b.scheme.Codecs,
		serverstorage.NewDefaultResourceEncodingConfigForEffectiveVersion(b.scheme.Scheme, g.EffectiveVersion),
		serverstorage.NewResourceConfig(), nil)
	b.etcd = o
	// The server of custom resources adds its groups to the same list.
	g.AggregatedDiscoveryGroupManager = aggregated.NewResourceManager("apis")
	return o.ApplyWithStorageFactoryTo(factory, g)
}
