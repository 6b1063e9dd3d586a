package localproxy

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/causeway-access/causeway/internal/portforward"
)

// notAllowedError says why a name is not connected to.
type notAllowedError struct{ why string }

func (e *notAllowedError) Error() string { return e.why }

// resolve returns what host:port stands for, if the filter has nothing against
// forwarding to it: it counts as the request that it comes to.
func (t *tunnels) resolve(authority, method string) (portforward.Target, uint16, error) {
	host, portText, err := net.SplitHostPort(authority)
	if err != nil {
		return portforward.Target{}, 0, &notAllowedError{fmt.Sprintf("%q is not HOST:PORT", authority)}
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || port == 0 {
		return portforward.Target{}, 0, &notAllowedError{fmt.Sprintf("%q is no port number", portText)}
	}
	target, ok := parseClusterName(host)
	if !ok {
		return portforward.Target{}, 0, &notAllowedError{fmt.Sprintf(
			"%q is not a name in the cluster: only SERVICE.NAMESPACE[.svc] and POD.pod.NAMESPACE are reached through this proxy", host)}
	}
	path := "/api/v1/namespaces/" + target.Namespace + "/" + target.Resource + "/" + target.Name + "/portforward"
	if f := t.filter; f != nil && (f.RejectMethods.match(method) || f.RejectMethods.match(http.MethodPost) || !f.acceptsPaths(path)) {
		return portforward.Target{}, 0, &notAllowedError{"the filter of this proxy refuses POST " + path}
	}
	return target, uint16(port), nil
}

// foreign reports whether a browser makes the request for a page that is not
// the cluster's, except that a person may follow a link.
func foreign(r *http.Request) bool {
	for _, origin := range r.Header["Origin"] {
		u, err := url.Parse(origin)
		if err != nil {
			return true
		}
		if _, ours := parseClusterName(u.Hostname()); !ours {
			return true
		}
	}
	return len(r.Header["Origin"]) == 0 && r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate"
}

// refuse answers with an error's words and the status that fits it.
func refuse(w http.ResponseWriter, err error) {
	http.Error(w, "error: "+err.Error(), statusFor(err))
}

func statusFor(err error) int {
	var not *notAllowedError
	switch {
	case errors.As(err, &not), apierrors.IsForbidden(err):
		return http.StatusForbidden
	case apierrors.IsNotFound(err):
		return http.StatusNotFound
	default:
		return http.StatusBadGateway
	}
}
