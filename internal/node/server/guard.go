package server

import (
	"net/http"
	"slices"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// verbs are those of a request's method.
var verbs = map[string]string{
	http.MethodGet: "get", http.MethodHead: "get", http.MethodPost: "create",
	http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete",
}

// guard lets through to a route who may.
func (s *server) guard(to route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok, err := s.Authenticator.AuthenticateRequest(r)
		if err != nil {
			s.Log.Warn("Refusing a request to the node", "path", r.URL.Path, "client", r.RemoteAddr, "reason", err)
		}
		if err != nil || !ok {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		allowed, refusal := s.may(r, to, answer.User)
		if !allowed {
			http.Error(w, refusal, http.StatusForbidden)
			return
		}
		to.serve(w, r)
	})
}

// may asks the authoriser about a node's subresource, and about nodes/proxy,
// which is all of it.
func (s *server) may(r *http.Request, to route, u user.Info) (bool, string) {
	verb := verbs[r.Method]
	if to.enters {
		verb = "create"
	}
	for _, subresource := range slices.Compact([]string{to.subresource, proxied}) {
		decision, reason, err := s.Authorizer.Authorize(r.Context(), authorizer.AttributesRecord{
			User: u, Verb: verb, APIVersion: "v1", Resource: "nodes", Subresource: subresource,
			Name: s.Node, ResourceRequest: true, Path: r.URL.Path,
		})
		if err != nil {
			s.Log.Warn("Asking who may reach the node", "user", u.GetName(), "subresource", subresource, "err", err)
		}
		if decision == authorizer.DecisionAllow {
			return true, ""
		}
		if reason != "" {
			s.Log.Debug("Refusing a request to the node", "user", u.GetName(), "subresource", subresource, "reason", reason)
		}
	}
	return false, "Forbidden (user=" + u.GetName() + ", verb=" + verb + ", resource=nodes, subresource=" + to.subresource + ")"
}
