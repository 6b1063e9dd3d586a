package bootstrap_test

import (
	"sync/atomic"

	"github.com/causeway-access/causeway/test/fakeapi"
	"k8s.io/client-go/kubernetes"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
)

// cutOff is a clientset which, when dead, reaches a cluster of no interest
// instead of the one that it reached before, as far as leases go.
type cutOff struct {
	kubernetes.Interface
	dead atomic.Bool
}

func (c *cutOff) CoordinationV1() coordinationv1.CoordinationV1Interface {
	if c.dead.Load() {
		return fakeapi.NewClientset().CoordinationV1()
	}
	return c.Interface.CoordinationV1()
}
