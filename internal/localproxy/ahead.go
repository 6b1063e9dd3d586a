package localproxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/causeway-access/causeway/internal/route"
)

const (
	// aheadTarget and aheadAPI bound the answers that are read whole before any
	// of them is passed on: of targets those that say that they are no longer,
	// of the API all but streams.
	aheadTarget = 64 << 10
	aheadAPI    = 1 << 20
)

// readAhead reads the body of an answer whole if that does not keep the client
// waiting for long, so that a server which dies in the middle of it is one that
// did not answer, and another is asked. What is longer is passed on as it comes.
func readAhead(r *http.Request, resp *http.Response) error {
	most := aheadOf(r, resp)
	if most == 0 {
		return nil
	}
	var begun bytes.Buffer
	if resp.ContentLength > 0 {
		begun.Grow(int(resp.ContentLength) + bytes.MinRead)
	}
	_, err := io.Copy(&begun, io.LimitReader(resp.Body, most))
	if err != nil {
		return errors.Join(fmt.Errorf("the answer broke off: %w", err), resp.Body.Close())
	}
	if int64(begun.Len()) < most {
		// The end was seen, and trailers with it.
		rest := resp.Body
		resp.Body = struct {
			io.Reader
			io.Closer
		}{&begun, rest}
		return nil
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(&begun, resp.Body), resp.Body}
	return nil
}

// aheadOf is how much of an answer is read ahead: nothing of streams, which
// have no end, and of answers that may not be asked for again.
func aheadOf(r *http.Request, resp *http.Response) int64 {
	if r.Method != http.MethodGet || resp.ContentLength == 0 || resp.StatusCode == http.StatusSwitchingProtocols {
		return 0
	}
	path := r.URL.Opaque
	if path == "" {
		path = r.URL.EscapedPath()
	}
	if _, isTarget := route.Parse(path, r.URL.RawQuery); isTarget {
		if resp.ContentLength < 0 || resp.ContentLength > aheadTarget {
			return 0
		}
		return resp.ContentLength + 1
	}
	if !isObject(resp.Header.Get("Content-Type")) || lasts(path, r.URL.RawQuery) {
		return 0
	}
	return aheadAPI
}

// isObject tells the API's objects and lists from logs and the like.
func isObject(contentType string) bool {
	if strings.Contains(contentType, "stream=") {
		return false
	}
	kind, _, _ := strings.Cut(contentType, ";")
	for _, encoding := range []string{"json", "protobuf", "yaml", "cbor"} {
		if strings.HasSuffix(kind, encoding) {
			return true
		}
	}
	return false
}

// lasts reports whether the API's answer comes in the course of time and ends
// when the client likes, as far as the URL says so.
func lasts(path, query string) bool {
	if strings.Contains(path, "/watch/") {
		return true
	}
	if !strings.ContainsAny(query, "%wf") { // most requests
		return false
	}
	values, err := url.ParseQuery(query)
	return err != nil || values.Has("watch") || values.Has("follow")
}
