// Package fakeapi is client-go's clientset in memory without its gap between
// list and watch: what is deleted there between the two, an informer never hears
// of, which no API server does. A test that deletes an object just after its
// informers have synced would wait for ever now and then.
package fakeapi

import (
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// NewClientset holds the objects. A watch begins where the informer's list before
// it did: an event may tell what the list had already, none is lost.
func NewClientset(objects ...runtime.Object) *fake.Clientset {
	client := fake.NewClientset(objects...)
	begun := &watches{of: make(map[place][]watch.Interface)}
	client.PrependReactor("list", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		list, ok := action.(clienttesting.ListActionImpl)
		if !ok || list.ListOptions.ResourceVersion != informers {
			return false, nil, nil
		}
		w, err := client.Tracker().Watch(list.GetResource(), list.GetNamespace())
		if err != nil {
			return true, nil, err
		}
		begun.put(placeOf(action), w)
		return false, nil, nil
	})
	client.PrependWatchReactor("*", func(action clienttesting.Action) (bool, watch.Interface, error) {
		w := begun.take(placeOf(action))
		return w != nil, w, nil
	})
	return client
}

// informers ask for a list of any age; who lists by hand does not, and watches nothing.
const informers = "0"

// place is what a list and the watch after it are of.
type place struct {
	resource  schema.GroupVersionResource
	namespace string
}

func placeOf(a clienttesting.Action) place { return place{a.GetResource(), a.GetNamespace()} }

// watches are begun and not yet asked for.
type watches struct {
	mu sync.Mutex
	of map[place][]watch.Interface
}

func (b *watches) put(at place, w watch.Interface) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.of[at] = append(b.of[at], w)
}

// take returns nil where no list came before.
func (b *watches) take(at place) watch.Interface {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.of[at]) == 0 {
		return nil
	}
	w := b.of[at][0]
	b.of[at] = b.of[at][1:]
	return w
}
