package authz

import (
	"fmt"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/authorization/union"
)

// Config lists the authorisers. Each may be left out.
type Config struct {
	// Node judges nodes.
	Node *Node
	// RBAC judges everybody.
	RBAC *RBAC
}

// New asks in this order: system:masters may do everything, then cfg.Node, then
// cfg.RBAC. What none of them allows is refused by the caller. Reasons begin with
// the name of who gave them, as Kubernetes names them.
func New(cfg Config) (authorizer.Authorizer, error) {
	list := []union.NamedAuthorizer{{
		AuthorizerName: "privileged-groups",
		Authorizer:     authorizerfactory.NewPrivilegedGroups(user.SystemPrivilegedGroup),
	}}
	if cfg.Node != nil {
		list = append(list, union.NamedAuthorizer{AuthorizerName: "node", Authorizer: cfg.Node})
	}
	if cfg.RBAC != nil {
		list = append(list, union.NamedAuthorizer{AuthorizerName: "rbac", Authorizer: cfg.RBAC})
	}
	all, err := union.New(list...)
	if err != nil {
		return nil, fmt.Errorf("setting up authorisation: %w", err)
	}
	return all, nil
}
