package echo

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// bodyLimit is how much of a body is shown; the rest is read and counted.
const bodyLimit = 1 << 20

// Reply is what the server saw of a request.
type Reply struct {
	Method string `json:"method"`
	// Path and Query are the bytes of the request line, undecoded.
	Path     string      `json:"path"`
	Query    string      `json:"query,omitempty"`
	Protocol string      `json:"protocol"`
	Host     string      `json:"host"`
	Headers  http.Header `json:"headers"`
	Trailers http.Header `json:"trailers,omitempty"`
	// Body is the text, BodyBase64 the bytes if they are no text; at most
	// 1 MiB of them. BodyBytes is the full length.
	Body       string `json:"body,omitempty"`
	BodyBase64 string `json:"bodyBase64,omitempty"`
	BodyBytes  int64  `json:"bodyBytes"`
	// RemoteAddress is the peer's host:port.
	RemoteAddress string `json:"remoteAddress"`
	// ServerName and ClientCertificate are what TLS told.
	ServerName        string `json:"serverName,omitempty"`
	ClientCertificate string `json:"clientCertificate,omitempty"`
	Pod               string `json:"pod"`
	Namespace         string `json:"namespace,omitempty"`
}

// see reads the whole request into a Reply.
func (h *handler) see(r *http.Request) (Reply, error) {
	target, query, _ := strings.Cut(r.RequestURI, "?")
	reply := Reply{
		Method: r.Method, Path: target, Query: query, Protocol: r.Proto, Host: r.Host,
		Headers: r.Header, RemoteAddress: r.RemoteAddr, Pod: h.pod, Namespace: h.namespace,
	}
	if r.TLS != nil {
		reply.ServerName = r.TLS.ServerName
		if len(r.TLS.PeerCertificates) > 0 {
			reply.ClientCertificate = r.TLS.PeerCertificates[0].Subject.String()
		}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, bodyLimit))
	if err != nil {
		return reply, fmt.Errorf("read the body: %w", err)
	}
	rest, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return reply, fmt.Errorf("read the body: %w", err)
	}
	reply.BodyBytes = int64(len(body)) + rest
	if utf8.Valid(body) {
		reply.Body = string(body)
	} else {
		reply.BodyBase64 = base64.StdEncoding.EncodeToString(body)
	}
	reply.Trailers = r.Trailer // complete now that the body is read
	return reply, nil
}

// echo answers with the request.
func (h *handler) echo(w http.ResponseWriter, r *http.Request) {
	h.answer(w, r, http.StatusOK)
}

// answer sends the request back with the given status, as JSON or, if the
// client asks for text/plain, as text.
func (h *handler) answer(w http.ResponseWriter, r *http.Request, status int) {
	reply, err := h.see(r)
	if err != nil {
		writeText(w, http.StatusBadRequest, err.Error()+"\n")
		return
	}
	if strings.Contains(r.Header.Get("Accept"), "text/plain") {
		writeText(w, status, reply.text())
		return
	}
	writeJSON(w, status, reply)
}

// text is the reply in the shape of a request, for people.
func (r Reply) text() string {
	var b strings.Builder
	target := r.Path
	if r.Query != "" {
		target += "?" + r.Query
	}
	fmt.Fprintf(&b, "%s %s %s\nHost: %s\n", r.Method, target, r.Protocol, r.Host)
	names := make([]string, 0, len(r.Headers))
	for name := range r.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range r.Headers[name] {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	if r.Body+r.BodyBase64 != "" {
		fmt.Fprintf(&b, "\n%s\n", strings.TrimSuffix(r.Body+r.BodyBase64, "\n"))
	}
	fmt.Fprintf(&b, "\n%d bytes of body from %s, answered by pod %s", r.BodyBytes, r.RemoteAddress, r.Pod)
	if r.Namespace != "" {
		fmt.Fprintf(&b, " in namespace %s", r.Namespace)
	}
	return b.String() + "\n"
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		writeText(w, http.StatusInternalServerError, err.Error()+"\n")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n')) // the client may have gone
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // the client may have gone
}
