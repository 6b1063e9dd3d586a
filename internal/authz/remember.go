package authz

import (
	"context"
	"hash/maphash"
	"slices"
	"sync/atomic"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// rememberSlots bounds what is remembered; two decisions that fall into one
// slot take turns.
const rememberSlots = 4096

// Remembered is an authoriser that does not ask again what it has just been
// told: the same user, the very same object, asks for the same thing, and no
// role and no binding has changed since. A look-up takes no lock and allocates
// nothing. What nodes may do depends on more than RBAC: about them it always
// asks, and so it does after a refusal.
type Remembered struct {
	next  authorizer.Authorizer
	rbac  *RBAC
	seed  maphash.Seed
	slots [rememberSlots]atomic.Pointer[decision]
}

// question is what a decision is about.
type question struct {
	user                                          *user.DefaultInfo
	verb, namespace, group, resource, sub, object string
}

// decision is an answer that allows. It is immutable.
type decision struct {
	question question
	under    *index // all of RBAC when it was made
	reason   string
}

// Remember returns an authoriser before next, which is to be made of rbac and
// of what never changes. It is for requests that select no fields or labels.
func Remember(next authorizer.Authorizer, rbac *RBAC) *Remembered {
	return &Remembered{next: next, rbac: rbac, seed: maphash.MakeSeed()}
}

// Authorize is next's, or what that said before.
func (r *Remembered) Authorize(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	q, ok := questionOf(a)
	if !ok {
		return r.next.Authorize(ctx, a)
	}
	slot := &r.slots[maphash.Comparable(r.seed, q)%rememberSlots]
	// Read before asking: what changes meanwhile makes the answer too old.
	under := r.rbac.now.Load()
	if d := slot.Load(); d != nil && d.under == under && d.question == q {
		return authorizer.DecisionAllow, d.reason, nil
	}
	answer, reason, err := r.next.Authorize(ctx, a)
	if answer == authorizer.DecisionAllow && err == nil {
		slot.Store(&decision{q, under, reason})
	}
	return answer, reason, err
}

// questionOf returns what is asked, or false for what is not remembered. Other
// forms of attributes than this one would be copied for each of their methods.
func questionOf(a authorizer.Attributes) (question, bool) {
	r, ok := a.(*authorizer.AttributesRecord)
	if !ok || !r.ResourceRequest {
		return question{}, false
	}
	u, ok := r.User.(*user.DefaultInfo)
	if !ok || slices.Contains(u.Groups, user.NodesGroup) {
		return question{}, false
	}
	return question{u, r.Verb, r.Namespace, r.APIGroup, r.Resource, r.Subresource, r.Name}, true
}

// ConditionsAwareAuthorize is next's.
func (r *Remembered) ConditionsAwareAuthorize(ctx context.Context, a authorizer.Attributes) authorizer.ConditionsAwareDecision {
	return r.next.ConditionsAwareAuthorize(ctx, a)
}

// EvaluateConditions is next's.
func (r *Remembered) EvaluateConditions(ctx context.Context, d authorizer.ConditionsAwareDecision, data authorizer.ConditionsData) (authorizer.Decision, string, error) {
	return r.next.EvaluateConditions(ctx, d, data)
}
