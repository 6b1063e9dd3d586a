package walkthrough

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

const (
	crashes = 3
	writers = 6
	// rangeSize is how many addresses crashCIDR has to give.
	crashCIDR = "10.97.0.0/24"
	rangeSize = 254
)

// TestEveryAcknowledgedWriteOutlivesKill writes from several clients at once,
// kills the program in the middle, and looks after the next start for all
// that was acknowledged: created, changed and deleted.
func TestEveryAcknowledgedWriteOutlivesKill(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	kept := &ledger{services: map[string]*corev1.Service{}, deleted: map[string]types.UID{}, counts: map[string]int{}}
	for round := range crashes {
		up := start(t, h.up("--service-cidr", crashCIDR))
		kept.check(t, up.client)
		kept.fill(t, up, round)
	}
	up := start(t, h.up("--service-cidr", crashCIDR))
	stored := kept.check(t, up.client)
	lostAddressesAreFew(t, up.client, stored)
}

// ledger is what the server has acknowledged.
type ledger struct {
	mu       sync.Mutex
	services map[string]*corev1.Service
	deleted  map[string]types.UID
	counts   map[string]int // a number in a config map, by its name
	writes   int
}

// fill writes from several clients until the program is killed, which is
// after a random number of acknowledged writes.
func (l *ledger) fill(t *testing.T, up *running, round int) {
	t.Helper()
	enough := make(chan struct{})
	limit := l.writes + 20 + rand.IntN(60)
	t.Logf("round %d: killed after %d writes", round, limit-l.writes)
	acknowledged := func(note func()) {
		l.mu.Lock()
		defer l.mu.Unlock()
		note()
		if l.writes++; l.writes == limit {
			close(enough)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() { l.write(ctx, up.client, fmt.Sprintf("w%d-%d", round, w), acknowledged) })
	}
	select {
	case <-enough:
	case <-ctx.Done():
		t.Errorf("round %d: too few writes in %v:\n%s", round, patience, up.output)
	}
	if err := up.kill(); err != nil {
		t.Fatal(err)
	}
	all.Wait()
}

// write creates, changes and deletes objects until the first error.
func (l *ledger) write(ctx context.Context, client kubernetes.Interface, prefix string, acknowledged func(func())) {
	services, maps := client.CoreV1().Services("default"), client.CoreV1().ConfigMaps("default")
	counter := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: prefix}, Data: map[string]string{"n": "0"}}
	counter, err := maps.Create(ctx, counter, metav1.CreateOptions{})
	if err != nil {
		return
	}
	acknowledged(func() { l.counts[prefix] = 0 })
	for n := 1; ; n++ {
		s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d", prefix, n)}, Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Port: 80}},
		}}
		if s, err = services.Create(ctx, s, metav1.CreateOptions{}); err != nil {
			return
		}
		acknowledged(func() { l.services[s.Name] = s })
		counter.Data["n"] = fmt.Sprint(n)
		if counter, err = maps.Update(ctx, counter, metav1.UpdateOptions{}); err != nil {
			return
		}
		acknowledged(func() { l.counts[prefix] = n })
		if n%3 != 0 {
			continue
		}
		// What is being deleted is in neither list until the answer comes.
		l.forget(s.Name)
		if err := services.Delete(ctx, s.Name, metav1.DeleteOptions{}); err != nil {
			return
		}
		acknowledged(func() { l.deleted[s.Name] = s.UID })
	}
}

func (l *ledger) forget(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.services, name)
}

// check compares what is stored with what was acknowledged, and returns the
// stored services.
func (l *ledger) check(t *testing.T, client kubernetes.Interface) []corev1.Service {
	t.Helper()
	list, err := client.CoreV1().Services("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	stored, addresses, ports := map[string]*corev1.Service{}, map[string]string{}, map[int32]string{}
	for i := range list.Items {
		s := &list.Items[i]
		stored[s.Name] = s
		if other, taken := addresses[s.Spec.ClusterIP]; taken {
			t.Errorf("%s and %s have one address, %s", s.Name, other, s.Spec.ClusterIP)
		}
		addresses[s.Spec.ClusterIP] = s.Name
		if port := s.Spec.Ports[0].NodePort; port != 0 {
			if other, taken := ports[port]; taken {
				t.Errorf("%s and %s have one node port, %d", s.Name, other, port)
			}
			ports[port] = s.Name
		}
	}
	for name, want := range l.services {
		got := stored[name]
		if got == nil {
			t.Errorf("service %s was acknowledged and is lost", name)
		} else if got.UID != want.UID || got.Spec.ClusterIP != want.Spec.ClusterIP || got.Spec.Ports[0] != want.Spec.Ports[0] {
			t.Errorf("service %s is not what was acknowledged: %v, want %v", name, got, want)
		}
	}
	for name, uid := range l.deleted {
		if got := stored[name]; got != nil && got.UID == uid {
			t.Errorf("service %s is there again though its deletion was acknowledged", name)
		}
	}
	l.checkCounts(t, client)
	return list.Items
}

// checkCounts allows for one change that was made but not acknowledged.
func (l *ledger) checkCounts(t *testing.T, client kubernetes.Interface) {
	t.Helper()
	for name, want := range l.counts {
		object, err := client.CoreV1().ConfigMaps("default").Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Errorf("config map %s was acknowledged: %v", name, err)
			continue
		}
		if got := object.Data["n"]; got != fmt.Sprint(want) && got != fmt.Sprint(want+1) {
			t.Errorf("config map %s holds %s, but %d was acknowledged", name, got, want)
		}
	}
}

// lostAddressesAreFew takes all addresses that are left. An address that was
// taken for a service whose write the kill came before is free again only
// after a while, and no client had more than one of those in a round.
func lostAddressesAreFew(t *testing.T, client kubernetes.Interface, stored []corev1.Service) {
	t.Helper()
	taken := map[netip.Addr]bool{}
	for i := range stored {
		taken[netip.MustParseAddr(stored[i].Spec.ClusterIP)] = true
	}
	services := client.CoreV1().Services("default")
	for n := 0; ; n++ {
		s, err := services.Create(t.Context(), &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("rest-%d", n)},
			Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
		}, metav1.CreateOptions{})
		if err != nil {
			if !apierrors.IsInvalid(err) && !apierrors.IsInternalError(err) || len(taken) > rangeSize {
				t.Errorf("creating one service too many: %v", err)
			}
			t.Logf("the range is full: %v", err)
			break
		}
		address := netip.MustParseAddr(s.Spec.ClusterIP)
		if taken[address] || !netip.MustParsePrefix(crashCIDR).Contains(address) {
			t.Errorf("service %s got %s, which is another's or of no service", s.Name, address)
		}
		taken[address] = true
	}
	if lost := rangeSize - len(taken); lost > crashes*writers {
		t.Errorf("%d of %d addresses are lost", lost, rangeSize)
	}
}
