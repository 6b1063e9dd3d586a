package authz

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authentication/user"
)

// restrictedLabels are for administrators to set on nodes, so that pods which
// need a trusted node can ask for one (KEP-279).
const restrictedLabels = "node-restriction.kubernetes.io/"

// Confirm is the part of judging a node that needs the body of the request, and
// so is asked by admission: about every create and update by a user that
// [NodeName] knows, with the new and the old object (nil on create). namespace
// is the request's, for a TokenRequest that of the service account. The error is
// to be wrapped in a Forbidden; for other users and objects it is nil.
func (n *Node) Confirm(u user.Info, namespace string, object, old runtime.Object) error {
	node, ok := NodeName(u)
	if !ok {
		return nil
	}
	switch object := object.(type) {
	case *corev1.Node:
		before, _ := old.(*corev1.Node)
		return confirmNode(node, object, before)
	case *coordinationv1.Lease:
		if object.Name != node {
			return fmt.Errorf("node %q is not allowed to modify the lease of %q", node, object.Name)
		}
	case *authenticationv1.TokenRequest:
		return n.confirmToken(node, namespace, object)
	}
	return nil
}

func confirmNode(node string, object, before *corev1.Node) error {
	if object.Name != node {
		return fmt.Errorf("node %q is not allowed to modify node %q", node, object.Name)
	}
	was := map[string]string{}
	if before != nil {
		was = restricted(before.Labels)
		if !sameTaints(before.Spec.Taints, object.Spec.Taints) {
			return fmt.Errorf("node %q is not allowed to modify taints", node)
		}
	}
	if is := restricted(object.Labels); !maps.Equal(was, is) {
		return fmt.Errorf("node %q is not allowed to modify labels that begin with %s", node, restrictedLabels)
	}
	return nil
}

func restricted(labels map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range labels {
		if prefix, _, found := strings.Cut(name, "/"); found && isRestricted(prefix+"/") {
			out[name] = value
		}
	}
	return out
}

func isRestricted(prefix string) bool {
	return prefix == restrictedLabels || strings.HasSuffix(prefix, "."+restrictedLabels)
}

func sameTaints(a, b []corev1.Taint) bool {
	set := func(taints []corev1.Taint) map[string]string {
		out := map[string]string{}
		for _, taint := range taints {
			out[taint.Key+":"+string(taint.Effect)] = taint.Value
		}
		return out
	}
	return maps.Equal(set(a), set(b))
}

// confirmToken wants a token that ends with a pod of the node: one that is bound
// to nothing would outlive the node's right to it.
func (n *Node) confirmToken(node, namespace string, request *authenticationv1.TokenRequest) error {
	bound := request.Spec.BoundObjectRef
	switch {
	case bound == nil || bound.APIVersion != "v1" || bound.Kind != "Pod" || bound.Name == "":
		return errors.New("node requested token not bound to a pod")
	case bound.UID == "":
		return errors.New("node requested token with a pod binding without a uid")
	}
	if !n.bound(node, func(pod *corev1.Pod) bool {
		return pod.Namespace == namespace && pod.Name == bound.Name && pod.UID == bound.UID
	}) {
		return errors.New("node requested token bound to a pod scheduled on a different node")
	}
	return nil
}
