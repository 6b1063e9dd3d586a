package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// ClockError explains an error of TLS that may come of a clock that is wrong: of
// a certificate whose time has not begun, or is over. Other errors, and nil, come
// back as they are. now is this machine's time.
func ClockError(err error, now time.Time) error {
	var invalid x509.CertificateInvalidError
	if !errors.As(err, &invalid) || invalid.Reason != x509.Expired || invalid.Cert == nil {
		return err
	}
	const form = time.RFC3339
	from, to := invalid.Cert.NotBefore.UTC(), invalid.Cert.NotAfter.UTC()
	if now.Before(from) {
		return fmt.Errorf("the clocks of this machine and of the server differ: the server's certificate begins at %s, and here it is %s: set the clock that is wrong: %w",
			from.Format(form), now.UTC().Format(form), err)
	}
	return fmt.Errorf("the server's certificate ended at %s, and here it is %s: if this machine's clock is right, the certificate was not renewed: %w",
		to.Format(form), now.UTC().Format(form), err)
}
