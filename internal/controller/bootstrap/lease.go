package bootstrap

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

const (
	// leaseLife is how long a server that stopped saying so is taken to live.
	leaseLife = 15 * time.Second

	// leaseRest is how long the lease of a dead server is kept for reading.
	leaseRest = 10 * time.Minute

	// identityLabel marks the leases of API servers, as in Kubernetes.
	identityLabel = "apiserver.kubernetes.io/identity"
	identityValue = "causeway-apiserver"

	// addressAnnotation holds the server's address and port.
	addressAnnotation = "causeway.io/advertise-address"
)

// sightings remembers when each lease was last seen to change, by this
// machine's own clock: those of servers may differ from each other.
type sightings map[string]sighting

type sighting struct {
	version string
	at      time.Time
}

// age is how long ago the lease changed, as far as this server knows.
func (s sightings) age(lease *coordinationv1.Lease, now time.Time) time.Duration {
	last, ok := s[lease.Name]
	if !ok || last.version != lease.ResourceVersion {
		last = sighting{version: lease.ResourceVersion, at: now}
		s[lease.Name] = last
	}
	return now.Sub(last.at)
}

// LeaseName is the name of the lease in kube-system by which the API server of
// that identity says that it lives.
func LeaseName(identity string) string { return "apiserver-" + identity }

func (b *bootstrap) leaseName() string { return LeaseName(b.Identity) }

// renew says that this server lives, and where.
func (b *bootstrap) renew(ctx context.Context) error {
	leases := b.client.CoordinationV1().Leases(metav1.NamespaceSystem)
	lease, err := leases.Get(ctx, b.leaseName(), metav1.GetOptions{})
	missing := apierrors.IsNotFound(err)
	if err != nil && !missing {
		return fmt.Errorf("reading the lease of this API server: %w", err)
	}
	if missing {
		lease = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: b.leaseName(), Namespace: metav1.NamespaceSystem}}
	}
	metav1.SetMetaDataLabel(&lease.ObjectMeta, identityLabel, identityValue)
	metav1.SetMetaDataAnnotation(&lease.ObjectMeta, addressAnnotation, b.Advertise.String())
	lease.Spec.HolderIdentity = ptr.To(b.Identity)
	lease.Spec.LeaseDurationSeconds = ptr.To(int32(leaseLife.Seconds()))
	lease.Spec.RenewTime = ptr.To(metav1.NowMicro())
	if missing {
		_, err = leases.Create(ctx, lease, metav1.CreateOptions{})
	} else {
		_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
	}
	if err != nil {
		return fmt.Errorf("renewing the lease of this API server: %w", err)
	}
	return nil
}

// servers is where all API servers are that live and can be reached from other
// machines, sorted. Leases of servers long dead are deleted.
func (b *bootstrap) servers(ctx context.Context) ([]netip.AddrPort, error) {
	client := b.client.CoordinationV1().Leases(metav1.NamespaceSystem)
	leases, err := client.List(ctx, metav1.ListOptions{LabelSelector: identityLabel + "=" + identityValue})
	if err != nil {
		return nil, fmt.Errorf("listing the leases of API servers: %w", err)
	}
	now := time.Now()
	var servers []netip.AddrPort
	for i := range leases.Items {
		lease := &leases.Items[i]
		age := b.seen.age(lease, now)
		address, err := netip.ParseAddrPort(lease.Annotations[addressAnnotation])
		switch {
		case age > leaseRest && lease.Name != b.leaseName():
			// Another server may be doing the same.
			if err := client.Delete(ctx, lease.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
				return nil, fmt.Errorf("deleting the lease of dead API server %s: %w", lease.Name, err)
			}
		case age <= leaseLife && err == nil && b.reachable(address.Addr()):
			servers = append(servers, address)
		}
	}
	slices.SortFunc(servers, netip.AddrPort.Compare)
	return slices.Compact(servers), nil
}

// reachable reports that address can be an endpoint of the service.
func (b *bootstrap) reachable(address netip.Addr) bool {
	return address.Is4() == b.ServiceIP.Is4() && !address.IsLoopback()
}

// sayFarewell takes this server out of the endpoints, if there is time.
func (b *bootstrap) sayFarewell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	err := b.client.CoordinationV1().Leases(metav1.NamespaceSystem).Delete(ctx, b.leaseName(), metav1.DeleteOptions{})
	if err != nil {
		return // the others will find out when the lease ends
	}
	servers, err := b.servers(ctx)
	if err != nil {
		return
	}
	if len(servers) > 0 {
		b.complain(ctx, "leaving the endpoints of service "+serviceName, b.ensureEndpoints(ctx, servers))
	}
}
