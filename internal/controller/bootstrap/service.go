package bootstrap

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/catalog/apiservers"
)

const (
	serviceName = apiservers.Service
	portName    = apiservers.Port
	servicePort = 443
)

// ensureService keeps the service by which pods reach the API on servers.
func (b *bootstrap) ensureService(ctx context.Context, servers []netip.AddrPort) error {
	services := b.client.CoreV1().Services(metav1.NamespaceDefault)
	current, err := services.Get(ctx, serviceName, metav1.GetOptions{})
	if err == nil && current.Spec.ClusterIP != b.ServiceIP.String() {
		// The service CIDR is another than it was, and a cluster IP is for life.
		err = services.Delete(ctx, serviceName, metav1.DeleteOptions{
			Preconditions: &metav1.Preconditions{UID: ptr.To(current.UID)},
		})
		if err != nil {
			return fmt.Errorf("deleting service %s, whose cluster IP %s is not the cluster's %s: %w",
				serviceName, current.Spec.ClusterIP, b.ServiceIP, err)
		}
		return b.createService(ctx)
	}
	if apierrors.IsNotFound(err) {
		return b.createService(ctx)
	}
	if err != nil {
		return fmt.Errorf("reading service %s: %w", serviceName, err)
	}
	repaired := current.DeepCopy()
	if !b.repairService(repaired, servers) {
		return nil
	}
	if _, err := services.Update(ctx, repaired, metav1.UpdateOptions{}); err != nil && !apierrors.IsConflict(err) {
		return fmt.Errorf("repairing service %s: %w", serviceName, err)
	}
	return nil
}

func (b *bootstrap) createService(ctx context.Context) error {
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Name:      serviceName,
			Namespace: metav1.NamespaceDefault,
			Labels:    map[string]string{"component": "apiserver", "provider": "kubernetes"},
		},
		Spec: corev1.ServiceSpec{
			Type:            corev1.ServiceTypeClusterIP,
			ClusterIP:       b.ServiceIP.String(),
			SessionAffinity: corev1.ServiceAffinityNone,
			Ports:           []corev1.ServicePort{b.servicePort()},
		},
	}
	_, err := b.client.CoreV1().Services(metav1.NamespaceDefault).Create(ctx, service, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating service %s: %w", serviceName, err)
	}
	return nil
}

func (b *bootstrap) servicePort() corev1.ServicePort {
	return corev1.ServicePort{
		Name:       portName,
		Protocol:   corev1.ProtocolTCP,
		Port:       servicePort,
		TargetPort: intstr.FromInt32(int32(b.Advertise.Port())),
	}
}

// repairService reports whether it had to change anything. With several API
// servers on different ports the target port is that of one of them; the
// endpoints have the port of each.
func (b *bootstrap) repairService(service *corev1.Service, servers []netip.AddrPort) bool {
	want := b.servicePort()
	ports := service.Spec.Ports
	good := len(ports) == 1 && ports[0].Name == want.Name && ports[0].Port == want.Port &&
		ports[0].Protocol == want.Protocol && (ports[0].TargetPort == want.TargetPort || servesOn(servers, ports[0].TargetPort)) &&
		len(service.Spec.Selector) == 0 && service.Spec.Type == corev1.ServiceTypeClusterIP
	if good {
		return false
	}
	service.Spec.Type = corev1.ServiceTypeClusterIP
	service.Spec.Selector = nil
	service.Spec.Ports = []corev1.ServicePort{want}
	return true
}

func servesOn(servers []netip.AddrPort, port intstr.IntOrString) bool {
	return slices.ContainsFunc(servers, func(server netip.AddrPort) bool {
		return intstr.FromInt32(int32(server.Port())) == port
	})
}
