package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// badCertificate says in words what is wrong with a server's certificate, and
// what to do, as far as the error tells.
func badCertificate(err error) error {
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("the certificate of %s is valid from %s to %s, and now it is %s: have it renewed, or set the clock of this machine",
			holderOf(invalid.Cert), moment(invalid.Cert.NotBefore), moment(invalid.Cert.NotAfter), moment(time.Now()))
	case errors.As(err, &name):
		return fmt.Errorf("the server's certificate is for %s, not for %s: use one of these names in the URL, or give it with --tls-server-name",
			strings.Join(namesOf(name.Certificate), ", "), name.Host)
	}
	return fmt.Errorf("the server's certificate is not good: %w", err)
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// namesOf are the hosts that a certificate is for.
func namesOf(c *x509.Certificate) []string {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return []string{"no host at all"}
	}
	return names
}

// advice is what to do about an error that users meet; empty if there is none
// to give. It is printed below the error.
func advice(err error) string {
	server := serverOf(err)
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		return adviceOnCertificate(certificate, server)
	case apierrors.IsUnauthorized(err):
		return "The server does not take the credentials of this context. To give others: causeway login URL"
	case errors.Is(err, syscall.ECONNREFUSED) && server != "":
		return fmt.Sprintf("Nothing listens at %s. Is the cluster running? \"causeway config view --minify\" shows which one the context names.", server)
	case errors.As(err, new(*net.DNSError)) && server != "":
		return fmt.Sprintf("This machine finds no address for %s: look at the server in \"causeway config view --minify\".", server)
	case strings.Contains(err.Error(), "getting credentials: exec"): // client-go has no type for it
		return "The kubeconfig's user gets his credential from that program: run it by hand to see why it fails, or log in another way with causeway login."
	}
	return ""
}

// serverOf is the host that a failed request was for, or empty.
func serverOf(err error) string {
	var failed *url.Error
	if !errors.As(err, &failed) {
		return ""
	}
	u, err := url.Parse(failed.URL)
	if err != nil {
		return ""
	}
	return u.Host
}

// adviceOnCertificate names the certificate that was not trusted and how its
// authority becomes known without --insecure-skip-tls-verify.
func adviceOnCertificate(err *tls.CertificateVerificationError, server string) string {
	if !errors.As(err, new(x509.UnknownAuthorityError)) {
		return badCertificate(err).Error()
	}
	return fmt.Sprintf("The server shows\n%s\nand none of it is signed by an authority that the kubeconfig has for it. If the cluster was\nmade anew, get to know it again, with a fingerprint to compare: causeway login https://%s",
		describe(err.UnverifiedCertificates), server)
}
