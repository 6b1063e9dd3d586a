package conformance

var authRows = []row{
	{does: "may I", line: `kubectl auth can-i create pods`, out: `\Ayes\n\z`},
	{does: "may another", line: `kubectl auth can-i list secrets --as=jane`, out: `\Ano\n\z`, code: 1},
	{does: "grant", line: `kubectl create role reader --verb=get,list --resource=services,services/proxy && kubectl create rolebinding jane --role=reader --user=jane`, out: `created`},
	{does: "a grant counts at once", line: `until kubectl auth can-i get services/web --subresource=proxy --as=jane; do sleep 0.1; done`, out: `yes\n\z`},
	{does: "a grant is of its namespace", line: `kubectl auth can-i list services --as=jane -n default`, out: `no`, code: 1},
	{does: "all that one may", line: `kubectl auth can-i --list --as=jane`, out: `^services +\[\] +\[\] +\[get list\]$`},
	{does: "get as another", line: `kubectl get services --as=jane`, err: `No resources found`},
	{does: "forbidden as another", line: `kubectl get secrets --as=jane --as-group=team`, err: `^Error from server \(Forbidden\): secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" in the namespace "$NS"$`, code: 1},
	{does: "whoami", line: `kubectl auth whoami`, out: `^ATTRIBUTE +VALUE\nUsername +admin\n.*system:masters`, since: 28},
	{does: "whoami as another", line: `kubectl auth whoami --as=jane --as-group=team -o jsonpath='{.status.userInfo.username} {.status.userInfo.groups}'`, out: `\Ajane \["team","system:authenticated"\]`, since: 28},
	{does: "non-resource URLs", line: `kubectl auth can-i get /healthz --as=jane; kubectl auth can-i get /logs --as=jane`, out: `\Ayes\nno\n\z`, code: 1},
	{does: "reconcile", line: `kubectl auth reconcile -f - && kubectl get role reader -o jsonpath='{.rules[*].resources}'`,
		in:  `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"reader","namespace":"$NS"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}`,
		out: `role\.rbac\.authorization\.k8s\.io/reader reconciled.*"services".*"pods"`},
	{does: "nobody gives what he has not", line: `kubectl create clusterrole $NS-granter --verb=create --resource=roles,rolebindings && kubectl create rolebinding granter --clusterrole=$NS-granter --user=joe && until kubectl auth can-i create roles --as=joe; do sleep 0.1; done
		kubectl create role grab --verb=get --resource=secrets --as=joe; code=$?; kubectl delete clusterrole $NS-granter; exit $code`,
		err: `user "joe" \(groups=\["system:authenticated"\]\) is attempting to grant RBAC permissions not currently held:\n\{APIGroups:\[""\], Resources:\["secrets"\], Verbs:\["get"\]\}`, code: 1},
}

var certificateRows = []row{
	{does: "request", line: `openssl req -new -newkey rsa:2048 -nodes -keyout $DIR/key -subj /O=team/CN=$NS-user 2>/dev/null | base64 -w0 >$DIR/req
		printf '{"apiVersion":"certificates.k8s.io/v1","kind":"CertificateSigningRequest","metadata":{"name":"%s"},"spec":{"signerName":"kubernetes.io/kube-apiserver-client","usages":["client auth"],"request":"%s"}}' $NS $(cat $DIR/req) | kubectl create -f -`,
		out: `certificatesigningrequest\.certificates\.k8s\.io/$NS created`},
	{does: "pending", line: `kubectl get csr $NS`, out: `^NAME +AGE +SIGNERNAME +REQUESTOR +REQUESTEDDURATION +CONDITION\n$NS +\w+ +kubernetes\.io/kube-apiserver-client +admin +<none> +Pending$`},
	{does: "approve", line: `kubectl certificate approve $NS`, out: `certificatesigningrequest\.certificates\.k8s\.io/$NS approved`},
	{does: "signed", line: `until kubectl get csr $NS -o jsonpath='{.status.certificate}' | base64 -d >$DIR/crt && test -s $DIR/crt; do sleep 0.1; done; kubectl get csr $NS; openssl x509 -in $DIR/crt -noout -subject -nameopt RFC2253`, out: `Approved,Issued$.*subject=CN=$NS-user,O=team`},
	{does: "the certificate works", line: `kubectl --kubeconfig=/dev/null --server=$URL --certificate-authority=$CA --client-certificate=$DIR/crt --client-key=$DIR/key get pods -n $NS`, err: `User "$NS-user" cannot list resource "pods"`, code: 1},
	{does: "deny", line: `printf '{"apiVersion":"certificates.k8s.io/v1","kind":"CertificateSigningRequest","metadata":{"name":"%s-d"},"spec":{"signerName":"kubernetes.io/kube-apiserver-client","usages":["client auth"],"request":"%s"}}' $NS $(cat $DIR/req) | kubectl create -f - && kubectl certificate deny $NS-d && kubectl get csr $NS-d`, out: `/$NS-d denied.* Denied$`},
	{does: "delete", line: `kubectl delete csr $NS $NS-d`, out: `"$NS" deleted`},
}

// nodeRows taint their node at once: pods of other stories wait for any node.
var nodeRows = []row{
	{does: "create node", line: `kubectl create -f -`, in: `{"apiVersion":"v1","kind":"Node","metadata":{"name":"$NS"},"spec":{"podCIDR":"10.244.9.0/24","taints":[{"key":"ours","effect":"NoSchedule"}]}}`, out: `node/$NS created`},
	{does: "get node", line: `kubectl get node $NS`, out: `^NAME +STATUS +ROLES +AGE +VERSION\n$NS +Unknown +<none> +\w+ *$`},
	{does: "ready", line: `kubectl patch node $NS --subresource=status --type=merge -p '{"status":{"conditions":[{"type":"Ready","status":"True"}],"addresses":[{"type":"InternalIP","address":"192.0.2.9"}],"nodeInfo":{"kubeletVersion":"v1.37.2"}}}' && kubectl get node $NS -o wide`, out: `$NS +Ready +<none> +\w+ +v1\.37\.2 +192\.0\.2\.9 +<none>`},
	{does: "describe node", line: `kubectl describe node $NS`, out: `^Name: +$NS$.*InternalIP: +192\.0\.2\.9.*^PodCIDR: +10\.244\.9\.0/24$`},
	{does: "cordon", line: `kubectl cordon $NS && kubectl get node $NS`, out: `node/$NS cordoned.*Ready,SchedulingDisabled`},
	{does: "uncordon", line: `kubectl uncordon $NS && kubectl get node $NS`, out: `node/$NS uncordoned.*Ready +`},
	{does: "taint", line: `kubectl taint node $NS dedicated=db:NoSchedule && kubectl get node $NS -o jsonpath='{.spec.taints[*].key}'`, out: `tainted\n.*dedicated`},
	{does: "drain", line: `kubectl create -f - && kubectl drain $NS --force --grace-period=0 --timeout=60s; kubectl get pod drained`,
		in: `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"drained"},"spec":{"nodeName":"$NS","tolerations":[{"operator":"Exists"}],"containers":[{"name":"c","image":"web:1"}]}}`, out: `node/$NS drained`, err: `NotFound`, code: 1},
	{does: "delete node", line: `kubectl delete node $NS`, out: `node "$NS" deleted`},
}

var refusedRows = []row{
	{does: "an invalid object names its fields", line: `kubectl create -f -`, in: `{"apiVersion":"v1","kind":"Service","metadata":{"name":"Web"},"spec":{"type":"Funny","ports":[{"port":0},{"port":99999,"protocol":"X"}]}}`,
		err: `^The Service "Web" is invalid: ?\n\* metadata\.name: Invalid value: "Web": a DNS-103.*spec\.type: Unsupported value: "Funny": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort".*spec\.ports\[0\]\.port: (Required value|Invalid value: 0).*spec\.ports\[1\]\.port: Invalid value: 99999: must be between 1 and 65535`, code: 1},
	{does: "a pod without containers", line: `kubectl create -f -`, in: `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[]}}`, err: `^The Pod "p" is invalid: spec\.containers: Required value$`, code: 1},
	{does: "a cluster IP outside the range", line: `kubectl create service clusterip out --clusterip=192.0.2.1 --tcp=80`, err: `spec\.clusterIPs: Invalid value: \["192\.0\.2\.1"\]: failed to allocate IP 192\.0\.2\.1: the provided (IP|network).*not in the valid range|The range of valid IPs is 10\.96\.0\.0/16`, code: 1},
	{does: "a cluster IP that is taken", line: `kubectl create service clusterip taken --clusterip=10.96.0.1 --tcp=80`, err: `spec\.clusterIPs(\[0\])?: Invalid value: \["10\.96\.0\.1"\]: failed to allocate IP 10\.96\.0\.1: provided IP is already allocated`, code: 1},
	{does: "an unknown field is refused when strict", line: `kubectl create --validate=strict -f -`, in: `{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"porst":[],"ports":[{"port":80}]}}`, err: `unknown field "spec\.porst"`, code: 1},
	{does: "an unknown field is told when warned", line: `kubectl create --validate=warn -f -`, in: `{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"porst":[],"ports":[{"port":80}]}}`, out: `service/s created`, err: `Warning: unknown field "spec\.porst"`},
	{does: "a wrong type", line: `kubectl create --validate=ignore -f -`, in: `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":1}}`, err: `json: cannot unmarshal number into Go struct field ConfigMap\.data of type string`, code: 1},
	{does: "a bad name of a config map", line: `kubectl create configmap Not_A_Name`, err: `metadata\.name: Invalid value: "Not_A_Name": a lowercase RFC 1123 subdomain must consist of`, code: 1},
	{does: "an unknown version", line: `kubectl create -f -`, in: `{"apiVersion":"v9","kind":"Service","metadata":{"name":"s"}}`, err: `no matches for kind "Service" in version "v9"`, code: 1},
	{does: "a missing namespace", line: `kubectl create configmap c -n $NS-missing`, err: `namespaces "$NS-missing" not found`, code: 1},
	{does: "an object of another namespace", line: `kubectl create -n default -f -`, in: `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"$NS"}}`, err: `the namespace from the provided object "$NS" does not match the namespace "default"`, code: 1},
	{does: "the type of a secret is for ever", line: `kubectl create secret generic s && kubectl patch secret s -p '{"type":"other"}'`, out: `created`, err: `type: Invalid value: "other": field is immutable`, code: 1},
	{does: "a grant refers to one role for ever", line: `kubectl create rolebinding rb --clusterrole=view --user=jane && kubectl patch rolebinding rb -p '{"roleRef":{"name":"edit"}}'`, out: `created`, err: `roleRef: Invalid value: .*cannot change roleRef`, code: 1},
	{does: "default cannot be deleted", line: `kubectl delete namespace default`, err: `namespaces "default" is forbidden: this namespace may not be deleted`, code: 1},
}

var deleteRows = []row{
	{does: "make things to delete", line: `kubectl create configmap a && kubectl create configmap b && kubectl create configmap c && kubectl label configmap b kind=x && kubectl apply -f testdata/web.yaml -f testdata/pods.yaml`, out: `created`},
	{does: "delete by name", line: `kubectl delete configmap a && kubectl get configmap a`, out: `^configmap "a" deleted`, err: `NotFound`, code: 1},
	{does: "delete by label", line: `kubectl delete configmap -l kind=x -o name`, out: `\Aconfigmap/b\n\z`},
	{does: "delete by file", line: `kubectl delete -f testdata/web.yaml`, out: `^service "web" deleted`},
	{does: "delete all of a kind", line: `kubectl delete pods --all --now && kubectl get pods`, out: `"web-1".*deleted.*"web-2".*deleted`, err: `No resources found`},
	{does: "delete what is not there", line: `kubectl delete configmap a`, err: `configmaps "a" not found`, code: 1},
	{does: "delete what need not be there", line: `kubectl delete configmap a --ignore-not-found`, out: `\A\z`},
	{does: "delete a pod by force", line: `kubectl run p --image=web:1 && kubectl delete pod p --force --grace-period=0`, out: `pod "p" force deleted`, err: `Immediate deletion`},
	{does: "delete a namespace with what is in it", line: `kubectl create namespace $NS-d && kubectl create configmap in -n $NS-d && kubectl delete namespace $NS-d && kubectl create namespace $NS-d && kubectl get configmap in -n $NS-d; code=$?; kubectl delete namespace $NS-d --wait=false; exit $code`,
		out: `namespace "$NS-d" deleted.*namespace/$NS-d created`, err: `configmaps "in" not found`, code: 1},
}

// family makes a replication controller and a config map that it owns.
const family = `kubectl create configmap owner >/dev/null && uid=$(kubectl get configmap owner -o jsonpath='{.metadata.uid}') &&
	printf '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"owned","ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"owner","uid":"%s","blockOwnerDeletion":true}]}}' $uid | kubectl create -f - && `

// gone waits until the owned object is there no more.
const gone = `until ! kubectl get secret owned >/dev/null 2>&1; do sleep 0.1; done; `

var cascadeRows = []row{
	{does: "background", line: family + `kubectl delete configmap owner --cascade=background && ` + gone + `kubectl get secret owned`, out: `configmap "owner" deleted`, err: `NotFound`, code: 1},
	{does: "foreground", line: family + `kubectl delete configmap owner --cascade=foreground && kubectl get secret owned`, out: `configmap "owner" deleted`, err: `NotFound`, code: 1},
	{does: "orphan", line: family + `kubectl delete configmap owner --cascade=orphan && until test -z "$(kubectl get secret owned -o jsonpath='{.metadata.ownerReferences}')"; do sleep 0.1; done; kubectl get secret owned -o name`, out: `configmap "owner" deleted.*^secret/owned$`},
	{does: "an owner that never was", line: `kubectl delete secret owned && printf '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"owned","ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"owner","uid":"never"}]}}' | kubectl create -f - && ` + gone + `echo gone`, out: `^gone$`},
}

// proxied starts kubectl proxy on a free port and sets port.
const proxied = `rm -f $DIR/proxy; kubectl proxy --port=0 >$DIR/proxy & p=$!; until grep -qs Starting $DIR/proxy; do sleep 0.05; done; port=$(sed 's/.*://' $DIR/proxy); `

var proxyRows = []row{
	{does: "proxy", line: proxied + `curl -s http://127.0.0.1:$port/api; kill $p`, out: `"versions": ?\[\s*"v1"\s*\].*serverAddressByClientCIDRs`},
	{does: "proxy serves objects and writes", line: proxied + `curl -s -H 'Content-Type: application/json' -d '{"metadata":{"name":"posted"}}' http://127.0.0.1:$port/api/v1/namespaces/$NS/configmaps; kill $p; echo; kubectl get configmap posted -o name`, out: `"kind": "ConfigMap".*^configmap/posted$`},
}
