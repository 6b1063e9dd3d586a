"""Reaches a service, a pod and what is behind a path with the generated proxy
calls of the Kubernetes client for Python, by the kubeconfig in KUBECONFIG.
Prints one line for each thing done."""
from kubernetes import client, config

config.load_kube_config()
v1 = client.CoreV1Api()
namespace = "kube-system"

print("GET", "kubernetes_logging" in v1.connect_get_namespaced_service_proxy("elasticsearch-logging", namespace))
for verb in "get", "post", "put", "patch", "delete", "options":
    call = getattr(v1, "connect_%s_namespaced_service_proxy_with_path" % verb)
    print(verb, "with path", call("echo", namespace, "a/b"))
print("with a parameter", v1.connect_get_namespaced_service_proxy_with_path("elasticsearch-logging", namespace, "_search", path2="p"))
print("named by scheme and port", v1.connect_get_namespaced_service_proxy_with_path("http:echo:80", namespace, "c"))
print("pod", v1.connect_get_namespaced_pod_proxy_with_path("echo", namespace, "d"))
try:
    v1.connect_get_namespaced_service_proxy_with_path("no-such-thing", namespace, "a")
except client.ApiException as e:
    print("absent", e.status)
