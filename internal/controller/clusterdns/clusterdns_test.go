package clusterdns_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clienttesting "k8s.io/client-go/testing"

	"github.com/causeway-access/causeway/internal/controller"
	"github.com/causeway-access/causeway/internal/controller/clusterdns"
	"github.com/causeway-access/causeway/internal/controller/controllertest"
)

const system = metav1.NamespaceSystem

// server is one that serves DNS at an address; "" for one that pods do not
// reach.
func server(identity, address string) func(controller.Config) (controller.Controller, error) {
	cfg := clusterdns.Config{Serving: true, ServiceIP: netip.MustParseAddr("10.96.0.10"), Identity: identity}
	if address != "" {
		cfg.Address = netip.MustParseAddrPort(address)
	}
	return with(cfg)
}

// silent is one that serves none.
func silent(identity string) func(controller.Config) (controller.Controller, error) {
	return with(clusterdns.Config{ServiceIP: netip.MustParseAddr("10.96.0.10"), Identity: identity})
}

func with(cfg clusterdns.Config) func(controller.Config) (controller.Controller, error) {
	return func(config controller.Config) (controller.Controller, error) { return clusterdns.New(config, cfg) }
}

// state is the service and its endpoints in a few words.
func state(t *testing.T, client kubernetes.Interface) []string {
	t.Helper()
	words := []string{}
	if s, err := client.CoreV1().Services(system).Get(t.Context(), "kube-dns", metav1.GetOptions{}); err == nil {
		words = append(words, fmt.Sprintf("%s %s", s.Spec.ClusterIP, s.Labels["kubernetes.io/cluster-service"]))
		for _, p := range s.Spec.Ports {
			words = append(words, fmt.Sprintf("%s %d/%s", p.Name, p.Port, p.Protocol))
		}
	}
	list, err := client.DiscoveryV1().EndpointSlices(system).List(t.Context(), metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=kube-dns"})
	if err != nil {
		t.Fatal(err)
	}
	var at []string
	for _, s := range list.Items {
		for _, p := range s.Ports {
			at = append(at, fmt.Sprintf("%s at %s port %d", *p.Name, s.Endpoints[0].Addresses[0], *p.Port))
		}
	}
	slices.Sort(at)
	return append(words, at...)
}

var serviceWords = []string{"10.96.0.10 true", "dns 53/UDP", "dns-tcp 53/TCP"}

func TestTheServiceIsThere(t *testing.T) {
	for _, tt := range []struct {
		name    string
		before  []runtime.Object
		servers []func(controller.Config) (controller.Controller, error)
		want    []string
	}{
		{"pods reach the server", nil, []func(controller.Config) (controller.Controller, error){server("one", "192.0.2.1:10053")},
			append(slices.Clone(serviceWords), "dns at 192.0.2.1 port 10053", "dns-tcp at 192.0.2.1 port 10053")},
		{"they do not", nil, []func(controller.Config) (controller.Controller, error){server("one", "")}, serviceWords},
		{"two servers", nil, []func(controller.Config) (controller.Controller, error){server("one", "192.0.2.1:53"), server("two", "[2001:db8::1]:53")},
			append(slices.Clone(serviceWords), "dns at 192.0.2.1 port 53", "dns at 2001:db8::1 port 53", "dns-tcp at 192.0.2.1 port 53", "dns-tcp at 2001:db8::1 port 53")},
		{"no server", nil, []func(controller.Config) (controller.Controller, error){silent("one")}, []string{}},
		{"somebody brings his own", []runtime.Object{theirs()}, []func(controller.Config) (controller.Controller, error){server("one", "192.0.2.1:53"), silent("two")}, []string{"10.96.0.77 "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := controllertest.NewClient(tt.before...)
				controllertest.Run(t, client, func(context.Context) {
					time.Sleep(time.Minute)
					if d := cmp.Diff(tt.want, state(t, client)); d != "" {
						t.Errorf("(-want +got):\n%s", d)
					}
				}, tt.servers...)
			})
		})
	}
}

func theirs() *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "kube-dns", Namespace: system}, Spec: corev1.ServiceSpec{ClusterIP: "10.96.0.77"}}
}

func TestTheServiceIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := controllertest.NewClient()
		controllertest.Run(t, client, func(ctx context.Context) {
			want := state(t, client)
			if err := client.CoreV1().Services(system).Delete(ctx, "kube-dns", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			if err := client.DiscoveryV1().EndpointSlices(system).Delete(ctx, "kube-dns-one", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			if d := cmp.Diff(want, state(t, client)); d != "" {
				t.Errorf("after both were deleted (-want +got):\n%s", d)
			}
		}, server("one", "192.0.2.1:53"))
		if d := cmp.Diff(serviceWords, state(t, client)); d != "" {
			t.Errorf("after its end the server is still an endpoint (-want +got):\n%s", d)
		}
	})
}

// The next start may listen elsewhere, or nowhere.
func TestTheNextStartIsAnother(t *testing.T) {
	for name, tt := range map[string]struct {
		next func(controller.Config) (controller.Controller, error)
		want []string
	}{
		"on another port":    {server("one", "192.0.2.1:54"), append(slices.Clone(serviceWords), "dns at 192.0.2.1 port 54", "dns-tcp at 192.0.2.1 port 54")},
		"by IPv6":            {server("one", "[2001:db8::1]:53"), append(slices.Clone(serviceWords), "dns at 2001:db8::1 port 53", "dns-tcp at 2001:db8::1 port 53")},
		"out of pods' reach": {server("one", ""), serviceWords},
		"without DNS":        {silent("one"), []string{}},
		"with another service range": {
			with(clusterdns.Config{Serving: true, ServiceIP: netip.MustParseAddr("10.43.0.10"), Identity: "one"}),
			[]string{"10.43.0.10 true", "dns 53/UDP", "dns-tcp 53/TCP"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := controllertest.NewClient()
				controllertest.Run(t, client, func(ctx context.Context) {
					// It is killed, and does not take its slice away.
					client.PrependReactor("delete", "endpointslices", func(clienttesting.Action) (bool, runtime.Object, error) {
						return ctx.Err() != nil, nil, ctx.Err()
					})
				}, server("one", "192.0.2.1:53"))
				client.ReactionChain = client.ReactionChain[1:]
				controllertest.Run(t, client, func(context.Context) {
					if d := cmp.Diff(tt.want, state(t, client)); d != "" {
						t.Errorf("(-want +got):\n%s", d)
					}
				}, tt.next)
			})
		})
	}
}

// A server without DNS does not take away what another one serves.
func TestOthersAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := controllertest.NewClient()
		controllertest.Run(t, client, func(context.Context) {
			want := state(t, client)
			controllertest.Run(t, client, func(context.Context) {
				if d := cmp.Diff(want, state(t, client)); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			}, silent("two"))
		}, server("one", "192.0.2.1:53"))
	})
}

func TestTheSliceGoesWithTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := controllertest.NewClient(&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "apiserver-one", Namespace: system, UID: "uid"}})
		cfg := clusterdns.Config{
			Serving: true, Identity: "one", Lease: "apiserver-one",
			ServiceIP: netip.MustParseAddr("10.96.0.10"), Address: netip.MustParseAddrPort("192.0.2.1:53"),
		}
		controllertest.Run(t, client, func(ctx context.Context) {
			s, err := client.DiscoveryV1().EndpointSlices(system).Get(ctx, "kube-dns-one", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			want := []metav1.OwnerReference{{APIVersion: "coordination.k8s.io/v1", Kind: "Lease", Name: "apiserver-one", UID: "uid"}}
			if d := cmp.Diff(want, s.OwnerReferences); d != "" {
				t.Errorf("owners (-want +got):\n%s", d)
			}
		}, with(cfg))
	})
}
