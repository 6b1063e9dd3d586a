package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/causeway-access/causeway/internal/certs"
	"github.com/causeway-access/causeway/internal/certs/pin"
)

// trust says by what a server that shows itself is known.
type trust struct {
	fingerprint, authorityFile, serverName string

	pinned pin.Fingerprint // what fingerprint says
}

func (t *trust) addTo(f *pflag.FlagSet) {
	f.StringVar(&t.fingerprint, "fingerprint", "", "sha256:... of the authority; the server is trusted if it shows it, and nothing is asked")
	f.StringVar(&t.authorityFile, "certificate-authority", "", "file with the authority's certificate")
	f.StringVar(&t.serverName, "tls-server-name", "", "name to check the server's certificate for (default: the host of URL)")
}

func (t *trust) check() error {
	if t.fingerprint == "" {
		return nil
	}
	if t.authorityFile != "" {
		return usagef("--fingerprint and --certificate-authority exclude each other")
	}
	var err error
	if t.pinned, err = pin.ParseFingerprint(t.fingerprint); err != nil {
		return usageError{fmt.Errorf("--fingerprint: %w", err)}
	}
	return nil
}

// decide returns the authority by which the server is known from now on, as
// PEM; nil are the system's. Known are those that the kubeconfig has for this
// server. A person is asked only if nothing else answers.
func (t *trust) decide(ctx context.Context, shown *pin.Shown, known [][]byte, at console) ([]byte, error) {
	switch {
	case t.authorityFile != "":
		return t.byFile(shown)
	case t.fingerprint != "":
		return t.byFingerprint(shown, at.ErrOut)
	}
	for _, ca := range known {
		if shown.Verify(pool(ca)) == nil {
			return ca, nil
		}
	}
	if shown.Verify(nil) == nil {
		return nil, nil
	}
	// A certificate that has expired, or is for another name, is wrong
	// whoever signed it.
	if err := shown.VerifyBy(shown.Top()); err != nil {
		return nil, badCertificate(err)
	}
	return t.byAsking(ctx, shown, len(known) > 0, at)
}

func pool(text []byte) *x509.CertPool {
	p := x509.NewCertPool()
	p.AppendCertsFromPEM(text)
	return p
}

func (t *trust) byFile(shown *pin.Shown) ([]byte, error) {
	text, err := os.ReadFile(t.authorityFile)
	if err != nil {
		return nil, fmt.Errorf("read the authority: %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", t.authorityFile)
	}
	if err := shown.Verify(pool(text)); err != nil {
		return nil, badCertificate(err)
	}
	return text, nil
}

func (t *trust) byFingerprint(shown *pin.Shown, out io.Writer) ([]byte, error) {
	found := shown.Find(t.pinned)
	if found == nil {
		return nil, fmt.Errorf("the server shows no certificate with the fingerprint %s: it is another cluster's, or somebody stands between you and the cluster. No secret was sent. It shows\n%s",
			t.pinned, describe(shown.Path))
	}
	if err := shown.VerifyBy(found); err != nil {
		return nil, badCertificate(err)
	}
	warnPassing(found, out)
	return pin.PEM(found), nil
}

// byAsking shows the topmost certificate and has a person compare it.
func (t *trust) byAsking(ctx context.Context, shown *pin.Shown, changed bool, at console) ([]byte, error) {
	top := shown.Top()
	if _, ok := at.terminal(); !ok {
		return nil, fmt.Errorf("its authority is not known here, and there is no terminal to ask on. It shows\n%s\nGet the authority's fingerprint from a machine that knows it (\"causeway cluster-info\" prints it), and give it with --fingerprint", describe(shown.Path))
	}
	if changed {
		fmt.Fprintf(at.ErrOut, "WARNING: this is NOT the authority that your kubeconfig has for this server.\nThe cluster was made anew, or somebody stands between you and it.\n\n")
	}
	fmt.Fprintf(at.ErrOut, "Nobody on this machine knows the server yet. It shows\n%s\n", describe(shown.Path))
	warnPassing(top, at.ErrOut)
	fmt.Fprintf(at.ErrOut, "Compare the last fingerprint with the one that whoever runs the cluster has:\n\"causeway up\" and \"causeway cluster-info\" print it there.\n")
	answer, err := at.ask(ctx, "Is it the same? Type yes, or paste the one you were given: ")
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(answer, "yes") {
		return pin.PEM(top), nil
	}
	given, err := pin.ParseFingerprint(answer)
	if err != nil {
		return nil, errors.New("the server was not trusted: no secret was sent, nothing was written")
	}
	if found := shown.Find(given); found != nil {
		return pin.PEM(found), nil
	}
	return nil, errors.New("that is NOT its fingerprint: do not log in there. No secret was sent, nothing was written")
}

// describe shows certificates from the server's own upwards.
func describe(path []*x509.Certificate) string {
	var text strings.Builder
	for _, c := range path {
		kind := "server"
		if c.IsCA {
			kind = "authority"
		}
		fmt.Fprintf(&text, "  %-10s %s, valid until %s\n             SHA-256 %s\n", kind, holderOf(c), c.NotAfter.UTC().Format(time.DateOnly), certs.Fingerprint(c))
	}
	return strings.TrimSuffix(text.String(), "\n")
}

func holderOf(c *x509.Certificate) string {
	if c.Subject.CommonName != "" {
		return c.Subject.CommonName
	}
	return c.Subject.String()
}

// warnPassing tells of a pin that will not last.
func warnPassing(c *x509.Certificate, out io.Writer) {
	if !pin.Lasting(c) {
		fmt.Fprintf(out, "warning: that is the server's own certificate, not an authority's: log in again when it is replaced, on %s at the latest\n", c.NotAfter.UTC().Format(time.DateOnly))
	}
}
