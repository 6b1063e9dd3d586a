package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// sliceManager is the managed-by label of the slices made here.
const sliceManager = "apiserver.causeway.io"

// portGroup is the servers on one port.
type portGroup struct {
	port      int32
	addresses []string
}

// ensureEndpoints writes where the servers are, as Endpoints and as slices. A
// conflict means that another server was faster; the next round looks again.
func (b *bootstrap) ensureEndpoints(ctx context.Context, servers []netip.AddrPort) error {
	groups := byPort(servers)
	err := errors.Join(b.writeEndpoints(ctx, groups), b.writeSlices(ctx, groups))
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// byPort groups sorted servers; an Endpoints subset and a slice have one port
// for all their addresses.
func byPort(servers []netip.AddrPort) []portGroup {
	var groups []portGroup
	for _, server := range servers {
		port, address := int32(server.Port()), server.Addr().String()
		at := slices.IndexFunc(groups, func(group portGroup) bool { return group.port == port })
		if at < 0 {
			groups = append(groups, portGroup{port: port})
			at = len(groups) - 1
		}
		groups[at].addresses = append(groups[at].addresses, address)
	}
	slices.SortFunc(groups, func(a, b portGroup) int { return int(a.port - b.port) })
	return groups
}

func (b *bootstrap) writeEndpoints(ctx context.Context, groups []portGroup) error {
	var subsets []corev1.EndpointSubset
	for _, group := range groups {
		subset := corev1.EndpointSubset{
			Ports: []corev1.EndpointPort{{Name: portName, Port: group.port, Protocol: corev1.ProtocolTCP}},
		}
		for _, address := range group.addresses {
			subset.Addresses = append(subset.Addresses, corev1.EndpointAddress{IP: address})
		}
		subsets = append(subsets, subset)
	}
	client := b.client.CoreV1().Endpoints(metav1.NamespaceDefault)
	current, err := client.Get(ctx, serviceName, metav1.GetOptions{})
	missing := apierrors.IsNotFound(err)
	if err != nil && !missing {
		return fmt.Errorf("reading endpoints %s: %w", serviceName, err)
	}
	if missing {
		current = &corev1.Endpoints{ObjectMeta: metav1.ObjectMeta{Name: serviceName, Namespace: metav1.NamespaceDefault}}
	}
	skip := current.Labels[discoveryv1.LabelSkipMirror] == "true"
	if !missing && skip && apiequality.Semantic.DeepEqual(current.Subsets, subsets) {
		return nil
	}
	// The slices are written here, with no mirroring in between.
	metav1.SetMetaDataLabel(&current.ObjectMeta, discoveryv1.LabelSkipMirror, "true")
	current.Subsets = subsets
	if missing {
		_, err = client.Create(ctx, current, metav1.CreateOptions{})
	} else {
		_, err = client.Update(ctx, current, metav1.UpdateOptions{})
	}
	if err != nil {
		return fmt.Errorf("writing endpoints %s: %w", serviceName, err)
	}
	return nil
}

func (b *bootstrap) writeSlices(ctx context.Context, groups []portGroup) error {
	client := b.client.DiscoveryV1().EndpointSlices(metav1.NamespaceDefault)
	current, err := client.List(ctx, metav1.ListOptions{
		LabelSelector: discoveryv1.LabelServiceName + "=" + serviceName + "," + discoveryv1.LabelManagedBy + "=" + sliceManager,
	})
	if err != nil {
		return fmt.Errorf("listing slices of service %s: %w", serviceName, err)
	}
	have := map[string]*discoveryv1.EndpointSlice{}
	for i := range current.Items {
		have[current.Items[i].Name] = &current.Items[i]
	}
	for i, group := range groups {
		want := b.slice(i, group)
		existing := have[want.Name]
		delete(have, want.Name)
		if existing != nil && existing.AddressType != want.AddressType {
			have[want.Name], existing = existing, nil
		}
		if err := b.writeSlice(ctx, existing, want); err != nil {
			return err
		}
	}
	for name := range have {
		if err := client.Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("deleting slice %s: %w", name, err)
		}
	}
	return nil
}

func (b *bootstrap) writeSlice(ctx context.Context, existing, want *discoveryv1.EndpointSlice) error {
	client := b.client.DiscoveryV1().EndpointSlices(metav1.NamespaceDefault)
	var err error
	if existing == nil {
		_, err = client.Create(ctx, want, metav1.CreateOptions{})
	} else {
		updated := existing.DeepCopy()
		updated.Endpoints, updated.Ports = want.Endpoints, want.Ports
		if apiequality.Semantic.DeepEqual(existing, updated) {
			return nil
		}
		_, err = client.Update(ctx, updated, metav1.UpdateOptions{})
	}
	if err != nil {
		return fmt.Errorf("writing slice %s: %w", want.Name, err)
	}
	return nil
}

// slice is the slice of one group. The first has the service's name, as the
// only one has in Kubernetes; those of further ports have the port behind it.
func (b *bootstrap) slice(index int, group portGroup) *discoveryv1.EndpointSlice {
	name := serviceName
	if index > 0 {
		name = fmt.Sprintf("%s-%d", serviceName, group.port)
	}
	family := discoveryv1.AddressTypeIPv4
	if b.ServiceIP.Is6() {
		family = discoveryv1.AddressTypeIPv6
	}
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Name:      name,
			Namespace: metav1.NamespaceDefault,
			Labels: map[string]string{
				discoveryv1.LabelServiceName: serviceName,
				discoveryv1.LabelManagedBy:   sliceManager,
			},
		},
		AddressType: family,
		Ports: []discoveryv1.EndpointPort{{
			Name: ptr.To(portName), Port: ptr.To(group.port), Protocol: ptr.To(corev1.ProtocolTCP),
		}},
	}
	for _, address := range group.addresses {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
			Addresses:  []string{address},
			Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true)},
		})
	}
	return slice
}
