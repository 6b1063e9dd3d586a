// Package authz answers may they (floor F1), for the API server and the gateway
// alike.
//
// [New] puts the authorisers in a row: the group system:masters may do
// everything, [Node] knows what a node may, and [RBAC] judges everybody else by
// roles and bindings. RBAC and Node read client-go informers; RBAC compiles what
// it reads into an immutable index when a watch brings a change, so that a
// request takes no lock and compiles nothing.
//
// Whoever stores roles and bindings asks [Guard] first, so that nobody grants
// what he does not hold. [Impersonator] answers Impersonate-User and its kin.
// Reasons and messages are Kubernetes' own, since people and tests know them.
package authz
