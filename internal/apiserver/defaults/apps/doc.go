// Package apps fills the fields of apps objects that their author left
// out, with the values Kubernetes promises. Only package defaults imports it.
//
// The SetDefaults functions are the rules; hack/gen-defaults.sh writes the
// walk that applies them to every kind.
//
// +k8s:defaulter-gen=TypeMeta
// +k8s:defaulter-gen-input=k8s.io/api/apps/v1
package apps
