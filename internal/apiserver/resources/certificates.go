package resources

import (
	"context"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"

	"github.com/causeway-access/causeway/internal/apiserver/registry"
	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

func signingRequests() *registry.Resource {
	r := registry.Define[certificatesv1.CertificateSigningRequest, certificatesv1.CertificateSigningRequestList](
		certificatesv1.SchemeGroupVersion, "CertificateSigningRequest", "certificatesigningrequests", "certificatesigningrequest")
	r.Namespaced, r.Short, r.Status = false, []string{"csr"}, true
	r.Fields = func(o runtime.Object) fields.Set {
		return fields.Set{"spec.signerName": o.(*certificatesv1.CertificateSigningRequest).Spec.SignerName}
	}
	// Whoever asks cannot say that he is somebody else.
	r.PrepareCreate = func(ctx context.Context, o runtime.Object) {
		spec := &o.(*certificatesv1.CertificateSigningRequest).Spec
		spec.Username, spec.UID, spec.Groups, spec.Extra = "", "", nil, nil
		u, ok := genericrequest.UserFrom(ctx)
		if !ok {
			return
		}
		spec.Username, spec.UID, spec.Groups = u.GetName(), u.GetUID(), u.GetGroups()
		for key, values := range u.GetExtra() {
			if spec.Extra == nil {
				spec.Extra = map[string]certificatesv1.ExtraValue{}
			}
			spec.Extra[key] = values
		}
	}
	r.PrepareUpdate = func(_ context.Context, o, old runtime.Object) {
		o.(*certificatesv1.CertificateSigningRequest).Spec = old.(*certificatesv1.CertificateSigningRequest).Spec
	}
	// The signer writes the certificate, the approver the conditions: each
	// through a subresource of its own, so that each needs its own permission.
	r.PrepareStatus = func(_ context.Context, o, old runtime.Object) {
		now, then := o.(*certificatesv1.CertificateSigningRequest), old.(*certificatesv1.CertificateSigningRequest)
		now.Status.Conditions = mergeConditions(now.Status.Conditions, then.Status.Conditions, certificatesv1.CertificateFailed)
	}
	return r
}

// mergeConditions keeps what is stored, but for conditions of the given types.
func mergeConditions(now, then []certificatesv1.CertificateSigningRequestCondition, writable ...certificatesv1.RequestConditionType) []certificatesv1.CertificateSigningRequestCondition {
	var merged []certificatesv1.CertificateSigningRequestCondition
	may := func(c certificatesv1.CertificateSigningRequestCondition) bool {
		for _, t := range writable {
			if c.Type == t {
				return true
			}
		}
		return false
	}
	for _, c := range then {
		if !may(c) {
			merged = append(merged, c)
		}
	}
	for _, c := range now {
		if may(c) {
			merged = append(merged, c)
		}
	}
	return merged
}

// stampConditions dates the conditions an approver left undated.
func stampConditions(conditions []certificatesv1.CertificateSigningRequestCondition) {
	now := metav1.Now()
	for i := range conditions {
		c := &conditions[i]
		if c.LastUpdateTime.IsZero() {
			c.LastUpdateTime = now
		}
		if c.LastTransitionTime.IsZero() {
			c.LastTransitionTime = now
		}
	}
}

func (b *builder) certificates() served {
	store := b.rest(signingRequests())
	if b.err != nil {
		return nil
	}
	return served{
		"certificatesigningrequests":        store,
		"certificatesigningrequests/status": store.Status(),
		"certificatesigningrequests/approval": store.View(registry.ViewConfig{
			Prepare: func(_ context.Context, o, old runtime.Object) {
				now, then := o.(*certificatesv1.CertificateSigningRequest), old.(*certificatesv1.CertificateSigningRequest)
				now.Spec, now.Status.Certificate = then.Spec, then.Status.Certificate
				now.Status.Conditions = mergeConditions(now.Status.Conditions, then.Status.Conditions,
					certificatesv1.CertificateApproved, certificatesv1.CertificateDenied)
				stampConditions(now.Status.Conditions)
			},
			Validate: on(validation.CertificateSigningRequestApprovalUpdate),
			Resets:   "spec",
		}),
	}
}
