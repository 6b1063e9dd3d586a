package service

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// write is one create or update of a service, and what it took so far.
type write struct {
	a            *Allocators
	service, old *corev1.Service
	dry          bool
	owner        Owner
	before       held // of the stored service
	taken        held // by this write; of a dry one, what it would take
}

// allocate completes the service. Errors are those a client is to see.
func (w *write) allocate(ctx context.Context) error {
	if !needsAddress(w.service) {
		return nil // no address, and validation refuses ports of an external name
	}
	w.normalize()
	if err := w.checkFamilies(); err != nil {
		return err
	}
	if err := w.allocateAddress(ctx); err != nil {
		return err
	}
	if needsNodePorts(w.service) {
		if err := w.allocateNodePorts(ctx); err != nil {
			return err
		}
	}
	return w.allocateHealthCheckPort(ctx)
}

// end gives back what a write that failed has taken, and what one that
// succeeded has no more use for.
func (w *write) end(success bool) {
	switch {
	case w.dry:
	case success:
		w.a.release(w.before.minus(holdings(w.service)), w.owner.UID)
	default:
		w.a.release(w.taken, w.owner.UID)
	}
}

// normalize makes clusterIP and clusterIPs say the same: the one is the
// other's first (KEP-563). Where both are set and differ, validation tells.
func (w *write) normalize() {
	spec := &w.service.Spec
	switch {
	case w.old != nil && spec.ClusterIP == "" && slices.Equal(spec.ClusterIPs, w.old.Spec.ClusterIPs):
		spec.ClusterIPs = nil
	case spec.ClusterIP == "" && len(spec.ClusterIPs) > 0:
		spec.ClusterIP = spec.ClusterIPs[0]
	case spec.ClusterIP != "" && len(spec.ClusterIPs) == 0:
		spec.ClusterIPs = []string{spec.ClusterIP}
	}
	if spec.IPFamilyPolicy == nil {
		single := corev1.IPFamilyPolicySingleStack
		spec.IPFamilyPolicy = &single
	}
	if len(spec.IPFamilies) == 0 {
		spec.IPFamilies = []corev1.IPFamily{w.a.family}
	}
}

func (w *write) checkFamilies() error {
	spec, path := &w.service.Spec, field.NewPath("spec")
	if *spec.IPFamilyPolicy == corev1.IPFamilyPolicyRequireDualStack {
		return w.invalid(field.Invalid(path.Child("ipFamilyPolicy"), *spec.IPFamilyPolicy, "this cluster is not configured for dual-stack services"))
	}
	for i, f := range spec.IPFamilies {
		if f != w.a.family {
			return w.invalid(field.Invalid(path.Child("ipFamilies").Index(i), f, "not configured on this cluster"))
		}
	}
	return nil
}

func (w *write) allocateAddress(ctx context.Context) error {
	spec := &w.service.Spec
	if spec.ClusterIP == corev1.ClusterIPNone {
		return nil
	}
	if spec.ClusterIP == "" {
		return w.nextAddress(ctx)
	}
	path := field.NewPath("spec", "clusterIPs").Index(0)
	ip, err := netip.ParseAddr(spec.ClusterIP)
	if err != nil {
		return nil // validation says so, with the right words
	}
	if slices.Contains(w.before.addresses, spec.ClusterIP) {
		return nil
	}
	if !w.a.cfg.CIDR.Contains(ip) || ip == w.a.cfg.CIDR.Masked().Addr() {
		return w.invalid(field.Invalid(path, spec.ClusterIPs, fmt.Sprintf("failed to allocate IP %v: the provided IP (%v) is not in the valid range. The range of valid IPs is %s", ip, ip, w.a.cfg.CIDR)))
	}
	ok, err := w.take(ctx, w.a.addresses, &w.taken.addresses, ip.String())
	if err != nil {
		return apierrors.NewInternalError(err)
	}
	if !ok {
		return w.invalid(field.Invalid(path, spec.ClusterIPs, fmt.Sprintf("failed to allocate IP %v: provided IP is already allocated", ip)))
	}
	return nil
}

func (w *write) nextAddress(ctx context.Context) error {
	ip, err := w.next(ctx, w.a.addresses, &w.taken.addresses)
	if errors.Is(err, errFull) {
		return apierrors.NewInternalError(fmt.Errorf("failed to allocate a serviceIP: %w", err))
	}
	if err != nil {
		return apierrors.NewInternalError(err)
	}
	w.service.Spec.ClusterIP, w.service.Spec.ClusterIPs = ip, []string{ip}
	return nil
}

func (w *write) allocateNodePorts(ctx context.Context) error {
	for i := range w.service.Spec.Ports {
		p := &w.service.Spec.Ports[i]
		if p.NodePort == 0 {
			p.NodePort = w.sharedPort(p)
		}
		if err := w.takePort(ctx, &p.NodePort, field.NewPath("spec", "ports").Index(i).Child("nodePort")); err != nil {
			return err
		}
	}
	return nil
}

// sharedPort lets two ports that differ only in protocol have one node port,
// as DNS over TCP and UDP wants.
func (w *write) sharedPort(p *corev1.ServicePort) int32 {
	for _, other := range w.service.Spec.Ports {
		if other.NodePort != 0 && other.Port == p.Port && other.Protocol != p.Protocol {
			return other.NodePort
		}
	}
	return 0
}

func (w *write) allocateHealthCheckPort(ctx context.Context) error {
	if !needsHealthCheckPort(w.service) {
		return nil
	}
	return w.takePort(ctx, &w.service.Spec.HealthCheckNodePort, field.NewPath("spec", "healthCheckNodePort"))
}

// takePort reserves the port that is set, or sets one that is free.
func (w *write) takePort(ctx context.Context, port *int32, path *field.Path) error {
	if *port == 0 {
		return w.nextPort(ctx, port)
	}
	item := strconv.Itoa(int(*port))
	if slices.Contains(w.before.ports, item) || slices.Contains(w.taken.ports, item) {
		return nil
	}
	if int(*port) < w.a.cfg.FirstNodePort || int(*port) > w.a.cfg.LastNodePort {
		return w.invalid(field.Invalid(path, *port, fmt.Sprintf("provided port is not in the valid range. The range of valid ports is %d-%d", w.a.cfg.FirstNodePort, w.a.cfg.LastNodePort)))
	}
	ok, err := w.take(ctx, w.a.ports, &w.taken.ports, item)
	if err != nil {
		return apierrors.NewInternalError(err)
	}
	if !ok {
		return w.invalid(field.Invalid(path, *port, "provided port is already allocated"))
	}
	return nil
}

func (w *write) nextPort(ctx context.Context, port *int32) error {
	item, err := w.next(ctx, w.a.ports, &w.taken.ports)
	if err != nil {
		return apierrors.NewInternalError(fmt.Errorf("failed to allocate a nodePort: %w", err))
	}
	n, err := strconv.Atoi(item)
	*port = int32(n)
	return err
}

// next reserves any free item. A dry run shows one that is free at the moment.
// The ledger gives an owner again what is his; here that would be one node port
// for two ports.
func (w *write) next(ctx context.Context, p *pool, taken *[]string) (string, error) {
	return p.next(ctx, func(item string) (bool, error) {
		if w.before.has(item) || w.taken.has(item) || holdings(w.service).has(item) {
			return false, nil
		}
		return w.take(ctx, p, taken, item)
	})
}

// take reserves item and notes it; a dry run only looks whether it could.
func (w *write) take(ctx context.Context, p *pool, taken *[]string, item string) (ok bool, err error) {
	if w.dry {
		var all map[string]Owner
		all, err = p.ledger.all(ctx)
		_, has := all[item]
		ok = !has && !slices.Contains(*taken, item)
	} else {
		ok, err = p.ledger.take(ctx, item, w.owner)
	}
	if ok && err == nil {
		*taken = append(*taken, item)
	}
	return ok, err
}

func (w *write) invalid(errs ...*field.Error) error {
	return apierrors.NewInvalid(corev1.SchemeGroupVersion.WithKind("Service").GroupKind(), w.service.Name, errs)
}
