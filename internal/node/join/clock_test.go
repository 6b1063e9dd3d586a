package join

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// said ends the waiting as soon as something has been logged.
type said struct {
	bytes.Buffer
	then func()
}

func (s *said) Write(p []byte) (int, error) {
	defer s.then()
	return s.Buffer.Write(p)
}

// A machine whose clock is too far behind the cluster's waits for a certificate to
// become valid: it says that the clocks are the reason.
func TestANewcomerIsToldThatClocksDiffer(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(3 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.StartTLS()
	defer server.Close()
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	config.RootCAs.AddCert(cert)
	client := http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	ctx, cancel := context.WithCancel(t.Context())
	log := &said{then: cancel}
	cfg := Config{Log: slog.New(slog.NewTextHandler(log, nil))}
	err = cfg.persist(ctx, "asking", func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(request)
		if err == nil {
			resp.Body.Close()
		}
		return err
	})
	const want = "the clocks of this machine and of the server differ"
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(log.String(), want) {
		t.Errorf("it ends with %v, and has said %s", err, log)
	}
}
