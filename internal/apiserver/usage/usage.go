// Package usage serves metrics.k8s.io: what nodes and the containers of pods use
// of processors and memory, for `kubectl top` and for those who scale by it.
//
// Nothing is stored. Who asks has the agents of the nodes be asked, each at most
// every ten seconds; a rate is that between two answers of an agent, and before
// there are two the average since the start of what is measured.
package usage

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/metrics/pkg/apis/metrics"
	"k8s.io/metrics/pkg/apis/metrics/install"

	"github.com/causeway-access/causeway/internal/apiserver/podstreams"
)

// Scheme returns a scheme of the group's kinds.
func Scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	install.Install(s)
	metav1.AddToGroupVersion(s, metav1.Unversioned)
	return s
}

// Config is what the group stands on.
type Config struct {
	Scheme *runtime.Scheme
	Nodes  corelisters.NodeLister
	Pods   corelisters.PodLister
	// Reach says how agents are reached.
	Reach podstreams.Nodes
}

const (
	// askTime bounds what an agent takes to answer.
	askTime = 10 * time.Second
	// idleTime is how long connections to agents are kept.
	idleTime = 90 * time.Second
)

// Group returns the group to be installed, in all its versions.
func Group(config Config) *genericapiserver.APIGroupInfo {
	dial := config.Reach.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: askTime}).DialContext
	}
	source := &source{
		nodes: config.Nodes, pods: config.Pods, samples: map[string]*sample{},
		client: &http.Client{Transport: &http.Transport{
			DialContext: dial, TLSClientConfig: tlsOf(config.Reach), TLSHandshakeTimeout: askTime,
			IdleConnTimeout: idleTime, MaxIdleConnsPerHost: 1,
		}},
	}
	group := genericapiserver.NewDefaultAPIGroupInfo(metrics.GroupName, config.Scheme, runtime.NewParameterCodec(config.Scheme), serializer.NewCodecFactory(config.Scheme))
	for _, version := range config.Scheme.PrioritizedVersionsForGroup(metrics.GroupName) {
		group.VersionedResourcesStorageMap[version.Version] = map[string]rest.Storage{
			"nodes": &nodeStorage{source}, "pods": &podStorage{source},
		}
	}
	return &group
}

func tlsOf(reach podstreams.Nodes) *tls.Config {
	if reach.TLS == nil {
		return nil
	}
	return reach.TLS.Clone()
}
