package resources

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/causeway-access/causeway/internal/apiserver/registry"
)

// on adapts a check written for one type.
func on[T runtime.Object](check func(obj, old T) field.ErrorList) registry.Check {
	return func(obj, old runtime.Object) field.ErrorList { return check(obj.(T), old.(T)) }
}
