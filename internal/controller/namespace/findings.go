package namespace

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// findings is what one round of deleting found to hold a namespace up.
type findings struct {
	undiscovered []error // API groups that did not say what they have
	unparsed     []error // API groups with names that are none
	failed       []error // kinds that could not be deleted
	remaining    map[schema.GroupResource]int
	finalizers   map[string]int
}

func (f *findings) add(resource schema.GroupVersionResource, left []metav1.PartialObjectMetadata, err error) {
	if err != nil {
		f.failed = append(f.failed, fmt.Errorf("%s: %w", resource.GroupResource(), err))
	}
	if len(left) == 0 {
		return
	}
	if f.remaining == nil {
		f.remaining, f.finalizers = map[schema.GroupResource]int{}, map[string]int{}
	}
	f.remaining[resource.GroupResource()] = len(left)
	for i := range left {
		for _, finalizer := range left[i].Finalizers {
			f.finalizers[finalizer]++
		}
	}
}

func (f *findings) empty() bool {
	return len(f.remaining) == 0 && f.err() == nil
}

func (f *findings) err() error {
	return errors.Join(errors.Join(f.undiscovered...), errors.Join(f.unparsed...), errors.Join(f.failed...))
}

// conditions says it in the conditions, reasons and words of Kubernetes.
func (f *findings) conditions() []corev1.NamespaceCondition {
	var remaining, finalizers []string
	for resource, count := range f.remaining {
		remaining = append(remaining, fmt.Sprintf("%s.%s has %d resource instances", resource.Resource, resource.Group, count))
	}
	slices.Sort(remaining)
	for _, finalizer := range slices.Sorted(maps.Keys(f.finalizers)) {
		finalizers = append(finalizers, fmt.Sprintf("%s in %d resource instances", finalizer, f.finalizers[finalizer]))
	}
	return []corev1.NamespaceCondition{
		condition(corev1.NamespaceDeletionDiscoveryFailure,
			failures("Discovery failed for some groups, %d failing: ", f.undiscovered), "DiscoveryFailed",
			"All resources successfully discovered", "ResourcesDiscovered"),
		condition(corev1.NamespaceDeletionGVParsingFailure,
			failures("Failed to parse GV for some API groups, %d failing: ", f.unparsed), "GroupVersionParsingFailed",
			"All legacy kube types successfully parsed", "ParsedGroupVersions"),
		condition(corev1.NamespaceDeletionContentFailure,
			failures("Failed to delete all resource types, %d remaining: ", f.failed), "ContentDeletionFailed",
			"All content successfully deleted, may be waiting on finalization", "ContentDeleted"),
		condition(corev1.NamespaceContentRemaining,
			listing("Some resources are remaining: ", remaining), "SomeResourcesRemain",
			"All content successfully removed", "ContentRemoved"),
		condition(corev1.NamespaceFinalizersRemaining,
			listing("Some content in the namespace has finalizers remaining: ", finalizers), "SomeFinalizersRemain",
			"All content-preserving finalizers finished", "ContentHasNoFinalizers"),
	}
}

// condition is true with the bad words if there are any, else false with the
// good ones.
func condition(kind corev1.NamespaceConditionType, bad, badReason, good, goodReason string) corev1.NamespaceCondition {
	if bad != "" {
		return corev1.NamespaceCondition{Type: kind, Status: corev1.ConditionTrue, Reason: badReason, Message: bad}
	}
	return corev1.NamespaceCondition{Type: kind, Status: corev1.ConditionFalse, Reason: goodReason, Message: good}
}

func failures(prefix string, errs []error) string {
	if len(errs) == 0 {
		return ""
	}
	texts := make([]string, 0, len(errs))
	for _, err := range errs {
		texts = append(texts, err.Error())
	}
	slices.Sort(texts)
	return fmt.Sprintf(prefix, len(errs)) + strings.Join(texts, ", ")
}

func listing(prefix string, items []string) string {
	if len(items) == 0 {
		return ""
	}
	return prefix + strings.Join(items, ", ")
}

// setCondition reports whether status changed.
func setCondition(status *corev1.NamespaceStatus, want corev1.NamespaceCondition) bool {
	for i := range status.Conditions {
		current := &status.Conditions[i]
		if current.Type != want.Type {
			continue
		}
		if current.Status == want.Status && current.Reason == want.Reason && current.Message == want.Message {
			return false
		}
		want.LastTransitionTime = current.LastTransitionTime
		if current.Status != want.Status {
			want.LastTransitionTime = metav1.Now()
		}
		*current = want
		return true
	}
	want.LastTransitionTime = metav1.Now()
	status.Conditions = append(status.Conditions, want)
	return true
}
