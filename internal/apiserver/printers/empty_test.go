package printers_test

import (
	"context"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/causeway-access/causeway/internal/apiserver/printers"
)

// TestEmptyObjectsAreShown: a bookmark of a watch is an object with nothing
// but a version, and is drawn like any other.
func TestEmptyObjectsAreShown(t *testing.T) {
	for resource, kind := range map[schema.GroupResource]string{
		in("", "configmaps"): "ConfigMap", in("", "endpoints"): "Endpoints", in("", "events"): "Event", in("", "limitranges"): "LimitRange",
		in("", "namespaces"): "Namespace", in("", "nodes"): "Node", in("", "pods"): "Pod", in("", "replicationcontrollers"): "ReplicationController",
		in("", "resourcequotas"): "ResourceQuota", in("", "secrets"): "Secret", in("", "serviceaccounts"): "ServiceAccount", in("", "services"): "Service",
		in("admissionregistration.k8s.io", "mutatingadmissionpolicies"):         "MutatingAdmissionPolicy",
		in("admissionregistration.k8s.io", "mutatingadmissionpolicybindings"):   "MutatingAdmissionPolicyBinding",
		in("admissionregistration.k8s.io", "mutatingwebhookconfigurations"):     "MutatingWebhookConfiguration",
		in("admissionregistration.k8s.io", "validatingadmissionpolicies"):       "ValidatingAdmissionPolicy",
		in("admissionregistration.k8s.io", "validatingadmissionpolicybindings"): "ValidatingAdmissionPolicyBinding",
		in("admissionregistration.k8s.io", "validatingwebhookconfigurations"):   "ValidatingWebhookConfiguration",
		in("apps", "controllerrevisions"):                                       "ControllerRevision", in("apps", "daemonsets"): "DaemonSet", in("batch", "jobs"): "Job",
		in("certificates.k8s.io", "certificatesigningrequests"): "CertificateSigningRequest",
		in("coordination.k8s.io", "leases"):                     "Lease",
		in("discovery.k8s.io", "endpointslices"):                "EndpointSlice",
		in("networking.k8s.io", "ingresses"):                    "Ingress",
		in("networking.k8s.io", "ingressclasses"):               "IngressClass",
		in("rbac.authorization.k8s.io", "rolebindings"):         "RoleBinding",
		in("rbac.authorization.k8s.io", "clusterrolebindings"):  "ClusterRoleBinding",
	} {
		t.Run(kind, func(t *testing.T) {
			obj, err := scheme.Scheme.New(schema.GroupVersionKind{Group: resource.Group, Version: "v1", Kind: kind})
			if err != nil {
				t.Fatal(err)
			}
			table, err := printers.TableConvertor(resource).ConvertToTable(context.Background(), obj, &metav1.TableOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(table.Rows) != 1 || len(table.Rows[0].Cells) != len(table.ColumnDefinitions) {
				t.Fatalf("got rows %v for %d columns", table.Rows, len(table.ColumnDefinitions))
			}
			// A cell that JSON cannot hold would break the copy of a table.
			if _, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&metav1.Table{Rows: []metav1.TableRow{{Cells: table.Rows[0].Cells}}}); err != nil {
				t.Error(err)
			}
			for i, cell := range table.Rows[0].Cells {
				runtime.DeepCopyJSONValue(cell) // panics on other types
				if table.ColumnDefinitions[i].Name == "" || table.ColumnDefinitions[i].Type == "" {
					t.Errorf("column %d is not defined: %+v", i, table.ColumnDefinitions[i])
				}
			}
		})
	}
}
