package validation_test

import (
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
)

func TestLeaseIsRefusedWhenCreated(t *testing.T) {
	const manifest = `{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: node-1, namespace: kube-node-lease},
spec: {holderIdentity: node-1, leaseDurationSeconds: 40, leaseTransitions: 0}}`
	resource := schema.GroupResource{Group: coordinationv1.GroupName, Resource: "leases"}
	creations(t, resource, manifest, []change[*coordinationv1.Lease]{
		{"bad name", func(l *coordinationv1.Lease) { l.Name = "Node" }, []string{invalid + " metadata.name"}},
		{"no time", func(l *coordinationv1.Lease) { l.Spec.LeaseDurationSeconds = ptr.To[int32](0) }, []string{invalid + " spec.leaseDurationSeconds"}},
		{"less than no transition", func(l *coordinationv1.Lease) { l.Spec.LeaseTransitions = ptr.To[int32](-1) }, []string{invalid + " spec.leaseTransitions"}},
		{"preference without strategy", func(l *coordinationv1.Lease) { l.Spec.PreferredHolder = ptr.To("b") }, []string{forbidden + " spec.preferredHolder"}},
	})
}
