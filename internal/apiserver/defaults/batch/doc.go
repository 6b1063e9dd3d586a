// Package batch fills the fields of batch objects that their author left
// out, with the values Kubernetes promises. Only package defaults imports it.
//
// The SetDefaults functions are the rules; hack/gen-defaults.sh writes the
// walk that applies them to every kind.
//
// +k8s:defaulter-gen=TypeMeta
// +k8s:defaulter-gen-input=k8s.io/api/batch/v1
package batch
