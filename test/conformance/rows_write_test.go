package conformance

var createRows = []row{
	{does: "create namespace", line: `kubectl create namespace $NS-b && kubectl get namespace $NS-b && kubectl delete namespace $NS-b --wait=false`, out: `namespace/$NS-b created.*^$NS-b +Active +\w+$`},
	{does: "create secret", line: `kubectl create secret generic s --from-literal=a=b && kubectl get secret s -o jsonpath='{.type} {.data.a}'`, out: `secret/s created\nOpaque Yg==`},
	{does: "create secret with string data", line: `kubectl create -f - && kubectl get secret strings -o jsonpath='{.data.a}{.stringData}'`,
		in: `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"strings"},"stringData":{"a":"b"}}`, out: `created\nYg==\z`},
	{does: "create config map", line: `kubectl create configmap c --from-literal=a=1 --from-file=testdata/rc.yaml && kubectl get configmap c`, out: `^c +2 +\w+$`},
	{does: "create service", line: `kubectl create service clusterip ci --tcp=80:8080 && kubectl get service ci -o jsonpath='{.spec.ports[0].name} {.spec.ports[0].targetPort}'`, out: `created\n80-8080 8080\z`},
	{does: "create headless service", line: `kubectl create service clusterip none --clusterip=None --tcp=80 && kubectl get service none`, out: `none +ClusterIP +None +<none> +80/TCP`},
	{does: "create node port service", line: `kubectl create service nodeport np --tcp=80 && kubectl get service np`, out: `np +NodePort +10\.96\.\d+\.\d+ +<none> +80:3\d{4}/TCP`},
	{does: "create load balancer service", line: `kubectl create service loadbalancer lb --tcp=80 && kubectl get service lb`, out: `lb +LoadBalancer +10\.96\.\d+\.\d+ +<pending> +80:3\d{4}/TCP`},
	{does: "create external name", line: `kubectl create service externalname en --external-name=db.example.org && kubectl get service en`, out: `en +ExternalName +<none> +db\.example\.org +<none>`},
	{does: "create role", line: `kubectl create role r --verb=get,list --resource=pods,services/proxy && kubectl describe role r`, out: `pods +\[\] +\[\] +\[get list\]\n +services/proxy `},
	{does: "create role binding", line: `kubectl create rolebinding rb --role=r --user=jane --group=team --serviceaccount=$NS:default && kubectl get rolebinding rb -o wide`, out: `^NAME +ROLE +AGE +USERS +GROUPS +SERVICEACCOUNTS\nrb +Role/r +\w+ +jane +team +$NS/default$`},
	{does: "create cluster role", line: `kubectl create clusterrole $NS-cr --verb=get --non-resource-url=/healthz && kubectl create clusterrolebinding $NS-crb --clusterrole=$NS-cr --user=jane && kubectl delete clusterrole,clusterrolebinding $NS-cr $NS-crb --ignore-not-found`,
		out: `clusterrole.rbac.authorization.k8s.io/$NS-cr created\nclusterrolebinding.rbac.authorization.k8s.io/$NS-crb created`},
	{does: "create ingress", line: `kubectl create ingress i --class=front --rule='a.example.org/x*=ci:80,tls=cert' && kubectl get ingress i`, out: `^NAME +CLASS +HOSTS +ADDRESS +PORTS +AGE\ni +front +a\.example\.org +80, 443 +\w+$`},
	{does: "create service account", line: `kubectl create serviceaccount robot && kubectl get serviceaccount robot -o name`, out: `^serviceaccount/robot$`},
	{does: "create token", line: `kubectl create token robot --duration=10m --audience=$URL; echo; kubectl create token robot`, out: `\AeyJ[\w-]+\.[\w-]+\.[\w-]+\n+eyJ[\w-]+\.[\w-]+\.[\w-]+\n?\z`},
	{does: "a token works", line: `kubectl --kubeconfig=/dev/null --server=$URL --certificate-authority=$CA --token=$(kubectl create token robot) get pods -n $NS`,
		err: `pods is forbidden: User "system:serviceaccount:$NS:robot" cannot list resource "pods" in API group "" in the namespace "$NS"`, code: 1},
	{does: "create with a generated name", line: `kubectl create -f - -o name`, in: `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"gen-"}}`, out: `\Aconfigmap/gen-\w{5}\n\z`},
	{does: "create twice", line: `kubectl create configmap c`, err: `^(Error from server|error: failed to create configmap).*configmaps "c" already exists$`, code: 1},
	{does: "create job", line: `kubectl create job j --image=web`, out: `^job\.batch/j created$`},
	{does: "a kind that is not served", line: `kubectl create cronjob j --image=web --schedule='0 0 * * *'`, err: `the server could not find the requested resource`, code: 1},
}

var applyRows = []row{
	{does: "apply creates", line: `kubectl apply -f testdata/web.yaml`, out: `\Aservice/web created\n\z`},
	{does: "apply again changes nothing", line: `kubectl apply -f testdata/web.yaml`, out: `\Aservice/web unchanged\n\z`},
	{does: "diff finds nothing", line: `kubectl diff -f testdata/web.yaml`, out: `\A\z`},
	{does: "diff shows what would change", line: `kubectl diff -f testdata/web-changed.yaml`, out: `^-    targetPort: 8080$.*^\+    targetPort: 9090$`, code: 1},
	{does: "apply changes one port", line: `kubectl apply -f testdata/web-changed.yaml && kubectl get service web -o jsonpath='{.spec.ports[*].targetPort}'`, out: `configured\n9090 8443\z`},
	{does: "apply leaves the ports of others", line: `kubectl patch service web -p '{"spec":{"ports":[{"name":"extra","port":81}]}}' && kubectl apply -f testdata/web.yaml && kubectl get service web -o jsonpath='{.spec.ports[*].port}'`, out: `configured\n(80 443 81|81 80 443)\z`},
	{does: "apply keeps what it last applied", line: `kubectl apply view-last-applied service/web`, out: `targetPort: 8080`},
	{does: "apply set-last-applied", line: `kubectl apply set-last-applied -f testdata/web-changed.yaml && kubectl apply view-last-applied service/web`, out: `targetPort: 9090`},
	{does: "apply a folder of kinds", line: `kubectl apply -f testdata/ --prune=false --dry-run=server`, out: `ingress\.networking\.k8s\.io/front created \(server dry run\).*replicationcontroller/web created \(server dry run\)`},
	{does: "apply from input", line: `kubectl apply -f -`, in: `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"1","b":"2"}}`, out: `configmap/c created`},
	{does: "apply removes what is gone", line: `kubectl apply -f - && kubectl get configmap c -o jsonpath='{.data}'`, in: `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"b":"2"}}`, out: `configured\n\{"b":"2"\}\z`},
}

const ssaOwned = `{"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},"spec":{"selector":{"app":"web"},"ports":[{"name":"http","port":80}]}}`

var serverSideApplyRows = []row{
	{does: "server-side apply creates", line: `kubectl apply --server-side -f -`, in: ssaOwned, out: `service/web serverside-applied`},
	{does: "another manager adds a port by its key", line: `kubectl apply --server-side --field-manager=other -f - && kubectl get service web -o jsonpath='{.spec.ports[*].port}'`,
		in: `{"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},"spec":{"ports":[{"name":"metrics","port":9090}]}}`, out: `serverside-applied\n80 9090\z`},
	{does: "a conflict names field and manager", line: `kubectl apply --server-side --field-manager=other -f -`,
		in:  `{"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},"spec":{"selector":{"app":"mine"},"ports":[{"name":"metrics","port":9090}]}}`,
		err: `Apply failed with 1 conflict: conflict with "kubectl".*: \.spec\.selector`, code: 1},
	{does: "force takes the field", line: `kubectl apply --server-side --field-manager=other --force-conflicts -f - && kubectl get service web -o jsonpath='{.spec.selector.app}'`,
		in:  `{"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},"spec":{"selector":{"app":"mine"},"ports":[{"name":"metrics","port":9090}]}}`,
		out: `serverside-applied\nmine\z`},
	{does: "managed fields tell who owns what", line: `kubectl get service web --show-managed-fields -o jsonpath='{.metadata.managedFields[*].manager}'`, out: `kubectl.*other|other.*kubectl`},
	{does: "leaving a port out gives it up", line: `kubectl apply --server-side --field-manager=other -f - && kubectl get service web -o jsonpath='{.spec.ports[*].port}'`,
		in: `{"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},"spec":{"selector":{"app":"mine"}}}`, out: `serverside-applied\n80\z`},
	{does: "server-side diff", line: `kubectl diff --server-side --field-manager=other -f -`,
		in: `{"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},"spec":{"selector":{"app":"else"}}}`, out: `^\+    app: else$`, code: 1},
}

var changeRows = []row{
	{does: "make things to change", line: `kubectl apply -f testdata/web.yaml -f testdata/pods.yaml && kubectl create configmap c --from-literal=a=old`, out: `created`},
	{does: "label", line: `kubectl label service web tier=front && kubectl get service -l tier=front -o name`, out: `labeled.*service/web`},
	{does: "label is not overwritten", line: `kubectl label service web tier=back`, err: `'tier' already has a value|already has a value \(front\)`, code: 1},
	{does: "label is overwritten on demand", line: `kubectl label service web tier=back --overwrite && kubectl get service web -o jsonpath='{.metadata.labels.tier}'`, out: `back\z`},
	{does: "label is removed", line: `kubectl label service web tier- && kubectl get service web -o jsonpath='{.metadata.labels}'`, out: `unlabeled`, not: `tier`},
	{does: "label all", line: `kubectl label pods --all seen=yes && kubectl get pods -l seen=yes -o name`, out: `pod/web-1\npod/web-2\n\z`},
	{does: "annotate", line: `kubectl annotate service web note='two words' && kubectl get service web -o jsonpath='{.metadata.annotations.note}'`, out: `annotated?\ntwo words\z`},
	{does: "patch strategically merges by key", line: `kubectl patch service web -p '{"spec":{"ports":[{"port":443,"targetPort":9443}]}}' && kubectl get service web -o jsonpath='{.spec.ports[*].targetPort}'`, out: `patched\n(8080 9443|9443 8080)\z`},
	{does: "patch by JSON merge replaces lists", line: `kubectl patch service web --type=merge -p '{"spec":{"ports":[{"name":"only","port":80}]}}' && kubectl get service web -o jsonpath='{.spec.ports[*].name}'`, out: `patched\nonly\z`},
	{does: "patch by JSON patch", line: `kubectl patch service web --type=json -p '[{"op":"test","path":"/spec/ports/0/port","value":80},{"op":"replace","path":"/spec/ports/0/port","value":88}]' && kubectl get service web -o jsonpath='{.spec.ports[0].port}'`, out: `patched\n88\z`},
	{does: "a failed test of a JSON patch", line: `kubectl patch service web --type=json -p '[{"op":"test","path":"/spec/ports/0/port","value":1}]'`, err: `test(ing path /spec/ports/0/port value)? failed|the server rejected our request`, code: 1},
	{does: "patch without change", line: `kubectl patch service web -p '{"spec":{"sessionAffinity":"None"}}'`, out: `patched \(no change\)`},
	{does: "patch the status", line: `kubectl patch service web --subresource=status --type=merge -p '{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.7"}]}},"spec":{"sessionAffinity":"ClientIP"}}'; kubectl get service web -o jsonpath='{.spec.sessionAffinity}'`, out: `None\z`},
	{does: "edit", line: `EDITOR='sed -i s/old/new/' kubectl edit configmap c && kubectl get configmap c -o jsonpath='{.data.a}'`, out: `configmap/c edited\nnew\z`},
	{does: "edit without change", line: `EDITOR=true kubectl edit configmap c`, err: `^Edit cancelled, no changes made\.$`},
	{does: "edit that is not valid comes back", line: `cp testdata/edit-twice.sh $DIR/editor; EDITOR="sh $DIR/editor" kubectl edit service web; code=$?; cat $DIR/second; exit $code`,
		out: `^# services "web" was not valid:\n# \* spec\.ports\[0\]\.port: Invalid value: 88888: must be between 1 and 65535`, err: `Edit cancelled, no valid changes were saved`, code: 1},
	{does: "set selector", line: `kubectl set selector service web app=other && kubectl get service web -o jsonpath='{.spec.selector}'`, out: `selector updated\n\{"app":"other"\}\z`},
	{does: "set image", line: `kubectl set image pod/web-1 web=web:2 && kubectl get pod web-1 -o jsonpath='{.spec.containers[0].image}'`, out: `image updated\nweb:2\z`},
	{does: "replace", line: `kubectl get configmap c -o json | sed s/new/replaced/ | kubectl replace -f - && kubectl get configmap c -o jsonpath='{.data.a}'`, out: `configmap/c replaced\nreplaced\z`},
	{does: "replace of an old version conflicts", line: `kubectl get configmap c -o json >$DIR/c && kubectl label configmap c x=y >/dev/null && kubectl replace -f $DIR/c`,
		err: `^Error from server \(Conflict\).*Operation cannot be fulfilled on configmaps "c": the object has been modified; please apply your changes to the latest version and try again$`, code: 1},
	{does: "replace by force", line: `kubectl replace --force -f testdata/pods.yaml`, out: `pod "web-1".* deleted.*pod/web-1 replaced`},
	{does: "immutable config map", line: `kubectl patch configmap c --type=merge -p '{"immutable":true}' && kubectl patch configmap c --type=merge -p '{"data":{"a":"b"}}'`,
		out: `patched`, err: `data: Forbidden: field is immutable when .?immutable.? is set`, code: 1},
	{does: "rollout does not apply", line: `kubectl create -f testdata/rc.yaml && kubectl rollout history rc/web`, err: `no history viewer has been implemented for "ReplicationController"`, code: 1},
}

var dryRunRows = []row{
	{does: "client dry run prints and sends nothing", line: `kubectl create service nodeport np --tcp=80 --dry-run=client -o yaml; kubectl get service np`, out: `kind: Service`, err: `NotFound`, code: 1},
	{does: "server dry run fills in and keeps nothing", line: `kubectl create service clusterip ci --tcp=80 --dry-run=server -o jsonpath='{.spec.sessionAffinity} {.metadata.uid}'; kubectl get service ci`, out: `\ANone [0-9a-f-]{36}`, err: `NotFound`, code: 1},
	{does: "server dry run validates", line: `kubectl create service clusterip Bad_Name --tcp=80 --dry-run=server`, err: `Invalid value: "Bad_Name"`, code: 1},
	{does: "server dry run of apply", line: `kubectl apply -f testdata/web.yaml --dry-run=server`, out: `service/web created \(server dry run\)`},
	{does: "server dry run of delete", line: `kubectl create configmap c && kubectl delete configmap c --dry-run=server && kubectl get configmap c -o name`, out: `deleted.*\(server dry run\)\nconfigmap/c`},
}

const hasServiceAccount = `until kubectl get serviceaccount default >/dev/null 2>&1; do sleep 0.1; done; `

var runRows = []row{
	{does: "run", line: hasServiceAccount + `kubectl run web --image=web:1 --port=8080 --labels=app=web --env=A=b && kubectl get pod web -o jsonpath='{.spec.restartPolicy} {.spec.serviceAccountName} {.spec.containers[0].terminationMessagePath}'`, out: `pod/web created\nAlways default /dev/termination-log\z`},
	{does: "expose pod", line: `kubectl expose pod web --name=front --port=80 --target-port=8080 && kubectl get service front -o jsonpath='{.spec.selector} {.spec.ports[0].targetPort}'`, out: `service/front exposed\n\{"app":"web"\} 8080\z`},
	{does: "expose replication controller", line: `kubectl create -f testdata/rc.yaml && kubectl expose rc web --type=NodePort --port=80 && kubectl get service web`, out: `service/web exposed.*^web +NodePort .* 80:3\d{4}/TCP`},
	{does: "run prints what it would make", line: `kubectl run other --image=web:1 --dry-run=client -o yaml`, out: `^kind: Pod$`},
	{does: "get all shows what was made", line: `kubectl get all`, out: `^pod/web .*^replicationcontroller/web +1 +.*^service/front .*^service/web `},
}

var scaleRows = []row{
	{does: "make a replication controller", line: `kubectl create -f testdata/rc.yaml`, out: `replicationcontroller/web created`},
	{does: "get rc", line: `kubectl get rc -o wide`, out: `^NAME +DESIRED +CURRENT +READY +AGE +CONTAINERS +IMAGES +SELECTOR\nweb +1 +\d +\d +\w+ +web +web:1 +app=web$`},
	{does: "scale", line: `kubectl scale rc web --replicas=3 && kubectl get rc web -o jsonpath='{.spec.replicas}'`, out: `replicationcontroller/web scaled\n3\z`},
	{does: "scale if it is what one thinks", line: `kubectl scale rc web --current-replicas=1 --replicas=5`, err: `[Ee]xpected replicas to be 1,? was 3`, code: 1},
	{does: "scale by the subresource", line: `kubectl get --raw /api/v1/namespaces/$NS/replicationcontrollers/web/scale`, out: `"kind":"Scale","apiVersion":"autoscaling/v1".*"replicas":3.*"selector":"app=web"`},
	{does: "scale below nothing", line: `kubectl patch rc web --subresource=scale --type=merge -p '{"spec":{"replicas":-1}}'`, err: `must be greater than or equal to 0`, code: 1, since: 30},
	{does: "a negative number of replicas", line: `kubectl patch rc web -p '{"spec":{"replicas":-1}}'`, err: `spec\.replicas: Invalid value: -1: must be greater than or equal to 0`, code: 1},
}

var waitRows = []row{
	{does: "make a pod to wait for", line: `kubectl create -f testdata/pods.yaml`, out: `created`},
	{does: "wait for a condition", line: `kubectl wait --for=condition=Ready pod/web-1 --timeout=60s & w=$!
		kubectl patch pod web-1 --subresource=status --type=merge -p '{"status":{"conditions":[{"type":"Ready","status":"True"}]}}' && wait $w`, out: `pod/web-1 condition met`},
	{does: "wait for a value", line: `kubectl wait --for=jsonpath='{.status.phase}'=Pending pod/web-1 --timeout=60s`, out: `condition met`},
	{does: "wait ends when time is over", line: `kubectl wait --for=condition=Ready pod/web-2 --timeout=1s`, err: `timed out waiting for the condition on pods/web-2`, code: 1},
	{does: "wait for the end", line: `kubectl wait --for=delete pod/web-2 --timeout=60s & w=$!; kubectl delete pod web-2 --now && wait $w`, out: `pod "?/?web-2"?.*(deleted|condition met)`},
	{does: "make an event", line: `sed "s/UID/$(kubectl get pod web-1 -o jsonpath='{.metadata.uid}')/" | kubectl create -f -`, in: `{"apiVersion":"v1","kind":"Event","metadata":{"name":"web-1.1"},"type":"Warning","reason":"Tested","message":"an event of a test","source":{"component":"conformance"},
		"involvedObject":{"apiVersion":"v1","kind":"Pod","name":"web-1","namespace":"$NS","uid":"UID"},"firstTimestamp":"2026-01-01T00:00:00Z","lastTimestamp":"2026-01-01T00:00:00Z","count":2}`, out: `event/web-1\.1 created`},
	{does: "events", line: `kubectl events`, out: `LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n.*Warning +Tested +Pod/web-1 +an event of a test`},
	{does: "events of an object", line: `kubectl events --for pod/web-1 --types=Warning`, out: `Tested`},
	{does: "get events", line: `kubectl get events --field-selector involvedObject.name=web-1,type=Warning -o wide`, out: `LAST SEEN +TYPE +REASON +OBJECT +SUBOBJECT +SOURCE +MESSAGE +FIRST SEEN +COUNT +NAME\n.*Warning +Tested +pod/web-1 +conformance +an event of a test .* 2 +web-1\.1`},
	{does: "events are in the other group too", line: `kubectl get events.events.k8s.io web-1.1 -o jsonpath='{.regarding.name} {.note} {.deprecatedCount}'`, out: `\Aweb-1 an event of a test 2\z`},
	{does: "describe shows events", line: `kubectl describe pod web-1`, out: `^Events:.*Warning +Tested .*an event of a test`},
}
