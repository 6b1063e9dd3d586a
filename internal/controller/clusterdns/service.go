package clusterdns

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// port is that of DNS.
const port = 53

// ensureService makes the service if there is none. It reports whether the one
// that is there is such a service, and not one that somebody brought.
func (d *dns) ensureService(ctx context.Context) (mine bool, err error) {
	services := d.client.CoreV1().Services(Namespace)
	current, err := services.Get(ctx, Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		if _, err = services.Create(ctx, d.service(), metav1.CreateOptions{}); err != nil {
			return false, wrap("creating", err)
		}
		return true, nil
	}
	if err != nil {
		return false, wrap("reading", err)
	}
	if !isMine(current) {
		return false, nil
	}
	if current.Spec.ClusterIP != d.ServiceIP.String() {
		// The service CIDR is another than it was, and a cluster IP is for life.
		if err := d.deleteService(ctx, current); err != nil {
			return false, err
		}
		return d.ensureService(ctx)
	}
	return true, nil
}

func (d *dns) service() *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Name: Name, Namespace: Namespace,
			Labels: map[string]string{
				"k8s-app":                       Name,
				"kubernetes.io/cluster-service": "true",
				"app.kubernetes.io/managed-by":  manager,
			},
		},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeClusterIP, ClusterIP: d.ServiceIP.String(),
			Ports: []corev1.ServicePort{
				{Name: "dns", Protocol: corev1.ProtocolUDP, Port: port},
				{Name: "dns-tcp", Protocol: corev1.ProtocolTCP, Port: port},
			},
		},
	}
}

// dropService deletes the service if it was made here and no server is left.
func (d *dns) dropService(ctx context.Context) error {
	current, err := d.client.CoreV1().Services(Namespace).Get(ctx, Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && !isMine(current) {
		return nil
	}
	if err != nil {
		return wrap("reading", err)
	}
	left, err := d.client.DiscoveryV1().EndpointSlices(Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: discoveryv1.LabelServiceName + "=" + Name,
	})
	if err != nil {
		return wrap("listing the slices of", err)
	}
	if len(left.Items) > 0 {
		return nil
	}
	return d.deleteService(ctx, current)
}

func (d *dns) deleteService(ctx context.Context, s *corev1.Service) error {
	err := d.client.CoreV1().Services(Namespace).Delete(ctx, Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: ptr.To(s.UID)}})
	if err != nil && !apierrors.IsNotFound(err) {
		return wrap("deleting", err)
	}
	return nil
}

func (d *dns) sliceName() string { return Name + "-" + d.Identity }

// ensureSlice says where this server is.
func (d *dns) ensureSlice(ctx context.Context) error {
	slices := d.client.DiscoveryV1().EndpointSlices(Namespace)
	want, err := d.slice(ctx)
	if err != nil {
		return err
	}
	current, err := slices.Get(ctx, want.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		_, err = slices.Create(ctx, want, metav1.CreateOptions{})
	case err != nil:
	case current.AddressType != want.AddressType: // it cannot be changed
		if err = d.dropSlice(ctx); err == nil {
			_, err = slices.Create(ctx, want, metav1.CreateOptions{})
		}
	default:
		updated := current.DeepCopy()
		updated.Endpoints, updated.Ports, updated.OwnerReferences = want.Endpoints, want.Ports, want.OwnerReferences
		if apiequality.Semantic.DeepEqual(current, updated) {
			return nil
		}
		_, err = slices.Update(ctx, updated, metav1.UpdateOptions{})
	}
	if err != nil {
		return fmt.Errorf("writing slice %s/%s: %w", Namespace, want.Name, err)
	}
	return nil
}

func (d *dns) slice(ctx context.Context) (*discoveryv1.EndpointSlice, error) {
	owners, err := d.owners(ctx)
	if err != nil {
		return nil, err
	}
	family := discoveryv1.AddressTypeIPv4
	if d.Address.Addr().Is6() {
		family = discoveryv1.AddressTypeIPv6
	}
	at := ptr.To(int32(d.Address.Port()))
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Name: d.sliceName(), Namespace: Namespace, OwnerReferences: owners,
			Labels: map[string]string{discoveryv1.LabelServiceName: Name, discoveryv1.LabelManagedBy: manager},
		},
		AddressType: family,
		Endpoints: []discoveryv1.Endpoint{{
			Addresses: []string{d.Address.Addr().String()}, Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true)},
		}},
		Ports: []discoveryv1.EndpointPort{
			{Name: ptr.To("dns"), Protocol: ptr.To(corev1.ProtocolUDP), Port: at},
			{Name: ptr.To("dns-tcp"), Protocol: ptr.To(corev1.ProtocolTCP), Port: at},
		},
	}, nil
}

// owners is the lease of this server: a slice whose server died goes with it.
func (d *dns) owners(ctx context.Context) ([]metav1.OwnerReference, error) {
	if d.Lease == "" {
		return nil, nil
	}
	lease, err := d.client.CoordinationV1().Leases(Namespace).Get(ctx, d.Lease, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading the lease of this server: %w", err)
	}
	return []metav1.OwnerReference{{APIVersion: "coordination.k8s.io/v1", Kind: "Lease", Name: lease.Name, UID: lease.UID}}, nil
}

func (d *dns) dropSlice(ctx context.Context) error {
	err := d.client.DiscoveryV1().EndpointSlices(Namespace).Delete(ctx, d.sliceName(), metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting slice %s/%s: %w", Namespace, d.sliceName(), err)
	}
	return nil
}
