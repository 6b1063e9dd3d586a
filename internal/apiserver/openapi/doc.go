// Package openapi holds the OpenAPI definitions of every type the API server
// serves: the schema behind /openapi, kubectl explain, client-side apply and
// the merge keys of server-side apply.
//
// It is a part of the API server (floor 2). The definitions are generated
// from the documentation of k8s.io/api by hack/gen-openapi.sh; run `make gen`
// after the version of k8s.io/api changes.
package openapi
