package validation

import (
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func lease(l *coordinationv1.Lease) field.ErrorList {
	errs := metadata(&l.ObjectMeta, namespaced, subdomainName)
	spec := field.NewPath("spec")
	if s := l.Spec.LeaseDurationSeconds; s != nil && *s <= 0 {
		errs = append(errs, field.Invalid(spec.Child("leaseDurationSeconds"), *s, "must be greater than 0"))
	}
	if n := l.Spec.LeaseTransitions; n != nil {
		errs = append(errs, atLeastZero(spec.Child("leaseTransitions"), *n)...)
	}
	strategy := l.Spec.Strategy
	if strategy != nil {
		errs = append(errs, qualified(spec.Child("strategy"), string(*strategy))...)
	}
	if holder := l.Spec.PreferredHolder; holder != nil && *holder != "" && deref(strategy) == "" {
		errs = append(errs, field.Forbidden(spec.Child("preferredHolder"), "may only be specified when `strategy` is defined"))
	}
	return errs
}

func leaseUpdate(l, old *coordinationv1.Lease) field.ErrorList {
	return append(metadataUpdate(&l.ObjectMeta, &old.ObjectMeta), lease(l)...)
}
