"""Lists, watches, creates, patches and deletes with the Kubernetes client for
Python, by the kubeconfig in KUBECONFIG, in the namespace that is the argument.
Prints one line for each thing done."""
import sys

from kubernetes import client, config, watch

namespace = sys.argv[1]
config.load_kube_config()
v1 = client.CoreV1Api()

# As the documents show it.
print("Listing pods with their IPs:")
ret = v1.list_pod_for_all_namespaces(watch=False)
for i in ret.items:
    if i.metadata.namespace == namespace:
        print("%s\t%s\t%s" % (i.status.pod_ip, i.metadata.namespace, i.metadata.name))

made = v1.create_namespaced_config_map(namespace, {"metadata": {"name": "c"}, "data": {"k": "1"}})
print("created", made.metadata.name, made.data["k"])
made = v1.patch_namespaced_config_map("c", namespace, {"data": {"k": "2"}})
print("patched", made.data["k"])
made.data["k"] = "3"
made = v1.replace_namespaced_config_map("c", namespace, made)
print("replaced", made.data["k"])

w = watch.Watch()
for event in w.stream(v1.list_namespaced_config_map, namespace, field_selector="metadata.name=c", timeout_seconds=60):
    print("event", event["type"], event["object"].data["k"])
    if event["type"] == "DELETED":
        w.stop()
    else:
        v1.delete_namespaced_config_map("c", namespace)

try:
    v1.read_namespaced_config_map("c", namespace)
except client.ApiException as e:
    print("read", e.status, e.reason)

try:
    v1.create_namespaced_service(namespace, {"metadata": {"name": "Bad"}, "spec": {"ports": [{"port": 0}]}})
except client.ApiException as e:
    print("refused", e.status)

service = v1.create_namespaced_service(namespace, client.V1Service(
    metadata=client.V1ObjectMeta(name="web"),
    spec=client.V1ServiceSpec(selector={"app": "web"}, ports=[client.V1ServicePort(port=80)])))
print("service", service.spec.type, service.spec.cluster_ip.startswith("10.96."))

review = client.AuthorizationV1Api().create_self_subject_access_review(
    {"spec": {"resourceAttributes": {"verb": "get", "resource": "services", "subresource": "proxy"}}})
print("allowed", review.status.allowed)
