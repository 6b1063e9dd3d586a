package validation

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// signingRequestUpdate keeps what was asked and what was decided: a decision
// is about this very request.
func signingRequestUpdate(r, old *certificatesv1.CertificateSigningRequest) field.ErrorList {
	errs := metadataUpdate(&r.ObjectMeta, &old.ObjectMeta)
	errs = append(errs, immutable(field.NewPath("spec"), r.Spec, old.Spec)...)
	errs = append(errs, keptConditions(r, old)...)
	return append(errs, keptCertificate(r, old, false)...)
}

// signingRequestStatus lets a signer say that it failed, or give the
// certificate, once.
func signingRequestStatus(r, old *certificatesv1.CertificateSigningRequest) field.ErrorList {
	errs := metadataUpdate(&r.ObjectMeta, &old.ObjectMeta)
	errs = append(errs, requestConditions(field.NewPath("status", "conditions"), r.Status.Conditions)...)
	errs = append(errs, keptConditions(r, old, certificatesv1.CertificateFailed)...)
	return append(errs, keptCertificate(r, old, true)...)
}

// CertificateSigningRequestApprovalUpdate checks a write to the approval
// subresource, which may approve or deny, once.
func CertificateSigningRequestApprovalUpdate(r, old *certificatesv1.CertificateSigningRequest) field.ErrorList {
	errs := metadataUpdate(&r.ObjectMeta, &old.ObjectMeta)
	errs = append(errs, requestConditions(field.NewPath("status", "conditions"), r.Status.Conditions)...)
	errs = append(errs, keptConditions(r, old, certificatesv1.CertificateApproved, certificatesv1.CertificateDenied)...)
	return append(errs, keptCertificate(r, old, false)...)
}

// requestConditions checks each condition, and that the decision is one.
func requestConditions(p *field.Path, list []certificatesv1.CertificateSigningRequestCondition) field.ErrorList {
	var errs field.ErrorList
	seen := map[certificatesv1.RequestConditionType]bool{}
	for i, c := range list {
		p := p.Index(i)
		errs = append(errs, present(p.Child("type"), string(c.Type))...)
		errs = append(errs, unique(p.Child("type"), c.Type, seen)...)
		allowed := []corev1.ConditionStatus{corev1.ConditionFalse, corev1.ConditionTrue, corev1.ConditionUnknown}
		if isDecision(c.Type) {
			allowed = []corev1.ConditionStatus{corev1.ConditionTrue}
		}
		errs = append(errs, oneOf(p.Child("status"), c.Status, allowed...)...)
	}
	if seen[certificatesv1.CertificateApproved] && seen[certificatesv1.CertificateDenied] {
		errs = append(errs, field.Invalid(p, list, "Approved and Denied conditions are mutually exclusive"))
	}
	return errs
}

// isDecision tells which conditions stay for ever.
func isDecision(t certificatesv1.RequestConditionType) bool {
	return t == certificatesv1.CertificateApproved || t == certificatesv1.CertificateDenied || t == certificatesv1.CertificateFailed
}

// keptConditions compares the decisions; those that may be added can be.
func keptConditions(r, old *certificatesv1.CertificateSigningRequest, mayAdd ...certificatesv1.RequestConditionType) field.ErrorList {
	p := field.NewPath("status", "conditions")
	var errs field.ErrorList
	for _, kind := range []certificatesv1.RequestConditionType{
		certificatesv1.CertificateApproved, certificatesv1.CertificateDenied, certificatesv1.CertificateFailed,
	} {
		now, then := conditionsOf(r, kind), conditionsOf(old, kind)
		switch {
		case equality.Semantic.DeepEqual(now, then):
		case len(now) > len(then):
			if !slices.Contains(mayAdd, kind) {
				errs = append(errs, field.Forbidden(p, fmt.Sprintf("updates may not add a condition of type %q", kind)))
			}
		case len(now) < len(then):
			errs = append(errs, field.Forbidden(p, fmt.Sprintf("updates may not remove a condition of type %q", kind)))
		default:
			errs = append(errs, field.Forbidden(p, fmt.Sprintf("updates may not modify a condition of type %q", kind)))
		}
	}
	return errs
}

func conditionsOf(r *certificatesv1.CertificateSigningRequest, kind certificatesv1.RequestConditionType) []certificatesv1.CertificateSigningRequestCondition {
	var list []certificatesv1.CertificateSigningRequestCondition
	for _, c := range r.Status.Conditions {
		if c.Type == kind {
			list = append(list, c)
		}
	}
	return list
}

// keptCertificate lets a certificate be set once, by those who may.
func keptCertificate(r, old *certificatesv1.CertificateSigningRequest, maySet bool) field.ErrorList {
	if bytes.Equal(r.Status.Certificate, old.Status.Certificate) {
		return nil
	}
	p := field.NewPath("status", "certificate")
	switch {
	case !maySet:
		return field.ErrorList{field.Forbidden(p, "updates may not set certificate content")}
	case len(old.Status.Certificate) > 0:
		return field.ErrorList{field.Forbidden(p, "updates may not modify existing certificate content")}
	}
	if err := parseCertificates(r.Status.Certificate); err != nil {
		return field.ErrorList{field.Invalid(p, "<certificate data>", err.Error())}
	}
	return nil
}

// parseCertificates requires certificates in PEM, and nothing in their
// headers, which readers treat differently.
func parseCertificates(data []byte) error {
	found := false
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		data, found = rest, true
		if block.Type != "CERTIFICATE" {
			return fmt.Errorf("only CERTIFICATE PEM blocks are allowed, found %q", block.Type)
		}
		if len(block.Headers) != 0 {
			return errors.New("no PEM block headers are permitted")
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return err
		}
	}
	if !found {
		return errors.New("must contain at least one CERTIFICATE PEM block")
	}
	return nil
}
