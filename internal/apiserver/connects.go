package apiserver

import (
	"net/http"

	"k8s.io/apiserver/pkg/endpoints/request"
)

// connects says of requests for streams into pods that they are to create,
// whatever their method: a WebSocket asks by GET for what SPDY asks for by POST,
// and who may only read is to get neither. Authorisation and audit see it so.
type connects struct{ request.RequestInfoResolver }

// NewRequestInfo implements [request.RequestInfoResolver].
func (c connects) NewRequestInfo(r *http.Request) (*request.RequestInfo, error) {
	info, err := c.RequestInfoResolver.NewRequestInfo(r)
	if err != nil || !info.IsResourceRequest || info.APIGroup != "" || info.Resource != "pods" {
		return info, err
	}
	switch info.Subresource {
	case "exec", "attach", "portforward":
		info.Verb = "create"
	}
	return info, nil
}
