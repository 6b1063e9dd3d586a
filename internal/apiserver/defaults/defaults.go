// Package defaults fills in what the author of an object left out, for every
// kind the API server serves, with the values Kubernetes promises.
//
// It is a part of the API server (floor 2). Defaulting happens when an object
// is decoded, from a request or from storage; it reads nothing but the object.
package defaults

import (
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/causeway-access/causeway/internal/apiserver/defaults/admissionregistration"
	"github.com/causeway-access/causeway/internal/apiserver/defaults/apps"
	"github.com/causeway-access/causeway/internal/apiserver/defaults/authentication"
	"github.com/causeway-access/causeway/internal/apiserver/defaults/batch"
	"github.com/causeway-access/causeway/internal/apiserver/defaults/core"
	"github.com/causeway-access/causeway/internal/apiserver/defaults/discovery"
	"github.com/causeway-access/causeway/internal/apiserver/defaults/networking"
	"github.com/causeway-access/causeway/internal/apiserver/defaults/rbac"
)

// AddToScheme registers the defaulting of every served kind with s.
func AddToScheme(s *runtime.Scheme) error {
	for _, register := range []func(*runtime.Scheme) error{
		core.RegisterDefaults,
		admissionregistration.RegisterDefaults,
		apps.RegisterDefaults,
		authentication.RegisterDefaults,
		batch.RegisterDefaults,
		discovery.RegisterDefaults,
		networking.RegisterDefaults,
		rbac.RegisterDefaults,
	} {
		if err := register(s); err != nil {
			return err
		}
	}
	return nil
}
