package namespace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
)

const (
	// parallel is how many kinds are deleted at once.
	parallel = 16

	pageSize = 500
)

// content deletes what is in a namespace.
type content struct {
	metadata  metadata.Interface
	discovery Discovery
}

// kind is a resource whose objects can be deleted.
type kind struct {
	resource     schema.GroupVersionResource
	byCollection bool
}

// delete asks for the deletion of everything in namespace and says what is
// still there. Pods go first and alone: what protects them and others from
// them, such as network policies, stays until they have ended.
func (c content) delete(ctx context.Context, namespace string) findings {
	kinds, found := c.kinds()
	pods := slices.IndexFunc(kinds, func(k kind) bool {
		return k.resource.GroupResource() == corev1.Resource("pods")
	})
	if pods >= 0 {
		c.deleteKinds(ctx, namespace, kinds[pods:pods+1], &found)
		if len(found.remaining) > 0 || len(found.failed) > 0 {
			return found
		}
		kinds = slices.Delete(kinds, pods, pods+1)
	}
	c.deleteKinds(ctx, namespace, kinds, &found)
	return found
}

// kinds is all kinds of namespaced objects that can be listed and deleted.
func (c content) kinds() ([]kind, findings) {
	var found findings
	lists, err := c.discovery.ServerPreferredNamespacedResources()
	if failed, partial := discovery.GroupDiscoveryFailedErrorGroups(err); partial {
		for group, err := range failed {
			found.undiscovered = append(found.undiscovered, fmt.Errorf("%s: %w", group, err))
		}
	} else if err != nil {
		found.undiscovered = append(found.undiscovered, err)
	}
	var kinds []kind
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			found.unparsed = append(found.unparsed, err)
			continue
		}
		for i := range list.APIResources {
			verbs := []string(list.APIResources[i].Verbs)
			if slices.Contains(verbs, "list") && slices.Contains(verbs, "delete") {
				kinds = append(kinds, kind{
					resource:     version.WithResource(list.APIResources[i].Name),
					byCollection: slices.Contains(verbs, "deletecollection"),
				})
			}
		}
	}
	return kinds, found
}

// deleteKinds deletes all objects of kinds and adds to found what is left.
func (c content) deleteKinds(ctx context.Context, namespace string, kinds []kind, found *findings) {
	var mu sync.Mutex
	var work errgroup.Group
	work.SetLimit(parallel)
	for _, kind := range kinds {
		work.Go(func() error {
			left, err := c.deleteKind(ctx, namespace, kind)
			mu.Lock()
			defer mu.Unlock()
			found.add(kind.resource, left, err)
			return nil
		})
	}
	_ = work.Wait() // failures are findings
}

// deleteKind deletes all objects of one kind and returns those that remain.
func (c content) deleteKind(ctx context.Context, namespace string, kind kind) ([]metav1.PartialObjectMetadata, error) {
	client := c.metadata.Resource(kind.resource).Namespace(namespace)
	first, err := client.List(ctx, metav1.ListOptions{Limit: 1})
	if unlistable(err) {
		return nil, nil // the kind went away since discovery, or says that it lists nothing
	}
	if err != nil {
		return nil, fmt.Errorf("listing: %w", err)
	}
	if len(first.Items) == 0 {
		return nil, nil
	}
	background := metav1.DeletePropagationBackground
	options := metav1.DeleteOptions{PropagationPolicy: &background}
	var failure error
	collected := false
	if kind.byCollection {
		failure = client.DeleteCollection(ctx, options, metav1.ListOptions{})
		collected = !unlistable(failure)
	}
	if !collected {
		failure = deleteEach(ctx, client, options)
	}
	left, err := listAll(ctx, client)
	return left, errors.Join(failure, err)
}

// deleteEach deletes objects one by one.
func deleteEach(ctx context.Context, client metadata.ResourceInterface, options metav1.DeleteOptions) error {
	objects, err := listAll(ctx, client)
	if err != nil {
		return err
	}
	var work errgroup.Group
	work.SetLimit(parallel)
	for i := range objects {
		work.Go(func() error {
			err := client.Delete(ctx, objects[i].Name, options)
			if apierrors.IsNotFound(err) {
				return nil
			}
			return err
		})
	}
	return work.Wait()
}

// listAll reads page by page.
func listAll(ctx context.Context, client metadata.ResourceInterface) ([]metav1.PartialObjectMetadata, error) {
	var all []metav1.PartialObjectMetadata
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := client.List(ctx, options)
		if err != nil {
			return nil, fmt.Errorf("listing: %w", err)
		}
		all = append(all, page.Items...)
		if page.Continue == "" {
			return all, nil
		}
		options.Continue = page.Continue
	}
}

func unlistable(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err)
}
