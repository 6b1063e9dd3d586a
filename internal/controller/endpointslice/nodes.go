package endpointslice

import (
	corev1 "k8s.io/api/core/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
)

// nodes is a NodeLister for which no name means no node, which is fine. The
// reconciler drops pods of unknown nodes, rightly, since a pod outlives its
// deleted node until it is collected; but a pod that was never on a node, as
// when its status is written through the API, has an address all the same.
type nodes struct {
	corelisters.NodeLister
}

func (n nodes) Get(name string) (*corev1.Node, error) {
	if name == "" {
		return nil, nil
	}
	return n.NodeLister.Get(name)
}
