package controllertest

import (
	"fmt"
	"sync/atomic"

	"github.com/causeway-access/causeway/test/fakeapi"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// NewClient is client-go's clientset in memory, made to give objects what an
// API server gives them: a name where one is to be generated, a UID, a resource
// version, and a new generation at each change but of the status.
func NewClient(objects ...runtime.Object) *fake.Clientset {
	client := fakeapi.NewClientset(objects...)
	var count atomic.Int64
	client.PrependReactor("create", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		object, err := meta.Accessor(action.(clienttesting.CreateAction).GetObject())
		if err != nil || action.GetSubresource() != "" {
			return false, nil, nil
		}
		number := count.Add(1)
		if object.GetName() == "" {
			object.SetName(fmt.Sprintf("%sx%04d", object.GetGenerateName(), number))
		}
		if object.GetUID() == "" {
			object.SetUID(types.UID(fmt.Sprintf("uid-%d", number)))
		}
		object.SetGeneration(1)
		object.SetResourceVersion(fmt.Sprint(number))
		return false, nil, nil
	})
	client.PrependReactor("update", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		object, err := meta.Accessor(action.(clienttesting.UpdateAction).GetObject())
		if err != nil {
			return false, nil, nil
		}
		if action.GetSubresource() == "" { // a status is no change of what is wanted
			object.SetGeneration(object.GetGeneration() + 1)
		}
		object.SetResourceVersion(fmt.Sprint(count.Add(1)))
		return false, nil, nil
	})
	return client
}
