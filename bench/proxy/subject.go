package proxy

import (
	"cmp"
	"crypto/x509"

	"github.com/causeway-access/causeway/bench/load"
)

// Addresses of the subjects.
const (
	causewayAddress     = "127.0.0.1:6443"
	nginxAddress        = "127.0.0.1:8441"
	haproxyAddress      = "127.0.0.1:8442"
	reverseProxyAddress = "127.0.0.1:8443"
	localCauseway       = "127.0.0.1:8001"
	localKubectl        = "127.0.0.1:8002"
	localNginx          = "127.0.0.1:8003"
)

// subject is one row of each table: a proxy, and how its client shows who he is.
type subject struct {
	name    string
	scheme  string // of its URLs; empty for https
	address string
	server  *server
	roots   *x509.CertPool
	request load.Request // without a URL
}

// url leads through the subject to a path of a service.
func (s *subject) url(service, path string) string {
	return s.at(prefix + service + "/proxy/" + path)
}

// at is a path's URL.
func (s *subject) at(path string) string { return cmp.Or(s.scheme, "https") + "://" + s.address + path }

// to is the subject's request for a path of a service.
func (s *subject) to(service, path string) load.Request {
	r := s.request
	r.URL = s.url(service, path)
	return r
}
