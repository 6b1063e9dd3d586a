package conformance

import (
	"os/exec"
	"testing"
)

// toolRows are what a person does with a tool that knows HTTP and nothing of
// Kubernetes, in the order of time.
var toolRows = []struct {
	does, curl, wget, out string
}{
	{does: "create", curl: `-d '{"metadata":{"name":"c"},"data":{"k":"1"}}' -H 'Content-Type: application/json' "$MAPS"`, wget: `--post-data='{"metadata":{"name":"c"},"data":{"k":"1"}}' --header='Content-Type: application/json' "$MAPS"`, out: `"kind": ?"ConfigMap".*"k": ?"1"`},
	{does: "get", curl: `"$MAPS/c"`, wget: `"$MAPS/c"`, out: `"k": ?"1"`},
	{does: "list", curl: `"$MAPS?fieldSelector=metadata.name=c"`, wget: `"$MAPS?fieldSelector=metadata.name=c"`, out: `"kind": ?"ConfigMapList".*"k": ?"1"`},
	{does: "patch", curl: `-X PATCH -d '{"data":{"k":"2"}}' -H 'Content-Type: application/merge-patch+json' "$MAPS/c"`, wget: `--method=PATCH --body-data='{"data":{"k":"2"}}' --header='Content-Type: application/merge-patch+json' "$MAPS/c"`, out: `"k": ?"2"`},
	{does: "watch for a second", curl: `"$MAPS?watch=true&timeoutSeconds=1&fieldSelector=metadata.name=c"`, wget: `"$MAPS?watch=true&timeoutSeconds=1&fieldSelector=metadata.name=c"`, out: `^\{"type":"ADDED".*"k":"2"`},
	{does: "delete", curl: `-X DELETE "$MAPS/c"`, wget: `--method=DELETE "$MAPS/c"`, out: `"status": ?"Success"`},
	{does: "get what is gone", curl: `"$MAPS/c"`, wget: `--content-on-error "$MAPS/c" || true`, out: `"reason": ?"NotFound"`},
}

func TestToolsOfHTTP(t *testing.T) {
	for _, tool := range []string{"curl", "wget"} {
		t.Run(tool, func(t *testing.T) {
			maps := shared.URL + "/api/v1/namespaces/" + shared.Namespace(t) + "/configmaps"
			for _, r := range toolRows {
				line := `curl -sS --noproxy "*" --cacert "$CA" -H "Authorization: Bearer $TOKEN" ` + r.curl
				if tool == "wget" {
					line = `wget -q -O - --no-proxy --ca-certificate="$CA" --header="Authorization: Bearer $TOKEN" ` + r.wget
				}
				cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", line)
				cmd.Env = append(cmd.Environ(), "MAPS="+maps, "CA="+shared.CAFile, "TOKEN="+shared.Token)
				out, err := cmd.CombinedOutput()
				if err != nil || !matches(r.out, string(out)) {
					t.Errorf("%s: %s\n%v; want %s; got:\n%.2000s", r.does, line, err, r.out, out)
				}
			}
		})
	}
}
