package conformance

import (
	"os/exec"
	"strings"
	"testing"
)

// curlRows are requests as a person makes them with curl and a token.
var curlRows = []struct {
	does          string
	path, options string
	out, not      string
}{
	{does: "the root of the core API", path: `/api`, out: `"kind": ?"APIVersions".*"versions": ?\[\s*"v1"\s*\].*"serverAddressByClientCIDRs": ?\[\s*\{\s*"clientCIDR": ?"0\.0\.0\.0/0",\s*"serverAddress": ?"[^"]+:\d+"`},
	{does: "aggregated discovery", path: `/apis`, options: `-H 'Accept: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'`, out: `"kind": "APIGroupDiscoveryList",\s*"apiVersion": "apidiscovery\.k8s\.io/v2".*"resource": "endpointslices"`},
	{does: "groups", path: `/apis`, out: `"kind": ?"APIGroupList".*"preferredVersion"`},
	{does: "version", path: `/version`, out: `"major": ?"1",\s*"minor": ?"37"`},
	{does: "OpenAPI v2", path: `/openapi/v2`, out: `"swagger":"2\.0".*"io\.k8s\.api\.core\.v1\.Service"`},
	{does: "OpenAPI v3 index", path: `/openapi/v3`, out: `"api/v1": ?\{\s*"serverRelativeURL": ?"/openapi/v3/api/v1\?hash=`},
	{does: "OpenAPI v3 of a group", path: `/openapi/v3/apis/networking.k8s.io/v1`, out: `"openapi":"3\.0.*x-kubernetes-group-version-kind`},
	{does: "a table", path: `/api/v1/namespaces`, options: `-H 'Accept: application/json;as=Table;g=meta.k8s.io;v=v1'`, out: `"kind": "Table".*"columnDefinitions": \[\s*\{\s*"name": "Name"`},
	{does: "metadata alone", path: `/api/v1/services`, options: `-H 'Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'`, out: `"kind": "PartialObjectMetadataList".*"name": "kubernetes"`, not: `"clusterIP"`},
	{does: "protobuf", path: `/api/v1/namespaces/default`, options: `-H 'Accept: application/vnd.kubernetes.protobuf'`, out: `\Ak8s\x00`},
	{does: "YAML", path: `/api/v1/namespaces/default`, options: `-H 'Accept: application/yaml'`, out: `^kind: Namespace$`},
	{does: "an encoding nobody knows", path: `/api/v1/namespaces/default`, options: `-o /dev/null -w '%{http_code}' -H 'Accept: image/png'`, out: `\A406\z`},
	{does: "a path nobody serves", path: `/apis/nothing/v1`, out: `404`},
	{does: "a kind nobody serves", path: `/api/v1/nothings`, out: `404 page not found|"reason": ?"NotFound"`},
	{does: "a method that does not fit", path: `/api/v1/services`, options: `-X DELETE`, out: `"reason": ?"MethodNotAllowed",|"code": ?405`},
	{does: "a body that is no JSON", path: `/api/v1/namespaces/default/configmaps`, options: `-H 'Content-Type: application/json' -d nonsense`, out: `"reason": ?"BadRequest".*"code": ?400`},
	{does: "a body in an unknown type", path: `/api/v1/namespaces/default/configmaps`, options: `-H 'Content-Type: text/nonsense' -d x`, out: `"reason": ?"UnsupportedMediaType".*"code": ?415`},
	{does: "HEAD", path: `/readyz`, options: `-I`, out: `HTTP/(2|1\.1) (200|405)`},
	{does: "an audit ID in every answer", path: `/version`, options: `-D - -o /dev/null`, out: `(?i)^audit-id: [0-9a-f-]{36}`},
	{does: "a client may know the caches", path: `/api/v1/namespaces`, options: `-D - -o /dev/null`, out: `(?i)cache-control: no-cache, private`},
}

func TestCurl(t *testing.T) {
	for _, r := range curlRows {
		t.Run(strings.ReplaceAll(r.does, " ", "_"), func(t *testing.T) {
			line := `curl -sS --noproxy "*" --cacert "$CA" -H "Authorization: Bearer $TOKEN" ` + r.options + ` "$URL` + r.path + `"`
			cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", line)
			cmd.Env = append(cmd.Environ(), "URL="+shared.URL, "CA="+shared.CAFile, "TOKEN="+shared.Token)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v\n%s", line, err, out)
			}
			if !matches(r.out, string(out)) || (r.not != "" && matches(r.not, string(out))) {
				t.Errorf("%s\nwant %s, not %q; got:\n%.3000s", line, r.out, r.not, out)
			}
		})
	}
}
