package bootstrap_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	discoveryv1 "k8s.io/api/discovery/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/causeway-access/causeway/internal/controller"
	"github.com/causeway-access/causeway/internal/controller/bootstrap"
	"github.com/causeway-access/causeway/internal/controller/controllertest"
)

func server(identity, address string) func(controller.Config) (controller.Controller, error) {
	return func(config controller.Config) (controller.Controller, error) {
		return bootstrap.New(config, bootstrap.Config{
			Identity:  identity,
			Advertise: netip.MustParseAddrPort(address),
			ServiceIP: netip.MustParseAddr("10.96.0.1"),
			CA:        []byte("authority"),
		})
	}
}

// addresses is the endpoints of service kubernetes, by slices and by Endpoints,
// which must say the same.
func addresses(t *testing.T, client *fake.Clientset) []string {
	t.Helper()
	list, err := client.DiscoveryV1().EndpointSlices("default").List(t.Context(), metav1.ListOptions{
		LabelSelector: discoveryv1.LabelServiceName + "=kubernetes",
	})
	if err != nil {
		t.Fatal(err)
	}
	inSlices := []string{}
	for _, slice := range list.Items {
		for _, endpoint := range slice.Endpoints {
			address := netip.AddrPortFrom(netip.MustParseAddr(endpoint.Addresses[0]), uint16(*slice.Ports[0].Port))
			inSlices = append(inSlices, address.String())
		}
	}
	slices.Sort(inSlices)
	endpoints, err := client.CoreV1().Endpoints("default").Get(t.Context(), "kubernetes", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	inEndpoints := []string{}
	for _, subset := range endpoints.Subsets {
		for _, endpoint := range subset.Addresses {
			address := netip.AddrPortFrom(netip.MustParseAddr(endpoint.IP), uint16(subset.Ports[0].Port))
			inEndpoints = append(inEndpoints, address.String())
		}
	}
	slices.Sort(inEndpoints)
	if diff := cmp.Diff(inSlices, inEndpoints); diff != "" {
		t.Errorf("slices and endpoints differ (-slices +endpoints):\n%s", diff)
	}
	return inSlices
}

func TestEmptyClusterGetsWhatItNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := controllertest.NewClient()
		controllertest.Run(t, client, func(ctx context.Context) {
			for _, name := range []string{"default", "kube-system", "kube-public", "kube-node-lease"} {
				if _, err := client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{}); err != nil {
					t.Errorf("namespace: %v", err)
				}
			}
			service, err := client.CoreV1().Services("default").Get(ctx, "kubernetes", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if service.Spec.ClusterIP != "10.96.0.1" || service.Spec.Ports[0].Port != 443 || service.Spec.Ports[0].TargetPort.IntValue() != 6443 {
				t.Errorf("service kubernetes is at %s with ports %v, want 10.96.0.1, 443 to 6443", service.Spec.ClusterIP, service.Spec.Ports)
			}
			if diff := cmp.Diff([]string{"192.0.2.1:6443"}, addresses(t, client)); diff != "" {
				t.Errorf("endpoints (-want +got):\n%s", diff)
			}
			if _, err := client.CoreV1().ConfigMaps("kube-public").Get(ctx, "cluster-info", metav1.GetOptions{}); err != nil {
				t.Errorf("cluster info: %v", err)
			}
			bindings, err := client.RbacV1().ClusterRoleBindings().List(ctx, metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, binding := range bindings.Items {
				if _, err := client.RbacV1().ClusterRoles().Get(ctx, binding.RoleRef.Name, metav1.GetOptions{}); err != nil {
					t.Errorf("role of binding %s: %v", binding.Name, err)
				}
			}
			if len(bindings.Items) < 10 {
				t.Errorf("%d bindings, want the default ones", len(bindings.Items))
			}
		}, server("one", "192.0.2.1:6443"))
	})
}

func TestDefaultRolesAreCompletedAndNotCutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own := rbacv1.PolicyRule{Verbs: []string{"get"}, APIGroups: []string{"example.com"}, Resources: []string{"widgets"}}
		protected := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{
			Name: "system:monitoring", Annotations: map[string]string{rbacv1.AutoUpdateAnnotationKey: "false"},
		}}
		client := controllertest.NewClient(protected, &rbacv1.ClusterRole{
			ObjectMeta: metav1.ObjectMeta{Name: "system:discovery"}, Rules: []rbacv1.PolicyRule{own},
		})
		controllertest.Run(t, client, func(ctx context.Context) {
			discovery, err := client.RbacV1().ClusterRoles().Get(ctx, "system:discovery", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(discovery.Rules) < 2 || !cmp.Equal(discovery.Rules[0], own) {
				t.Errorf("rules of system:discovery are %v, want the one added by hand and the default", discovery.Rules)
			}
			monitoring, err := client.RbacV1().ClusterRoles().Get(ctx, "system:monitoring", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(monitoring.Rules) != 0 {
				t.Errorf("a role with autoupdate=false got rules %v", monitoring.Rules)
			}
		}, server("one", "192.0.2.1:6443"))
	})
}

func TestServiceOfAnotherCIDRIsMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := controllertest.NewClient()
		controllertest.Run(t, client, func(ctx context.Context) {
			old, err := client.CoreV1().Services("default").Get(ctx, "kubernetes", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			old.Spec.ClusterIP = "10.0.0.1"
			if _, err := client.CoreV1().Services("default").Update(ctx, old, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(11 * time.Second)
			synctest.Wait()
			service, err := client.CoreV1().Services("default").Get(ctx, "kubernetes", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if service.Spec.ClusterIP != "10.96.0.1" {
				t.Errorf("cluster IP is %s, want 10.96.0.1", service.Spec.ClusterIP)
			}
		}, server("one", "192.0.2.1:6443"))
	})
}

func TestServiceFollowsThePortOfTheOnlyServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := controllertest.NewClient()
		for _, port := range []int{6443, 7443} {
			address := fmt.Sprintf("192.0.2.1:%d", port)
			controllertest.Run(t, client, func(ctx context.Context) {
				service, err := client.CoreV1().Services("default").Get(ctx, "kubernetes", metav1.GetOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if got := service.Spec.Ports[0].TargetPort.IntValue(); got != port {
					t.Errorf("target port is %d, want %d", got, port)
				}
			}, server("one", address))
		}
	})
}

func TestEndpointsAreTheServersThatLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := controllertest.NewClient()
		expect := func(step string, want ...string) {
			t.Helper()
			synctest.Wait()
			if diff := cmp.Diff(want, addresses(t, client)); diff != "" {
				t.Errorf("%s: endpoints (-want +got):\n%s", step, diff)
			}
		}
		controllertest.Run(t, client, func(context.Context) {
			controllertest.Run(t, client, func(context.Context) {
				expect("a second server started", "192.0.2.1:6443", "192.0.2.2:6443")
			}, server("two", "192.0.2.2:6443"))
			expect("it ended", "192.0.2.1:6443")
			stop := start(t, client, server("three", "192.0.2.3:7443"))
			time.Sleep(time.Minute)
			expect("a third runs on another port", "192.0.2.1:6443", "192.0.2.3:7443")
			stop()
			time.Sleep(5 * time.Second)
			expect("it was killed, which takes a while to show", "192.0.2.1:6443", "192.0.2.3:7443")
			time.Sleep(30 * time.Second)
			expect("its lease ended", "192.0.2.1:6443")
		}, server("one", "192.0.2.1:6443"))
	})
}

func TestServerOnLoopbackIsNoEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := controllertest.NewClient()
		controllertest.Run(t, client, func(context.Context) {
			if diff := cmp.Diff([]string{}, addresses(t, client)); diff != "" {
				t.Errorf("endpoints (-want +got):\n%s", diff)
			}
		}, server("one", "127.0.0.1:6443"))
	})
}

// start runs a server whose every request fails once it is stopped, as of a
// process that was killed.
func start(t *testing.T, shared *fake.Clientset, construct func(controller.Config) (controller.Controller, error)) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cut := &cutOff{Interface: shared}
	c, err := construct(controller.Config{Client: cut, Informers: informers.NewSharedInformerFactory(shared, 0)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	<-c.Ready()
	return func() {
		cut.dead.Store(true)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("server ended with an error: %v", err)
		}
	}
}
