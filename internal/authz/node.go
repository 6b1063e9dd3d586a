package authz

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/tools/cache"
)

const (
	nodeUserPrefix = "system:node:"
	byNode         = "causeway.authz/node"
	// tunnelPath and podsPath are tunnel.Path, where a node opens its tunnel, and
	// tunnel.PodsPath, where it asks for pods that it does not reach itself.
	tunnelPath, podsPath = "/tunnel", "/tunnel/pods"
)

// Node judges nodes: users system:node:NAME in the group system:nodes. A node
// that was broken into must not read the secrets of the others, so it may read
// what pods need that are bound to it, and write about itself.
//
// Some things are in the body of a request and so beyond an authoriser: the name
// of a new Node or Lease, its labels, and the pod that a new token is bound to.
// Admission asks [Node.Confirm] about them.
type Node struct {
	pods cache.Indexer
	lag  time.Duration
}

var _ authorizer.Authorizer = (*Node)(nil)

// Lag is how long the cache of pods here may be behind what a node has heard
// already, on a machine that has much to do.
const Lag = time.Second

// lagStep is the time between two looks.
const lagStep = 5 * time.Millisecond

// NewNode adds an index to the informer, which must keep the whole spec of pods.
// A node that asks for what none of its pods needs is told so after lag: it hears
// of a pod as soon as the informer does, or sooner.
func NewNode(pods coreinformers.PodInformer, lag time.Duration) (*Node, error) {
	err := pods.Informer().AddIndexers(cache.Indexers{byNode: func(object any) ([]string, error) {
		if pod, ok := object.(*corev1.Pod); ok && pod.Spec.NodeName != "" {
			return []string{pod.Spec.NodeName}, nil
		}
		return nil, nil
	}})
	if err != nil {
		return nil, fmt.Errorf("watching the pods of nodes: %w", err)
	}
	return &Node{pods: pods.Informer().GetIndexer(), lag: lag}, nil
}

// NodeName returns the node that the user is; ok is false for other users.
func NodeName(u user.Info) (name string, ok bool) {
	if u == nil || !slices.Contains(u.GetGroups(), user.NodesGroup) {
		return "", false
	}
	name, ok = strings.CutPrefix(u.GetName(), nodeUserPrefix)
	return name, ok && name != ""
}

// Authorize has no opinion on who is not a node, and on what is not a node's.
func (n *Node) Authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	node, ok := NodeName(a.GetUser())
	switch {
	case ok && !a.IsResourceRequest() && (a.GetPath() == tunnelPath || a.GetPath() == podsPath) && a.GetVerb() == "get":
		return authorizer.DecisionAllow, "", nil // whose tunnel it is, the user says
	case !ok, !a.IsResourceRequest():
		return authorizer.DecisionNoOpinion, "", nil
	}
	rule, known := nodeRules[nodeResource{a.GetAPIGroup(), a.GetResource(), a.GetSubresource()}]
	if !known || !slices.Contains(rule.verbs, a.GetVerb()) {
		return authorizer.DecisionNoOpinion, "", nil
	}
	if reason := rule.check(n, node, a); reason != "" {
		return authorizer.DecisionNoOpinion, reason, nil
	}
	return authorizer.DecisionAllow, "", nil
}

// ConditionsAwareAuthorize is Authorize: nodes are judged without conditions.
func (n *Node) ConditionsAwareAuthorize(ctx context.Context, a authorizer.Attributes) authorizer.ConditionsAwareDecision {
	return authorizer.ConditionsAwareDecisionFromParts(n.Authorize(ctx, a))
}

// EvaluateConditions is never called with a decision of Node's, and denies.
func (n *Node) EvaluateConditions(context.Context, authorizer.ConditionsAwareDecision, authorizer.ConditionsData) (authorizer.Decision, string, error) {
	return authorizer.DecisionDeny, "", authorizer.ErrorConditionEvaluationNotSupported
}

// bound calls use with the pods bound to the node until it returns true, and
// again as long as there may be one that is not known here yet.
func (n *Node) bound(node string, use func(*corev1.Pod) bool) bool {
	for begun := time.Now(); ; time.Sleep(lagStep) {
		if n.knows(node, use) {
			return true
		}
		if time.Since(begun) >= n.lag {
			return false
		}
	}
}

func (n *Node) knows(node string, use func(*corev1.Pod) bool) bool {
	objects, err := n.pods.ByIndex(byNode, node)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(objects, func(object any) bool {
		pod, ok := object.(*corev1.Pod)
		return ok && use(pod)
	})
}

// selects tells whether the request asks only for objects whose field is value.
func selects(a authorizer.Attributes, field, value string) bool {
	requirements, err := a.GetFieldSelector()
	if err != nil {
		return false
	}
	for _, r := range requirements {
		equal := r.Operator == selection.Equals || r.Operator == selection.DoubleEquals || r.Operator == selection.In
		if equal && r.Field == field && r.Value == value {
			return true
		}
	}
	return false
}
