package svcproxy_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/causeway-access/causeway/internal/svcproxy"
	"github.com/causeway-access/causeway/test/fakeapi"
)

// await takes changes until they have added up to something.
func await(t *testing.T, table *svcproxy.Table, want ...string) {
	t.Helper()
	var got []string
	for deadline := time.After(time.Minute); ; {
		got = append(got, print(table.Changes())...)
		if cmp.Equal(want, got) {
			return
		}
		select {
		case <-table.Changed():
		case <-deadline:
			t.Fatalf("changes (-want +got):\n%s", cmp.Diff(want, got))
		}
	}
}

func TestTheTableFollowsTheCluster(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client := fakeapi.NewClientset(service("web", "10.96.0.7"), slice("web", "a", "10.0.0.1"))
	factory := informers.NewSharedInformerFactory(client, 0)
	defer factory.Shutdown()
	defer cancel()
	table := svcproxy.NewTable("")
	synced, err := svcproxy.Watch(factory, table)
	if err != nil {
		t.Fatal(err)
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), synced) {
		t.Fatal("not synced")
	}
	await(t, table, "TCP 10.96.0.7:80 default/web:http -> 10.0.0.1:8080")

	shop := service("shop", "10.96.0.8")
	if _, err := client.CoreV1().Services("default").Create(ctx, shop, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	await(t, table, "TCP 10.96.0.8:80 default/shop:http ->")

	// The slice goes over to it.
	moved := slice("web", "a", "10.0.0.1")
	moved.Labels[discoveryv1.LabelServiceName] = "shop"
	if _, err := client.DiscoveryV1().EndpointSlices("default").Update(ctx, moved, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	await(t, table, "TCP 10.96.0.7:80 default/web:http ->", "TCP 10.96.0.8:80 default/shop:http -> 10.0.0.1:8080")

	if err := client.CoreV1().Services("default").Delete(ctx, "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	await(t, table, "no TCP 10.96.0.7:80")
	if err := client.DiscoveryV1().EndpointSlices("default").Delete(ctx, moved.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	await(t, table, "TCP 10.96.0.8:80 default/shop:http ->")
}
