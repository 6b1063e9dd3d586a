package apiserver

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"
)

// Restriction is the part of authorisation that needs the body of a write: an
// error refuses it. old is nil on create.
type Restriction func(u user.Info, namespace string, obj, old runtime.Object) error

// restricted asks a [Restriction] about every create and update.
type restricted struct {
	*admission.Handler
	may Restriction
}

var _ admission.ValidationInterface = &restricted{}

func restrict(may Restriction) admission.Interface {
	return &restricted{admission.NewHandler(admission.Create, admission.Update), may}
}

// Validate implements [admission.ValidationInterface].
func (r *restricted) Validate(_ context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	if err := r.may(a.GetUserInfo(), a.GetNamespace(), a.GetObject(), a.GetOldObject()); err != nil {
		return admission.NewForbidden(a, err)
	}
	return nil
}
