package controllertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/causeway-access/causeway/test/fakeapi"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// NewClient is client-go's clientset in memory, made to give objects what an
// API server gives them: a name where one is to be generated, a UID, a resource
// version, and a new generation at each change but of the status; and to refuse
// an update of what has changed since it was read.
func NewClient(objects ...runtime.Object) *fake.Clientset {
	client := fakeapi.NewClientset(objects...)
	s := &server{tracker: client.Tracker()}
	client.PrependReactor("create", "*", s.create)
	client.PrependReactor("update", "*", s.update)
	client.PrependReactor("patch", "*", s.patch)
	return client
}

// server does what the tracker leaves to it. The clientset has one action at a
// time, so that nothing changes between a look at the tracker and the write.
type server struct {
	tracker clienttesting.ObjectTracker
	count   atomic.Int64
}

func (s *server) next() string { return fmt.Sprint(s.count.Add(1)) }

func (s *server) create(action clienttesting.Action) (bool, runtime.Object, error) {
	object, err := meta.Accessor(action.(clienttesting.CreateAction).GetObject())
	if err != nil || action.GetSubresource() != "" {
		return false, nil, nil
	}
	number := s.count.Add(1)
	if object.GetName() == "" {
		object.SetName(fmt.Sprintf("%sx%04d", object.GetGenerateName(), number))
	}
	if object.GetUID() == "" {
		object.SetUID(types.UID(fmt.Sprintf("uid-%d", number)))
	}
	object.SetGeneration(1)
	object.SetResourceVersion(fmt.Sprint(number))
	return false, nil, nil
}

func (s *server) update(action clienttesting.Action) (bool, runtime.Object, error) {
	object, err := meta.Accessor(action.(clienttesting.UpdateAction).GetObject())
	if err != nil {
		return false, nil, nil
	}
	if err := s.refuse(action, object.GetName(), object.GetResourceVersion()); err != nil {
		return true, nil, err
	}
	if action.GetSubresource() == "" { // a status is no change of what is wanted
		object.SetGeneration(object.GetGeneration() + 1)
	}
	object.SetResourceVersion(s.next())
	return false, nil, nil
}

// patch has the patch give the object its new version too.
func (s *server) patch(action clienttesting.Action) (bool, runtime.Object, error) {
	patch := action.(clienttesting.PatchActionImpl)
	if kind := patch.PatchType; kind != types.MergePatchType && kind != types.StrategicMergePatchType {
		return false, nil, nil
	}
	var content map[string]any
	if err := json.Unmarshal(patch.Patch, &content); err != nil {
		return true, nil, apierrors.NewBadRequest(err.Error())
	}
	metadata, _ := content["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
	}
	version, _ := metadata["resourceVersion"].(string)
	if err := s.refuse(action, patch.Name, version); err != nil {
		return true, nil, err
	}
	metadata["resourceVersion"] = s.next()
	content["metadata"] = metadata
	var err error
	if patch.Patch, err = json.Marshal(content); err != nil {
		return true, nil, apierrors.NewInternalError(err)
	}
	return clienttesting.ObjectReaction(s.tracker)(patch)
}

// refuse is the conflict of who wants to change another version than there is;
// who names none changes any. See the API conventions of Kubernetes,
// "Concurrency Control and Consistency".
func (s *server) refuse(action clienttesting.Action, name, version string) error {
	if version == "" {
		return nil
	}
	resource := action.GetResource()
	stored, err := s.tracker.Get(resource, action.GetNamespace(), name)
	if err != nil {
		return nil // the tracker says it better
	}
	object, err := meta.Accessor(stored)
	if err != nil || object.GetResourceVersion() == version {
		return nil
	}
	return apierrors.NewConflict(resource.GroupResource(), name, errors.New("it has been modified"))
}
