package scheme

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// selectable lists the field selectors of each kind beyond metadata.name and
// metadata.namespace, which all have. The values come from the resource's
// own Fields function.
var selectable = map[schema.GroupVersionKind][]string{
	corev1.SchemeGroupVersion.WithKind("Namespace"): {"status.phase", "name"},
	corev1.SchemeGroupVersion.WithKind("Node"):      {"spec.unschedulable"},
	corev1.SchemeGroupVersion.WithKind("Pod"): {
		"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
		"status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName",
	},
	corev1.SchemeGroupVersion.WithKind("Service"):               {"spec.clusterIP", "spec.type"},
	corev1.SchemeGroupVersion.WithKind("Secret"):                {"type"},
	corev1.SchemeGroupVersion.WithKind("ReplicationController"): {"status.replicas"},
	appsv1.SchemeGroupVersion.WithKind("ReplicaSet"):            {"status.replicas"},
	batchv1.SchemeGroupVersion.WithKind("Job"):                  {"status.successful"},
	corev1.SchemeGroupVersion.WithKind("Event"): {
		"involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
		"involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath",
		"reason", "reportingComponent", "source", "type",
	},
	certificatesv1.SchemeGroupVersion.WithKind("CertificateSigningRequest"): {"spec.signerName"},
}

// eventLabels are the names of events.k8s.io for the fields of core/v1.
var eventLabels = map[string]string{
	"metadata.name": "metadata.name", "metadata.namespace": "metadata.namespace",
	"reason": "reason", "type": "type",
	"reportingController":       "reportingComponent",
	"regarding.kind":            "involvedObject.kind",
	"regarding.namespace":       "involvedObject.namespace",
	"regarding.name":            "involvedObject.name",
	"regarding.uid":             "involvedObject.uid",
	"regarding.apiVersion":      "involvedObject.apiVersion",
	"regarding.resourceVersion": "involvedObject.resourceVersion",
	"regarding.fieldPath":       "involvedObject.fieldPath",
}

func addFieldLabels(s *runtime.Scheme) error {
	for gvk, labels := range selectable {
		allowed := append([]string{"metadata.name", "metadata.namespace"}, labels...)
		err := s.AddFieldLabelConversionFunc(gvk, func(label, value string) (string, string, error) {
			if !slices.Contains(allowed, label) {
				return "", "", fmt.Errorf("%q is not a known field selector: only %q", label, allowed)
			}
			return label, value, nil
		})
		if err != nil {
			return err
		}
	}
	return s.AddFieldLabelConversionFunc(eventsv1.SchemeGroupVersion.WithKind("Event"), func(label, value string) (string, string, error) {
		hub, ok := eventLabels[label]
		if !ok {
			return "", "", fmt.Errorf("field label not supported: %s", label)
		}
		return hub, value, nil
	})
}
