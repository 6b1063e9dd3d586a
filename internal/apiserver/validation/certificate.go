package validation

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// minCertificateSeconds is the shortest life that can be asked for; shorter
// ones fail for clocks that differ.
const minCertificateSeconds = 600

func signingRequest(r *certificatesv1.CertificateSigningRequest) field.ErrorList {
	errs := metadata(&r.ObjectMeta, clusterScoped, func(string, bool) []string { return nil })
	spec := field.NewPath("spec")
	if err := parseRequest(r.Spec.Request); err != nil {
		errs = append(errs, field.Invalid(spec.Child("request"), r.Spec.Request, err.Error()))
	}
	errs = append(errs, usages(spec.Child("usages"), r.Spec.Usages)...)
	errs = append(errs, signerName(spec.Child("signerName"), r.Spec.SignerName)...)
	if s := r.Spec.ExpirationSeconds; s != nil && *s < minCertificateSeconds {
		errs = append(errs, field.Invalid(spec.Child("expirationSeconds"), *s, "may not specify a duration less than 600 seconds (10 minutes)"))
	}
	return append(errs, requestConditions(field.NewPath("status", "conditions"), r.Status.Conditions)...)
}

// parseRequest requires one PEM block with a request signed by its own key.
func parseRequest(data []byte) error {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return errors.New("PEM block type must be CERTIFICATE REQUEST")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return err
	}
	return request.CheckSignature()
}

func usages(p *field.Path, list []certificatesv1.KeyUsage) field.ErrorList {
	if len(list) == 0 {
		return field.ErrorList{field.Required(p, "")}
	}
	var errs field.ErrorList
	seen := map[certificatesv1.KeyUsage]bool{}
	for i := range list {
		errs = append(errs, oneOfIfSet(p.Index(i), &list[i], knownUsages()...)...)
		errs = append(errs, unique(p.Index(i), list[i], seen)...)
	}
	return errs
}

func knownUsages() []certificatesv1.KeyUsage {
	return []certificatesv1.KeyUsage{
		certificatesv1.UsageAny, certificatesv1.UsageCertSign, certificatesv1.UsageClientAuth,
		certificatesv1.UsageCodeSigning, certificatesv1.UsageContentCommitment, certificatesv1.UsageCRLSign,
		certificatesv1.UsageDataEncipherment, certificatesv1.UsageDecipherOnly, certificatesv1.UsageDigitalSignature,
		certificatesv1.UsageEmailProtection, certificatesv1.UsageEncipherOnly, certificatesv1.UsageIPsecEndSystem,
		certificatesv1.UsageIPsecTunnel, certificatesv1.UsageIPsecUser, certificatesv1.UsageKeyAgreement,
		certificatesv1.UsageKeyEncipherment, certificatesv1.UsageMicrosoftSGC, certificatesv1.UsageNetscapeSGC,
		certificatesv1.UsageOCSPSigning, certificatesv1.UsageSMIME, certificatesv1.UsageServerAuth,
		certificatesv1.UsageSigning, certificatesv1.UsageTimestamping,
	}
}

// signerName is a domain of at least two labels, and a path of labels.
func signerName(p *field.Path, name string) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(p, "")}
	}
	if name == "kubernetes.io/legacy-unknown" {
		return field.ErrorList{field.Invalid(p, name, "the legacy signerName is not allowed via this API version")}
	}
	domain, path, ok := strings.Cut(name, "/")
	if !ok || strings.Contains(path, "/") {
		return field.ErrorList{field.Invalid(p, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")}
	}
	const maxPath = validation.DNS1123SubdomainMaxLength + validation.DNS1123LabelMaxLength + 1
	var errs field.ErrorList
	if len(domain) > validation.DNS1123SubdomainMaxLength {
		errs = append(errs, field.TooLong(p, "", validation.DNS1123SubdomainMaxLength))
	}
	if len(path) > maxPath {
		errs = append(errs, field.TooLong(p, "", maxPath))
	}
	labels := strings.Split(domain, ".")
	if len(labels) < 2 {
		errs = append(errs, field.Invalid(p, domain, "should be a domain with at least two segments separated by dots"))
	}
	errs = append(errs, labelsOf(p, domain, labels, validation.IsDNS1123Label)...)
	return append(errs, labelsOf(p, path, strings.Split(path, "."), validation.IsDNS1123Subdomain)...)
}

func labelsOf(p *field.Path, value string, labels []string, check func(string) []string) field.ErrorList {
	var errs field.ErrorList
	for _, label := range labels {
		for _, message := range check(label) {
			errs = append(errs, field.Invalid(p, value, fmt.Sprintf("validating label %q: %s", label, message)))
		}
	}
	return errs
}
