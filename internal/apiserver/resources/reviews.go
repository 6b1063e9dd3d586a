package resources

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
)

// review serves a kind that is a question: it is created, answered and never stored.
type review struct {
	singular   string
	namespaced bool
	empty      func() runtime.Object
	answer     func(ctx context.Context, question runtime.Object) (runtime.Object, error)
}

var (
	_ rest.Creater              = &review{}
	_ rest.Scoper               = &review{}
	_ rest.SingularNameProvider = &review{}
)

// ask describes a review of type T.
func ask[T any, PT interface {
	*T
	runtime.Object
}](singular string, answer func(ctx context.Context, question PT) (runtime.Object, error)) *review {
	return &review{
		singular: singular,
		empty:    func() runtime.Object { return PT(new(T)) },
		answer: func(ctx context.Context, question runtime.Object) (runtime.Object, error) {
			return answer(ctx, question.(PT))
		},
	}
}

// New implements [rest.Storage].
func (r *review) New() runtime.Object { return r.empty() }

// Destroy implements [rest.Storage].
func (*review) Destroy() {}

// NamespaceScoped implements [rest.Scoper].
func (r *review) NamespaceScoped() bool { return r.namespaced }

// GetSingularName implements [rest.SingularNameProvider].
func (r *review) GetSingularName() string { return r.singular }

// Create implements [rest.Creater].
func (r *review) Create(ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, _ *metav1.CreateOptions) (runtime.Object, error) {
	if validate != nil {
		if err := validate(ctx, obj.DeepCopyObject()); err != nil {
			return nil, err
		}
	}
	return r.answer(ctx, obj)
}
