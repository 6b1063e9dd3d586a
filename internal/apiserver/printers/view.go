package printers

import (
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// view is how the objects of one type are shown.
type view struct {
	columns []metav1.TableColumnDefinition
	// fits tells whether an object is of the type.
	fits func(runtime.Object) bool
	// row draws an object that fits; it has one cell per column.
	row func(runtime.Object) (metav1.TableRow, error)
}

// viewOf makes a view of columns and of a function that fills them.
func viewOf[T runtime.Object](columns []metav1.TableColumnDefinition, cells func(T) []any) view {
	return rowsOf(columns, func(obj T) metav1.TableRow {
		return metav1.TableRow{Cells: cells(obj), Object: runtime.RawExtension{Object: obj}}
	})
}

// rowsOf makes a view whose rows have more than cells.
func rowsOf[T runtime.Object](columns []metav1.TableColumnDefinition, row func(T) metav1.TableRow) view {
	return view{
		columns: columns,
		fits:    func(obj runtime.Object) bool { _, ok := obj.(T); return ok },
		row:     func(obj runtime.Object) (metav1.TableRow, error) { return row(obj.(T)), nil },
	}
}

// fitsAll tells whether all the objects are of the view's type.
func (v view) fitsAll(items []runtime.Object) bool {
	for _, item := range items {
		if !v.fits(item) {
			return false
		}
	}
	return true
}

// plain shows any object with metadata by name and age.
func plain() view {
	return view{
		columns: columns(nameColumn(), ageColumn()),
		fits:    func(runtime.Object) bool { return true },
		row: func(obj runtime.Object) (metav1.TableRow, error) {
			m, err := meta.Accessor(obj)
			if err != nil {
				return metav1.TableRow{}, err
			}
			return metav1.TableRow{
				Cells:  []any{m.GetName(), age(m.GetCreationTimestamp())},
				Object: runtime.RawExtension{Object: obj},
			}, nil
		},
	}
}

// status shows an answer that is no object, such as that of a deletion.
func status() view {
	return viewOf(
		columns(text("Status", ""), text("Reason", ""), text("Message", "")),
		func(s *metav1.Status) []any { return []any{s.Status, string(s.Reason), s.Message} },
	)
}

// unshowable is the answer for an object without metadata.
type unshowable struct {
	resource schema.GroupResource
	cause    error
}

func notAcceptable(resource schema.GroupResource, cause error) error {
	return &unshowable{resource: resource, cause: cause}
}

// Error implements error.
func (e *unshowable) Error() string {
	return fmt.Sprintf("the resource %s does not support being converted to a Table", e.resource)
}

// Unwrap gives what stood in the way.
func (e *unshowable) Unwrap() error { return e.cause }

// Status implements errors.APIStatus: 406, as the generic server answers it.
func (e *unshowable) Status() metav1.Status {
	return metav1.Status{
		Status:  metav1.StatusFailure,
		Code:    http.StatusNotAcceptable,
		Reason:  metav1.StatusReasonNotAcceptable,
		Message: e.Error(),
	}
}
