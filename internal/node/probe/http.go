package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/version"
)

// mostRedirects is how many are followed.
const mostRedirects = 10

// get succeeds if the answer's status is 200 to 399. Redirects are followed on
// the same host only: one that leads elsewhere shows that the container lives,
// and is a warning, since it tells nothing of where it leads.
func (t Target) get(ctx context.Context, action *corev1.HTTPGetAction) Result {
	request, err := t.request(ctx, action)
	if err != nil {
		return Result{Unknown, err.Error()}
	}
	answer, err := t.client().Do(request)
	if err != nil {
		return failure("%v", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, longest))
	switch {
	case err != nil:
		return failure("reading the answer: %v", err)
	case answer.StatusCode < 200 || answer.StatusCode >= 400:
		return failure("HTTP probe failed with statuscode: %d", answer.StatusCode)
	case answer.StatusCode >= 300:
		return Result{Warning, fmt.Sprintf("Probe terminated redirects, Response body: %s", body)}
	}
	return Result{Success, string(body)}
}

// client neither verifies certificates, which are rarely made for a pod's
// address, nor uses proxies, nor keeps connections.
func (t Target) client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:        t.dial,
			TLSClientConfig:    &tls.Config{InsecureSkipVerify: true},
			DisableKeepAlives:  true,
			DisableCompression: true,
		},
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			if next.URL.Hostname() != via[0].URL.Hostname() {
				return http.ErrUseLastResponse
			}
			if len(via) >= mostRedirects {
				return errors.New("stopped after 10 redirects")
			}
			return nil
		},
	}
}

func (t Target) request(ctx context.Context, action *corev1.HTTPGetAction) (*http.Request, error) {
	address, err := t.address(action.Host, action.Port)
	if err != nil {
		return nil, err
	}
	u := target(action.Path)
	u.Scheme, u.Host = "http", address
	if action.Scheme != "" {
		u.Scheme = strings.ToLower(string(action.Scheme))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	for _, h := range action.HTTPHeaders {
		if http.CanonicalHeaderKey(h.Name) == "Host" {
			request.Host = h.Value
			continue
		}
		request.Header.Add(h.Name, h.Value)
	}
	setDefault(request.Header, "User-Agent", userAgent())
	setDefault(request.Header, "Accept", "*/*")
	return request, nil
}

// target is a path, with a query if it has one. What is no such thing is a path
// as it stands.
func target(path string) *url.URL {
	u, err := url.Parse(path)
	if err != nil {
		return &url.URL{Path: path}
	}
	return &url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery, Fragment: u.Fragment}
}

// userAgent is the name by which servers know probes.
func userAgent() string {
	v := version.Kubernetes()
	return "kube-probe/" + v.Major + "." + v.Minor
}

// setDefault sets what is not given. Given as empty, it is not to be sent; a
// User-Agent has to stay, empty, to keep that of the library away.
func setDefault(h http.Header, name, value string) {
	given, ok := h[name]
	if !ok {
		h.Set(name, value)
	}
	if ok && strings.Join(given, "") == "" && name != "User-Agent" {
		h.Del(name)
	}
}
