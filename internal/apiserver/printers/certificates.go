package printers

import (
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/apimachinery/pkg/util/duration"
)

// certificateSigningRequests shows who asks whom, and what came of it.
func certificateSigningRequests() view {
	doc := certificatesv1.CertificateSigningRequestSpec{}.SwaggerDoc()
	return viewOf(columns(
		nameColumn(),
		ageColumn(),
		text("SignerName", doc["signerName"]),
		text("Requestor", doc["request"]),
		text("RequestedDuration", doc["expirationSeconds"]),
		text("Condition", certificatesv1.CertificateSigningRequestStatus{}.SwaggerDoc()["conditions"]),
	), func(r *certificatesv1.CertificateSigningRequest) []any {
		return []any{
			r.Name, age(r.CreationTimestamp), or(r.Spec.SignerName, none), r.Spec.Username,
			requestedDuration(r.Spec.ExpirationSeconds), signingState(r.Status),
		}
	})
}

func requestedDuration(seconds *int32) string {
	if seconds == nil {
		return none
	}
	return duration.HumanDuration(time.Duration(*seconds) * time.Second)
}

func signingState(s certificatesv1.CertificateSigningRequestStatus) string {
	has := map[certificatesv1.RequestConditionType]bool{}
	for _, c := range s.Conditions {
		has[c.Type] = true
	}
	state := "Pending"
	switch {
	case has[certificatesv1.CertificateDenied]:
		state = "Denied"
	case has[certificatesv1.CertificateApproved]:
		state = "Approved"
	}
	if has[certificatesv1.CertificateFailed] {
		state += ",Failed"
	}
	if len(s.Certificate) > 0 {
		state += ",Issued"
	}
	return state
}
