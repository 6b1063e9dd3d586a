package authn

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"hash/maphash"
	"net/http"
	"sync/atomic"
	"time"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
)

const (
	// rememberFor is how long an accepted credential is taken without asking.
	// It comes on top of tokenGood.
	rememberFor = 5 * time.Second
	// rememberSlots bounds what is remembered. Two credentials that fall into
	// one slot take turns, and are asked about more often.
	rememberSlots = 4096
	// rememberLongest bounds the header that is worth it, in bytes.
	rememberLongest = 4 << 10
)

// Remembered is an authenticator that answers by itself for credentials that
// the next one has just accepted: the same header, or the same client
// certificate. A look-up takes no lock and allocates nothing. What is kept of
// a header is a keyed digest.
type Remembered struct {
	next      authenticator.Request
	audiences authenticator.Audiences
	key       [sha256.Size]byte
	seed      maphash.Seed
	slots     [rememberSlots]atomic.Pointer[memory]
}

var _ authenticator.Request = (*Remembered)(nil)

// memory is one accepted credential. It is immutable.
type memory struct {
	credential credential
	response   *authenticator.Response
	until      time.Time
}

// credential identifies what a request shows: a digest or a certificate.
type credential struct {
	sum  [sha256.Size]byte
	leaf *x509.Certificate
}

// Remember returns an authenticator that asks next on behalf of the audiences
// (none: of any), and remembers its consent. Next must delete the header in
// which it found the credential that it accepted.
func Remember(next authenticator.Request, audiences authenticator.Audiences) *Remembered {
	r := &Remembered{next: next, audiences: audiences, seed: maphash.MakeSeed()}
	_, _ = rand.Read(r.key[:]) // never fails, says its documentation
	return r
}

// AuthenticateRequest returns who sent the request, as Authenticator does.
func (r *Remembered) AuthenticateRequest(req *http.Request) (*authenticator.Response, bool, error) {
	shown, header := r.shown(req)
	if shown == (credential{}) {
		return r.ask(req)
	}
	slot := &r.slots[maphash.Comparable(r.seed, shown)%rememberSlots]
	now := time.Now()
	if m := slot.Load(); m != nil && m.credential == shown && now.Before(m.until) {
		if header != "" {
			delete(req.Header, header)
		}
		return m.response, true, nil
	}
	others := len(req.Header["Authorization"])
	response, ok, err := r.ask(req)
	if ok && err == nil && accepted(req, shown, header, others, response) {
		m := &memory{credential: shown, response: response, until: now.Add(rememberFor)}
		if shown.leaf != nil && shown.leaf.NotAfter.Before(m.until) {
			m.until = shown.leaf.NotAfter
		}
		slot.Store(m)
	}
	return response, ok, err
}

// shown returns the one credential of the request, and the header that holds
// it if one does. It returns nothing for a request that shows several, or one
// in another form: whose of them counts is for next to say.
func (r *Remembered) shown(req *http.Request) (credential, string) {
	if len(req.Header["Sec-Websocket-Protocol"]) > 0 {
		return credential{}, ""
	}
	header := "Proxy-Authorization"
	values := req.Header[header]
	if req.TLS != nil && len(req.TLS.PeerCertificates) > 0 {
		if len(values) > 0 {
			return credential{}, ""
		}
		return credential{leaf: req.TLS.PeerCertificates[0]}, ""
	}
	if len(values) == 0 {
		header = "Authorization"
		values = req.Header[header]
	}
	if len(values) != 1 || len(values[0]) > rememberLongest || values[0] == "" {
		return credential{}, ""
	}
	return credential{sum: r.digest(header, values[0])}, header
}

// digest is keyed, so that what is kept of a password helps nobody to guess it.
func (r *Remembered) digest(header, value string) [sha256.Size]byte {
	var room [512]byte // most tokens fit, and then nothing is allocated
	b := append(room[:0], r.key[:]...)
	b = append(b, header...)
	b = append(b, 0)
	return sha256.Sum256(append(b, value...))
}

// accepted reports whether it was this credential that was accepted, and not
// another of the request's, or none: what was accepted is gone, and of a
// request with a good certificate nothing is. Others is how many Authorization
// headers there were before.
func accepted(req *http.Request, shown credential, header string, others int, response *authenticator.Response) bool {
	if response.User.GetName() == user.Anonymous {
		return false
	}
	if shown.leaf != nil {
		return len(req.Header["Authorization"]) == others
	}
	return len(req.Header[header]) == 0
}

// ask asks next, and refuses tokens for others' audiences.
func (r *Remembered) ask(req *http.Request) (*authenticator.Response, bool, error) {
	if len(r.audiences) == 0 {
		return r.next.AuthenticateRequest(req)
	}
	// The context is how the library's authenticators learn of audiences. The
	// copy shares the headers: what next deletes is gone from req too.
	response, ok, err := r.next.AuthenticateRequest(req.WithContext(authenticator.WithAudiences(req.Context(), r.audiences)))
	if ok && err == nil && len(response.Audiences) > 0 && len(r.audiences.Intersect(response.Audiences)) == 0 {
		return nil, false, errors.New("the token is for another audience")
	}
	return response, ok, err
}
