package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/causeway-access/causeway/internal/localproxy"
)

const (
	// defaultProxyURL is where `causeway proxy` is if it is told nothing.
	defaultProxyURL = "http://127.0.0.1:8001"
	// proxyPatience is how long a local proxy may take to answer, and
	// glance how long what may be one and may be not.
	proxyPatience = 30 * time.Second
	glance        = 3 * time.Second
	// maxStatus bounds what is read of its answer.
	maxStatus = 1 << 20
)

// addLocalProxy finds out whether a local proxy for this cluster is at the
// URL, and under which names it serves the services. That none is there is an
// error only where the user has said that there is one.
func (i *clusterInfo) addLocalProxy(ctx context.Context, at string, wanted bool) error {
	if at == "" {
		return nil
	}
	base, err := url.Parse(at)
	if err != nil || base.Scheme != "http" || base.Port() == "" {
		return usagef("--proxy %q is not the URL of a local proxy: want http://127.0.0.1:8001 or the like", at)
	}
	patience := glance
	if wanted {
		patience = proxyPatience
	}
	status, err := askLocalProxy(ctx, base, patience)
	if err == nil && !serves(status, i.ControlPlane) {
		err = fmt.Errorf("it is not for %s", i.ControlPlane)
	}
	if err != nil {
		if wanted {
			return fmt.Errorf("look for a local proxy at %s: %w", at, err)
		}
		return nil
	}
	i.LocalProxy = "http://" + net.JoinHostPort("localhost", base.Port())
	for n := range i.Services {
		if s := &i.Services[n]; s.local != "" {
			s.LocalURL = "http://" + net.JoinHostPort(s.local, base.Port()) + "/"
		}
	}
	return nil
}

// askLocalProxy asks for the servers that a local proxy knows. Whatever else
// may listen there is sent nothing but this question.
func askLocalProxy(ctx context.Context, base *url.URL, patience time.Duration) (localproxy.Status, error) {
	var status localproxy.Status
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base.JoinPath(localproxy.StatusPath).String(), nil)
	if err != nil {
		return status, err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // never by way of another proxy
	resp, err := client.Do(r)
	if failed := new(url.Error); errors.As(err, &failed) {
		return status, fmt.Errorf("%w: start one with 'causeway proxy'", failed.Err)
	}
	if err != nil {
		return status, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return status, fmt.Errorf("it answers %s: it is no local proxy of Causeway's", resp.Status)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxStatus)).Decode(&status); err != nil {
		return status, fmt.Errorf("reading its answer: %w", err)
	}
	return status, nil
}

// serves reports whether one of the proxy's servers is the one with that URL.
func serves(status localproxy.Status, server string) bool {
	return slices.ContainsFunc(status.Servers, func(h localproxy.Health) bool {
		return strings.TrimRight(h.URL, "/") == strings.TrimRight(server, "/")
	})
}
