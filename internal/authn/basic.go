package authn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/causeway-access/causeway/internal/authn/htpasswd"
	"k8s.io/apiserver/pkg/authentication/authenticator"
)

// basic is HTTP basic authentication (RFC 7617) against an htpasswd file.
type basic struct{ users *htpasswd.Users }

func newBasic(ctx context.Context, cfg Config) (basic, error) {
	users, err := htpasswd.Open(ctx, htpasswd.Config{File: cfg.HtpasswdFile, GroupsFile: cfg.HtpasswdGroupsFile, Log: cfg.Log})
	return basic{users}, err
}

// AuthenticateRequest has no opinion on a request without basic credentials.
func (b basic) AuthenticateRequest(req *http.Request) (*authenticator.Response, bool, error) {
	header := req.Header.Get("Authorization")
	if scheme, _, _ := strings.Cut(header, " "); !strings.EqualFold(scheme, "basic") {
		return nil, false, nil
	}
	name, password, ok := req.BasicAuth()
	if !ok {
		return nil, false, errors.New("malformed basic credentials")
	}
	info, err := b.users.Check(req.Context(), name, password)
	if err != nil {
		return nil, false, err
	}
	req.Header.Del("Authorization")
	return &authenticator.Response{User: info}, true, nil
}

func challenge(realm string) string {
	if realm == "" {
		realm = DefaultRealm
	}
	return fmt.Sprintf("Basic realm=%q", realm)
}
