package service

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
)

// orphanAge is how old an allocation without a service must be before it is
// taken for left over from a crash, and not for one being written now.
const orphanAge = time.Minute

// RepairEvery is how often [Allocators.Repair] is to run after the start.
const RepairEvery = 3 * time.Minute

// Repair makes the allocations say what the services say: it writes those
// that are missing and frees those whose service is gone. list must return
// all services as stored now.
func (a *Allocators) Repair(ctx context.Context, list func(context.Context) ([]corev1.Service, error)) error {
	// Allocations first: a service written in between is then seen with them.
	addresses, err := a.addresses.ledger.all(ctx)
	if err != nil {
		return err
	}
	ports, err := a.ports.ledger.all(ctx)
	if err != nil {
		return err
	}
	services, err := list(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for i := range services {
		s := &services[i]
		h, owner := holdings(s), Owner{Namespace: s.Namespace, Name: s.Name, UID: string(s.UID)}
		errs = append(errs, a.addresses.ledger.restore(ctx, h.addresses, addresses, owner))
		errs = append(errs, a.ports.ledger.restore(ctx, h.ports, ports, owner))
	}
	errs = append(errs, a.addresses.ledger.sweep(ctx, addresses), a.ports.ledger.sweep(ctx, ports))
	return errors.Join(errs...)
}

// restore writes the items that owner has but the ledger does not, and
// strikes those it does off left.
func (l *ledger) restore(ctx context.Context, items []string, left map[string]Owner, owner Owner) error {
	for _, item := range items {
		if holder, ok := left[item]; ok && holder.UID == owner.UID {
			delete(left, item)
			continue
		}
		ok, err := l.take(ctx, item, owner)
		if err != nil {
			return err
		}
		if !ok {
			klog.InfoS("Two services have one allocation: delete one of them and create it anew",
				"allocation", item, "service", klog.KRef(owner.Namespace, owner.Name))
		}
	}
	return nil
}

// sweep frees what no service has any more.
func (l *ledger) sweep(ctx context.Context, left map[string]Owner) error {
	for item, holder := range left {
		if l.now().Sub(holder.Taken) < orphanAge {
			continue
		}
		if err := l.free(ctx, item, holder.UID); err != nil {
			return err
		}
	}
	return nil
}
