package registry

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/storage"
	storeerr "k8s.io/apiserver/pkg/storage/errors"
	"k8s.io/apiserver/pkg/util/dryrun"
)

// Rewrite changes the stored object of that name in one transaction, around
// the strategy, for subresources that write what an ordinary update may not.
// With a uid it must be that object's. The change runs again when another
// write came between.
func (s *REST) Rewrite(ctx context.Context, name string, uid types.UID, dryRun []string, change func(runtime.Object) error) error {
	key, err := s.KeyFunc(ctx, name)
	if err != nil {
		return err
	}
	var preconditions *storage.Preconditions
	if uid != "" {
		preconditions = &storage.Preconditions{UID: &uid}
	}
	update := storage.SimpleUpdate(func(obj runtime.Object) (runtime.Object, error) { return obj, change(obj) })
	err = s.Storage.GuaranteedUpdate(ctx, key, s.New(), false, preconditions, update, dryrun.IsDryRun(dryRun), nil)
	return storeerr.InterpretUpdateError(err, s.r.Group(), name)
}
