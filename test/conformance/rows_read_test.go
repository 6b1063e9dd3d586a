package conformance

var discoveryRows = []row{
	{does: "version", line: `kubectl version`, out: `Server Version: .*v1\.37\.`},
	{does: "version as JSON", line: `kubectl version -o json`, out: `"serverVersion": \{.*"minor": "37".*"gitVersion": "v1\.37\.\d+"`},
	{does: "list of kinds", line: `kubectl api-resources`,
		out: `^configmaps +cm +v1 +true +ConfigMap$.*^services +svc +v1 +true +Service$.*^ingresses +ing +networking\.k8s\.io/v1 +true +Ingress$`},
	{does: "list of kinds that keep pods", line: `kubectl api-resources`,
		out: `^controllerrevisions +apps/v1 +true +ControllerRevision$.*^daemonsets +ds +apps/v1 +true +DaemonSet$.*^jobs +batch/v1 +true +Job$`},
	{does: "kinds outside namespaces", line: `kubectl api-resources --namespaced=false -o name`,
		out: `^namespaces$.*^clusterroles\.rbac\.authorization\.k8s\.io$`, not: `^services$`},
	{does: "kinds of a group with their verbs", line: `kubectl api-resources --api-group=discovery.k8s.io -o wide`,
		out: `^endpointslices .* EndpointSlice +create,delete,deletecollection,get,list,patch,update,watch`, not: `configmaps`},
	{does: "kinds that can be listed", line: `kubectl api-resources --verbs=list -o name`,
		out: `^pods$`, not: `tokenreviews`},
	{does: "list of versions", line: `kubectl api-versions`,
		out: `^discovery\.k8s\.io/v1$.*^networking\.k8s\.io/v1$.*^rbac\.authorization\.k8s\.io/v1$.*^v1$`,
		// Of metrics.k8s.io all know the beta version, and few the other one.
		not: `alpha|beta[2-9]|(apps|policy|events\.k8s\.io|[^s]\.k8s\.io)/v\d+beta`},
	{does: "cluster-info", line: `kubectl cluster-info`, out: `is running at .*https://127\.0\.0\.1:\d+`},
	{does: "our cluster-info", line: `causeway cluster-info`, out: `is running at .*https://127\.0\.0\.1:\d+`},
	{does: "kubectl inside causeway", line: `causeway kubectl get namespace default -o name`, out: `^namespace/default$`},
	{does: "health", line: `kubectl get --raw '/readyz?verbose'`, out: `\[\+\]etcd ok.*readyz check passed`},
	{does: "the root of the API", line: `kubectl get --raw /api`, out: `"versions":\["v1"\].*"serverAddress":"[^"]+:\d+"`},
}

var configRows = []row{
	{does: "config view hides secrets", line: `kubectl config view`,
		out: `certificate-authority-data: DATA\+OMITTED.*server: https://127.*client-key-data: (DATA\+OMITTED|REDACTED)`},
	{does: "config view minified by jsonpath", line: `kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}'`, out: `^https://127\.0\.0\.1:\d+$`},
	{does: "config view raw", line: `kubectl config view --raw --minify --flatten -o jsonpath='{.users[0].user.client-key-data}' | base64 -d`, out: `^-----BEGIN .*PRIVATE KEY-----$`},
	{does: "contexts", line: `kubectl config get-contexts -o name`, out: `^causeway$`},
	{does: "current context", line: `kubectl config current-context`, out: `^causeway$`},
	{does: "default namespace is chosen", line: `kubectl config set-context --current --namespace=kube-public && kubectl get configmap -o name; kubectl config set-context --current --namespace=$NS`,
		out: `^configmap/cluster-info$`},
	{does: "credentials by flags", line: `kubectl --kubeconfig=/dev/null --server=$URL --certificate-authority=$CA --token=$TOKEN get ns default -o name`, out: `^namespace/default$`},
	{does: "wrong token is unauthorized", line: `kubectl --kubeconfig=/dev/null --server=$URL --certificate-authority=$CA --token=wrong get ns`,
		err: `You must be logged in to the server|Unauthorized`, code: 1},
}

var explainRows = []row{
	{does: "explain a field", line: `kubectl explain service.spec.ports`, out: `FIELDS?:.*nodePort\s+<integer>.*targetPort\s+<`},
	{does: "explain tells what is required", line: `kubectl explain endpointslice.endpoints`, out: `addresses\s+<\[\]string>\s+-required-`},
	{does: "explain recursively", line: `kubectl explain pod --recursive`, out: `containers\s+<\[\]Container>.*livenessProbe\s+<Probe>.*httpGet\s+<HTTPGetAction>`},
	{does: "explain a kind of a group", line: `kubectl explain ingress.spec.rules.http`, out: `paths\s+<\[\]HTTPIngressPath>`},
	{does: "explain says that a field is not there", line: `kubectl explain service.spec.nothing`, err: `field "nothing" does not exist`, code: 1},
}

var getRows = []row{
	{does: "make things to look at", line: `kubectl apply -f testdata/web.yaml -f testdata/pods.yaml`, out: `service/web created.*pod/web-1 created.*pod/web-2 created`},
	{does: "get as table", line: `kubectl get services`,
		out: `\ANAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nweb +ClusterIP +10\.96\.\d+\.\d+ +<none> +80/TCP,443/TCP +\w+\n\z`},
	{does: "get wide", line: `kubectl get svc -o wide`, out: `AGE +SELECTOR$.*app=web$`},
	{does: "get pods", line: `kubectl get pods`, out: `\ANAME +READY +STATUS +RESTARTS +AGE\nweb-1 +0/1 +Pending +0 +\w+$`},
	{does: "get pods wide", line: `kubectl get po -o wide`, out: `IP +NODE +NOMINATED NODE +READINESS GATES$.*^web-1 .* <none> +<none> +<none> +<none>$`},
	{does: "get as YAML", line: `kubectl get service web -o yaml`, out: `^apiVersion: v1\nkind: Service\nmetadata:.*^  clusterIP: 10\.96\.\d+\.\d+.*^  sessionAffinity: None\n  type: ClusterIP\nstatus:\n  loadBalancer: \{\}`, not: `managedFields`},
	{does: "get as JSON", line: `kubectl get service web -o json`, out: `"kind": "Service".*"internalTrafficPolicy": "Cluster"`},
	{does: "get by jsonpath", line: `kubectl get service web -o jsonpath='{.spec.ports[?(@.name=="https")].port}'`, out: `\A443\z`},
	{does: "get custom columns", line: `kubectl get pods -o custom-columns=NAME:.metadata.name,IMAGE:.spec.containers[0].image`, out: `\ANAME +IMAGE\nweb-1 +web:1\nweb-2 +web:1\n\z`},
	{does: "get by template", line: `kubectl get pods -o go-template='{{range .items}}{{.metadata.name}} {{end}}'`, out: `\Aweb-1 web-2 \z`},
	{does: "get names", line: `kubectl get pods,services -o name`, out: `\Apod/web-1\npod/web-2\nservice/web\n\z`},
	{does: "get by label", line: `kubectl get pods -l 'replica in (two)' -o name`, out: `\Apod/web-2\n\z`},
	{does: "get with labels", line: `kubectl get pods --show-labels -L replica`, out: `REPLICA +LABELS$.*^web-1 .* one +app=web,replica=one$`},
	{does: "get by name as field", line: `kubectl get pods --field-selector metadata.name=web-1 -o name`, out: `\Apod/web-1\n\z`},
	{does: "get by phase as field", line: `kubectl get pods --field-selector status.phase!=Pending`, out: `\A\z`, err: `No resources found`},
	{does: "get by service type as field", line: `kubectl get services --field-selector spec.type=ClusterIP -o name`, out: `\Aservice/web\n\z`},
	{does: "an unknown field is refused", line: `kubectl get pods --field-selector spec.nothing=1`, err: `field label not supported: spec\.nothing|"spec\.nothing" is not a known field selector`, code: 1},
	{does: "get sorted", line: `kubectl get pods --sort-by=.metadata.labels.replica -o name`, out: `web-1\npod/web-2`},
	{does: "get in all namespaces", line: `kubectl get services -A`, out: `^NAMESPACE +NAME .*^default +kubernetes +ClusterIP +10\.96\.0\.1 .*443/TCP.*^$NS +web `},
	{does: "get in chunks", line: `kubectl get pods --chunk-size=1 -o name -v=6`, out: `\Apod/web-1\npod/web-2\n\z`, err: `continue=.*limit=1`},
	{does: "get all", line: `kubectl get all`, out: `^pod/web-1 .*^service/web `},
	{does: "get the status alone", line: `kubectl get pod web-1 --subresource=status -o jsonpath='{.status.phase}'`, out: `\APending\z`},
	{does: "get with managed fields", line: `kubectl get service web -o yaml --show-managed-fields`, out: `manager: kubectl-client-side-apply\n    operation: Update`},
	{does: "get with server printed kinds", line: `until test "$(kubectl get endpoints,endpointslices -l app=web -o name | wc -l)" = 2; do sleep 0.1; done; kubectl get endpoints,endpointslices`, out: `endpoints/web +<none>.*endpointslice\.discovery\.k8s\.io/web-\w+ +IPv4 +<unset> +<unset>`},
	{does: "not found", line: `kubectl get service nothing`, err: `^Error from server \(NotFound\): services "nothing" not found$`, code: 1},
	{does: "not found is ignored on demand", line: `kubectl get service nothing --ignore-not-found`, out: `\A\z`},
	{does: "an unknown kind", line: `kubectl get nothings`, err: `the server doesn't have a resource type "nothings"`, code: 1},
	{does: "raw", line: `kubectl get --raw /api/v1/namespaces/$NS/services/web`, out: `"kind":"Service"`},
}

var watchRows = []row{
	{does: "make a thing to watch", line: `kubectl create configmap seen --from-literal=a=1`, out: `created`},
	{does: "watch shows what changes", line: `kubectl get configmap seen --watch --output-watch-events >$DIR/w & w=$!
		until grep -q ADDED $DIR/w; do sleep 0.05; done
		kubectl label configmap seen by=watch
		until grep -q MODIFIED $DIR/w; do sleep 0.05; done
		kubectl delete configmap seen
		until grep -q DELETED $DIR/w; do sleep 0.05; done
		kill $w; cat $DIR/w`, out: `^EVENT +NAME +DATA +AGE\nADDED +seen +1 .*^MODIFIED +seen .*^DELETED +seen `},
	{does: "watch prints rows of a table", line: `kubectl get services --watch-only >$DIR/t & w=$!
		while ! grep -q late $DIR/t; do kubectl create service clusterip late --tcp=80 >/dev/null; kubectl delete service late >/dev/null; done
		kill $w; cat $DIR/t`, out: `\ANAME +TYPE +CLUSTER-IP .*^late +ClusterIP +10\.96\.`},
}

var describeRows = []row{
	{does: "make things to describe", line: `kubectl apply -f testdata/web.yaml -f testdata/pods.yaml -f testdata/ingress.yaml && kubectl create secret generic hidden --from-literal=key=value && kubectl create serviceaccount robot`, out: `created`},
	{does: "give a pod an address", line: `kubectl patch pod web-1 --subresource=status --type=merge -p '{"status":{"phase":"Running","podIP":"10.244.1.5","podIPs":[{"ip":"10.244.1.5"}],"conditions":[{"type":"Ready","status":"True"}]}}'`, out: `patched`},
	{does: "wait until the service has it", line: `until kubectl get endpointslice -l kubernetes.io/service-name=web -o yaml | grep -q 10.244.1.5; do sleep 0.1; done
		until kubectl get endpoints web -o yaml | grep -q 10.244.1.5; do sleep 0.1; done`},
	{does: "describe service", line: `kubectl describe service web`, out: `^Name: +web$.*^Selector: +app=web$.*^Type: +ClusterIP$.*^IP Families?: +IPv4$.*^IPs?: +10\.96\..*^Port: +http +80/TCP$.*^TargetPort: +8080/TCP$.*^Endpoints: +10\.244\.1\.5:8080$.*^Session Affinity: +None$`},
	{does: "describe pod", line: `kubectl describe pod web-1`, out: `^Name: +web-1$.*^Labels: +app=web$.*^Status: +Running$.*^IP: +10\.244\.1\.5$.*^Containers:$.*Image: +web:1$.*^QoS Class: +BestEffort$`},
	{does: "describe namespace", line: `kubectl describe namespace $NS`, out: `^Name: +$NS$.*^Labels: +kubernetes\.io/metadata\.name=$NS$.*^Status: +Active$`},
	{does: "describe ingress", line: `kubectl describe ingress front`, out: `front\.example\.org.*/shop +web:80 \(10\.244\.1\.5:8080\)`},
	{does: "describe endpointslice", line: `kubectl describe endpointslices`, out: `AddressType: +IPv4.*Addresses: +10\.244\.1\.5.*Ready: +true.*TargetRef: +Pod/web-1`},
	{does: "describe secret", line: `kubectl describe secret hidden`, out: `^Type: +Opaque$.*^key: +5 bytes$`, not: `value|dmFsdWU`},
	{does: "describe service account", line: `until kubectl get serviceaccount robot -o yaml | grep -q robot-token; do sleep 0.1; done; kubectl describe serviceaccount robot`, out: `^Name: +robot$.*^Image pull secrets: +<none>$`},
	{does: "describe service account with its token", line: `kubectl describe serviceaccount robot`, out: `^Tokens: +robot-token-\w+$`, until: 33},
	{does: "the token is found by describe", line: `kubectl describe secret $(kubectl get serviceaccount robot -o jsonpath='{.secrets[0].name}') | grep '^token:'`, out: `^token: +eyJ[\w-]+\.[\w-]+\.[\w-]+$`},
	{does: "describe role", line: `kubectl describe clusterrole cluster-admin`, out: `\*\.\* +\[\] +\[\] +\[\*\]`},
	{does: "describe by label", line: `kubectl describe pods -l replica=two`, out: `^Name: +web-2$`, not: `web-1`},
	{does: "describe what is not there", line: `kubectl describe pod nothing`, err: `pods "nothing" not found`, code: 1},
}
