package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// check returns an error unless the subject refuses a wrong token and none,
// serves the right bytes in both protocols, and passes requests on as it should.
func (b *bench) check(ctx context.Context, s *subject) error {
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		client, err := s.client(version)
		if err != nil {
			return err
		}
		defer client.CloseIdleConnections()
		for _, wrong := range []string{"", "Bearer wrong", "Bearer " + b.token + "0"} {
			if err := refuses(ctx, client, s, wrong); err != nil {
				return err
			}
		}
		for name, want := range b.files {
			answer, body, err := s.do(ctx, client, http.MethodGet, s.url("web", name), nil)
			if err != nil {
				return err
			}
			if answer.Proto != version || !bytes.Equal(body, want) {
				return fmt.Errorf("%s was answered by %s with %d bytes that are not those of the file", name, answer.Proto, len(body))
			}
		}
		if err := s.checkUpload(ctx, client, b.files["10m"]); err != nil {
			return err
		}
		if err := s.checkForwarded(ctx, client); err != nil {
			return err
		}
	}
	return nil
}

// client speaks that version of HTTP to the subject, and trusts only it.
func (s *subject) client(version string) (*http.Client, error) {
	config := &tls.Config{RootCAs: s.roots}
	if s.request.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(s.request.Certificate, s.request.Certificate)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(version == "HTTP/1.1")
	protocols.SetHTTP2(version == "HTTP/2.0")
	return &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: config, Protocols: protocols}}, nil
}

// refuses returns an error unless a request with that Authorization header
// and no certificate gets 401.
func refuses(ctx context.Context, client *http.Client, s *subject, authorization string) error {
	if s.request.Certificate != "" {
		return nil // the header is the application's, and the other subject's matter
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url("web", "1k"), nil)
	if err != nil {
		return err
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	answer.Body.Close()
	// Kubernetes calls who shows nothing anonymous, and forbids.
	if answer.StatusCode == http.StatusUnauthorized || authorization == "" && answer.StatusCode == http.StatusForbidden {
		return nil
	}
	return fmt.Errorf("a wrong token or none got %s", answer.Status)
}

// do asks as the subject's user and returns the answer with its whole body.
func (s *subject) do(ctx context.Context, client *http.Client, method, url string, body []byte) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	if s.request.Authorization != "" {
		r.Header.Set("Authorization", s.request.Authorization)
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %.200s", method, url, answer.Status, text)
	}
	return answer, text, err
}

func (s *subject) checkUpload(ctx context.Context, client *http.Client, body []byte) error {
	_, text, err := s.do(ctx, client, http.MethodPost, s.url("sink", ""), body)
	if err != nil {
		return err
	}
	if got := strings.TrimSpace(string(text)); got != fmt.Sprint(len(body)) {
		return fmt.Errorf("of an upload of %d bytes %s arrived", len(body), got)
	}
	return nil
}

// checkForwarded looks at a request as it arrives at the backend.
func (s *subject) checkForwarded(ctx context.Context, client *http.Client) error {
	_, text, err := s.do(ctx, client, http.MethodGet, s.url("echo", "some/path?query=1"), nil)
	if err != nil {
		return err
	}
	var arrived struct {
		Path, Query string
		Headers     http.Header
	}
	if err := json.Unmarshal(text, &arrived); err != nil {
		return fmt.Errorf("read how a request arrives: %w", err)
	}
	want := map[string]string{"X-Forwarded-Host": s.address, "X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1", "Authorization": ""}
	for name, value := range want {
		if got := arrived.Headers.Get(name); got != value {
			return fmt.Errorf("the backend gets %s: %q, want %q", name, got, value)
		}
	}
	if arrived.Path != "/some/path" || arrived.Query != "query=1" {
		return fmt.Errorf("the backend is asked for %q, query %q", arrived.Path, arrived.Query)
	}
	return nil
}
