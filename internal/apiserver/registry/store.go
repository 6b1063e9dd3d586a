package registry

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/names"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/causeway-access/causeway/internal/apiserver/printers"
	"github.com/causeway-access/causeway/internal/apiserver/scheme"
)

// REST serves a resource.
type REST struct {
	*genericregistry.Store
	r      *Resource
	scheme *scheme.Scheme
}

var (
	_ rest.StandardStorage    = &REST{}
	_ rest.ShortNamesProvider = &REST{}
	_ rest.CategoriesProvider = &REST{}
)

// ShortNames implements [rest.ShortNamesProvider].
func (s *REST) ShortNames() []string { return s.r.Short }

// Categories implements [rest.CategoriesProvider].
func (s *REST) Categories() []string { return s.r.Categories }

// deleteWorkers is how many objects a deletion of a whole collection removes
// at a time: with one, a namespace of ten thousand objects takes 20 seconds.
const deleteWorkers = 16

// NewREST builds the storage of r.
func NewREST(r *Resource, sch *scheme.Scheme, options generic.RESTOptionsGetter) (*REST, error) {
	st := strategy{Scheme: sch, NameGenerator: names.SimpleNameGenerator, r: r}
	store := &genericregistry.Store{
		NewFunc:     r.New,
		NewListFunc: r.NewList,
		PredicateFunc: func(l labels.Selector, f fields.Selector) storage.SelectionPredicate {
			return storage.SelectionPredicate{Label: l, Field: f, GetAttrs: r.attributes}
		},
		DefaultQualifiedResource:  r.Group(),
		SingularQualifiedResource: schema.GroupResource{Group: r.Kind.Group, Resource: r.Singular},
		CreateStrategy:            st,
		UpdateStrategy:            st,
		DeleteStrategy:            st,
		ResetFieldsStrategy:       st,
		TableConvertor:            printers.TableConvertor(r.Group()),
		DeleteCollectionWorkers:   deleteWorkers,
	}
	if r.TTL > 0 {
		store.TTLFunc = func(runtime.Object, uint64, bool) (uint64, error) { return r.TTL, nil }
	}
	if err := store.CompleteWithOptions(&generic.StoreOptions{RESTOptions: options, AttrFunc: r.attributes}); err != nil {
		return nil, fmt.Errorf("building the storage of %s: %w", r.Group(), err)
	}
	// CompleteWithOptions takes the number of workers from the options.
	store.DeleteCollectionWorkers = deleteWorkers
	return &REST{Store: store, r: r, scheme: sch}, nil
}

// attributes are what selectors of labels and fields look at.
func (r *Resource) attributes(obj runtime.Object) (labels.Set, fields.Set, error) {
	m, err := meta.Accessor(obj)
	if err != nil {
		return nil, nil, err
	}
	set := generic.ObjectMetaFieldsSet(&metav1.ObjectMeta{Name: m.GetName(), Namespace: m.GetNamespace()}, r.Namespaced)
	if r.Fields != nil {
		set = generic.MergeFieldsSets(set, r.Fields(obj))
	}
	return m.GetLabels(), set, nil
}

// View serves a part of a resource under its own name: its status, its
// finalizers, its approval. It reads whole objects and writes by its own rules.
type View struct{ store *genericregistry.Store }

var (
	_ rest.Patcher        = &View{}
	_ rest.TableConvertor = &View{}
)

// UpdateStrategy is what a [View] writes by.
type UpdateStrategy interface {
	rest.RESTUpdateStrategy
	rest.ResetFieldsStrategy
}

// Status is the view of the resource's status.
func (s *REST) Status() *View { return s.view(statusStrategy{s.CreateStrategy.(strategy)}) }

// ViewConfig describes a view other than the status.
type ViewConfig struct {
	// Prepare carries over from old whatever the view does not write.
	Prepare func(ctx context.Context, obj, old runtime.Object)
	// Validate checks the write.
	Validate Check
	// Resets names the top-level field that appliers of this view do not own; empty for none.
	Resets string
}

// View is a view by the given rules.
func (s *REST) View(config ViewConfig) *View {
	return s.view(viewStrategy{strategy: s.CreateStrategy.(strategy), config: config})
}

func (s *REST) view(st UpdateStrategy) *View {
	store := *s.Store
	store.CreateStrategy, store.UpdateStrategy, store.ResetFieldsStrategy = nil, st, st
	store.BeginCreate, store.BeginUpdate, store.AfterUpdate = nil, nil, nil
	return &View{&store}
}

// New implements [rest.Storage].
func (v *View) New() runtime.Object { return v.store.New() }

// Destroy implements [rest.Storage]; the resource's own storage is the one to close.
func (v *View) Destroy() {}

// Get implements [rest.Getter].
func (v *View) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	return v.store.Get(ctx, name, options)
}

// Update implements [rest.Updater]; a view never creates.
func (v *View) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo, create rest.ValidateObjectFunc, update rest.ValidateObjectUpdateFunc, _ bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	return v.store.Update(ctx, name, info, create, update, false, options)
}

// GetResetFields implements [rest.ResetFieldsStrategy].
func (v *View) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return v.store.GetResetFields()
}

// ConvertToTable implements [rest.TableConvertor].
func (v *View) ConvertToTable(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	return v.store.ConvertToTable(ctx, obj, options)
}
