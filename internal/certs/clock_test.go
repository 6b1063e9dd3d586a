package certs_test

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/causeway-access/causeway/internal/certs"
)

// A machine whose clock is an hour off speaks to a cluster from its first second
// on. One that is further behind is told why it does not.
func TestClocksMayDifferByAnHour(t *testing.T) {
	authority := open(t, t.TempDir())
	certPEM, keyPEM, err := authority.Issue(certs.Leaf{CommonName: "server", IPs: []net.IP{net.IPv4(127, 0, 0, 1)}, Server: true})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	defer server.Close()
	for _, test := range []struct {
		name   string
		before time.Duration
		want   []string // of the error; none if all is well
	}{
		{"right", 0, nil},
		{"an hour behind", -time.Hour, nil},
		{"an hour ahead", time.Hour, nil},
		{"two hours behind", -2 * time.Hour, []string{"the clocks of this machine and of the server differ", "set the clock that is wrong"}},
		{"twenty years ahead", 20 * 365 * 24 * time.Hour, []string{"ended at ", "if this machine's clock is right, the certificate was not renewed"}},
	} {
		now := func() time.Time { return time.Now().Add(test.before) }
		config := &tls.Config{RootCAs: authority.Pool(), Time: now}
		client := http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
		resp, err := client.Get(server.URL)
		if err == nil {
			resp.Body.Close()
		}
		said := certs.ClockError(err, now())
		if (said == nil) != (test.want == nil) || err != nil && !errors.Is(said, err) {
			t.Errorf("a clock that is %s: %v", test.name, said)
			continue
		}
		for _, text := range test.want {
			if !strings.Contains(said.Error(), text) {
				t.Errorf("a clock that is %s: the error does not say %q: %v", test.name, text, said)
			}
		}
	}
	other := errors.New("another error")
	if got := certs.ClockError(other, time.Now()); got != other {
		t.Errorf("another error became %v", got)
	}
}
