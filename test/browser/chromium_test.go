//go:build host

package browser

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

// chromium is a running browser.
type chromium struct{ ctx context.Context }

// newChromium runs Debian's Chromium without a window until the test ends. It
// trusts the site as a person does who has imported its authority: by the key
// of the certificate that the server shows, which is verified here. Errors of
// any other certificate stay errors.
func newChromium(t *testing.T, s *site) *chromium {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // it does not start as root otherwise; the network is the test's own
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WindowSize(1280, 1024),
		chromedp.Env("HOME="+s.Home),
		chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("ignore-certificate-errors-spki-list", serverKey(t, s)),
	)
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	ctx, _ := chromedp.NewContext(allocator, chromedp.WithErrorf(t.Logf))
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("closing the browser: %v", err)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting chromium, which hack/test-deps.sh installs: %v", err)
	}
	return &chromium{ctx}
}

// serverKey is the SHA-256 of the key of the site's certificate, in base64.
func serverKey(t *testing.T, s *site) string {
	t.Helper()
	authority, err := os.ReadFile(s.Info.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	address, err := url.Parse(s.Info.URL)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", address.Host, &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	key := sha256.Sum256(conn.ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(key[:])
}
