package localproxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/route"
)

// statusMost bounds the answers of API servers that are looked into.
const statusMost = 64 << 10

// trouble is why a person does not see the application.
type trouble struct {
	Title, Message string
	// Names says what names look like.
	Names bool
	// Port is that of the proxy, with its colon.
	Port string
}

var troublePage = layout("trouble", "{{.Title}} – Causeway", "", `<h1>{{.Title}}</h1>
<p>{{.Message}}</p>
{{with $p := .Port}}{{if $.Names}}<p>Names of applications look like this:</p>
<table><tbody>
<tr><td><code>http://web.default.localhost{{$p}}/</code></td><td>service web of namespace default</td></tr>
<tr><td><code>http://8080--web.default.localhost{{$p}}/</code></td><td>its port 8080; the name of a port will do</td></tr>
<tr><td><code>http://https.web.default.localhost{{$p}}/</code></td><td>spoken to by https; https.8443--web.default.localhost with a port</td></tr>
<tr><td><code>http://web-0.pod.default.localhost{{$p}}/</code></td><td>pod web-0 of namespace default</td></tr>
<tr><td><code>http://worker-1.node.localhost{{$p}}/</code></td><td>node worker-1</td></tr>
</tbody></table>
{{end}}<p><a href="http://localhost{{$p}}/">All services</a> · <a href="http://localhost{{$p}}/-/status">API servers</a></p>
{{end}}`)

// ours returns ":8001", by the Host of a request; ":80" for one without.
func ours(host string) string {
	if port := portOfHost(host); port != "" {
		return ":" + port
	}
	return ":80"
}

// explainNames answers a request to a host that looks like a name and is none.
func explainNames(w http.ResponseWriter, r *http.Request) {
	const message = "This is not the name of an application."
	if opensPage(r) {
		showPage(w, http.StatusNotFound, troublePage, trouble{Title: "No such name", Message: message, Names: true, Port: ours(r.Host)})
		return
	}
	http.Error(w, message+" Names are SERVICE.NAMESPACE.localhost, PORT--SERVICE.NAMESPACE.localhost, POD.pod.NAMESPACE.localhost, NODE.node.localhost, "+
		"and https. before them for https; http://localhost"+ours(r.Host)+ListPath+" lists services.", http.StatusNotFound)
}

// failedNamed tells of API servers that do not answer.
func failedNamed(w http.ResponseWriter, r *http.Request, err error) {
	n, ok := namedIn(r.Context())
	if !ok || !opensPage(r) || r.Context().Err() != nil {
		failed(w, r, err)
		return
	}
	showPage(w, http.StatusBadGateway, troublePage, trouble{Title: "No answer", Message: err.Error(), Port: ours(n.host)})
}

// explainStatus has a browser show what the API server said in the place of the
// application as a page. What the application says itself passes; a Status of
// the API is known by its form.
func explainStatus(resp *http.Response) error {
	r := resp.Request
	n, ok := namedIn(r.Context())
	refused := resp.StatusCode == http.StatusUnauthorized
	if !ok || resp.StatusCode < http.StatusBadRequest || !refused && !opensPage(r) {
		return nil
	}
	status, ok := statusIn(resp)
	if !ok {
		return nil
	}
	// It is the user's credential that was refused. A browser that is asked for
	// another would give it to the application.
	delete(resp.Header, "Www-Authenticate")
	if !opensPage(r) {
		return nil
	}
	t := trouble{Title: http.StatusText(resp.StatusCode), Message: status.Message, Names: resp.StatusCode == http.StatusNotFound, Port: ours(n.host)}
	if refused {
		t.Message = "The API server does not accept your credentials: " + t.Message
	}
	var text bytes.Buffer
	if err := troublePage.Execute(&text, t); err != nil {
		return fmt.Errorf("making the page: %w", err)
	}
	for _, name := range []string{"Set-Cookie", "Etag", "Last-Modified"} {
		delete(resp.Header, name)
	}
	pageHeader(resp.Header)
	resp.Header["Content-Length"] = []string{strconv.Itoa(text.Len())}
	resp.ContentLength = int64(text.Len())
	closed := resp.Body.Close()
	resp.Body = io.NopCloser(&text)
	return closed
}

// statusIn returns the API's Status, if that is what the body holds. The body is
// as it was after it.
func statusIn(resp *http.Response) (metav1.Status, bool) {
	var status metav1.Status
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" || resp.Header.Get("Content-Encoding") != "" || resp.ContentLength > statusMost {
		return status, false
	}
	begun, err := io.ReadAll(io.LimitReader(resp.Body, statusMost))
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(begun), resp.Body), resp.Body}
	if err != nil || len(begun) == statusMost || json.Unmarshal(begun, &status) != nil {
		return status, false
	}
	return status, status.Kind == "Status" && status.APIVersion == "v1" && status.Status == metav1.StatusFailure
}

// localURL returns the URL of a target by its local name; empty if it has none.
func localURL(t *route.Target, port string) string {
	name, ok := t.LocalName()
	if !ok {
		return ""
	}
	return "http://" + name + port + "/"
}
