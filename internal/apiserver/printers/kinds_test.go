package printers_test

import (
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
)

func TestNodes(t *testing.T) {
	node := func(status corev1.ConditionStatus) corev1.Node {
		return corev1.Node{ObjectMeta: born("n"), Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: status}}}}
	}
	looks(t, in("", "nodes"), func() runtime.Object {
		full := node(corev1.ConditionTrue)
		full.Labels = map[string]string{"node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/edge": "", "kubernetes.io/role": "db"}
		full.Spec.Unschedulable = true
		full.Status.Addresses = []corev1.NodeAddress{{Type: "Hostname", Address: "n"}, {Type: "InternalIP", Address: "10.0.0.1"}, {Type: "ExternalIP", Address: "192.0.2.1"}}
		full.Status.NodeInfo = corev1.NodeSystemInfo{KubeletVersion: "v1.37.2", OSImage: "Debian", KernelVersion: "6.12", ContainerRuntimeVersion: "own://1"}
		return &corev1.NodeList{Items: []corev1.Node{full, node(corev1.ConditionFalse), node(corev1.ConditionUnknown), {ObjectMeta: born("m")}}}
	},
		"NAME | STATUS | ROLES | AGE | VERSION | [INTERNAL-IP] | [EXTERNAL-IP] | [OS-IMAGE] | [KERNEL-VERSION] | [CONTAINER-RUNTIME]",
		"n | Ready,SchedulingDisabled | db,edge,worker | 60m | v1.37.2 | 10.0.0.1 | 192.0.2.1 | Debian | 6.12 | own://1",
		"n | NotReady | <none> | 60m |  | <none> | <none> | <unknown> | <unknown> | <unknown>",
		"n | NotReady | <none> | 60m |  | <none> | <none> | <unknown> | <unknown> | <unknown>",
		"m | Unknown | <none> | 60m |  | <none> | <none> | <unknown> | <unknown> | <unknown>")
}

func TestServices(t *testing.T) {
	service := func(name string, spec corev1.ServiceSpec, ingress ...corev1.LoadBalancerIngress) corev1.Service {
		return corev1.Service{ObjectMeta: born(name), Spec: spec, Status: corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: ingress}}}
	}
	http := []corev1.ServicePort{{Port: 80, NodePort: 30080, Protocol: "TCP"}, {Port: 53, Protocol: "UDP"}}
	looks(t, in("", "services"), func() runtime.Object {
		return &corev1.ServiceList{Items: []corev1.Service{
			service("a", corev1.ServiceSpec{Type: "ClusterIP", ClusterIP: "10.96.0.1", ClusterIPs: []string{"10.96.0.1", "fd00::1"}, Selector: map[string]string{"b": "2", "a": "1"}}),
			service("b", corev1.ServiceSpec{Type: "ClusterIP", ClusterIP: "None"}),
			service("c", corev1.ServiceSpec{Type: "NodePort", ClusterIP: "10.96.0.2", ExternalIPs: []string{"192.0.2.1"}, Ports: http}),
			service("d", corev1.ServiceSpec{Type: "LoadBalancer", ClusterIP: "10.96.0.3", Ports: http}),
			service("e", corev1.ServiceSpec{Type: "LoadBalancer", ClusterIP: "10.96.0.4", ExternalIPs: []string{"192.0.2.9"}},
				corev1.LoadBalancerIngress{IP: "192.0.2.3"}, corev1.LoadBalancerIngress{Hostname: "lb"}, corev1.LoadBalancerIngress{IP: "192.0.2.2"}),
			service("f", corev1.ServiceSpec{Type: "ExternalName", ExternalName: "db.example.org"}),
		}}
	},
		"NAME | TYPE | CLUSTER-IP | EXTERNAL-IP | PORT(S) | AGE | [SELECTOR]",
		"a | ClusterIP | 10.96.0.1 | <none> | <none> | 60m | a=1,b=2",
		"b | ClusterIP | None | <none> | <none> | 60m | <none>",
		"c | NodePort | 10.96.0.2 | 192.0.2.1 | 80:30080/TCP,53/UDP | 60m | <none>",
		"d | LoadBalancer | 10.96.0.3 | <pending> | 80:30080/TCP,53/UDP | 60m | <none>",
		"e | LoadBalancer | 10.96.0.4 | 192.0.2.2,192.0.2.3,lb,192.0.2.9 | <none> | 60m | <none>",
		"f | ExternalName | <none> | db.example.org | <none> | 60m | <none>")
}

func TestEndpoints(t *testing.T) {
	addresses := []corev1.EndpointAddress{{IP: "10.0.0.1"}, {IP: "fd00::2"}}
	looks(t, in("", "endpoints"), func() runtime.Object {
		return &corev1.EndpointsList{Items: []corev1.Endpoints{
			{ObjectMeta: born("a")},
			{ObjectMeta: born("b"), Subsets: []corev1.EndpointSubset{{Addresses: addresses}}},
			{ObjectMeta: born("c"), Subsets: []corev1.EndpointSubset{{Addresses: addresses, Ports: []corev1.EndpointPort{{Port: 80}, {Port: 443}}}}},
			{ObjectMeta: born("d"), Subsets: []corev1.EndpointSubset{{NotReadyAddresses: addresses, Ports: []corev1.EndpointPort{{Port: 80}}}}},
		}}
	},
		"NAME | ENDPOINTS | AGE",
		"a | <none> | 60m",
		"b | 10.0.0.1,fd00::2 | 60m",
		"c | 10.0.0.1:80,[fd00::2]:80,10.0.0.1:443 + 1 more... | 60m",
		"d |  | 60m")
}

func TestEndpointSlices(t *testing.T) {
	looks(t, in("discovery.k8s.io", "endpointslices"), func() runtime.Object {
		return &discoveryv1.EndpointSliceList{Items: []discoveryv1.EndpointSlice{
			{ObjectMeta: born("a"), AddressType: "IPv4"},
			{ObjectMeta: born("b"), AddressType: "IPv4",
				Ports: []discoveryv1.EndpointPort{{Port: ptr.To[int32](80)}, {Name: ptr.To("dns")}, {}, {Port: ptr.To[int32](1)}, {Port: ptr.To[int32](2)}},
				Endpoints: []discoveryv1.Endpoint{
					{Addresses: []string{"10.0.0.1", "10.0.0.2"}}, {Addresses: []string{"10.0.0.3"}}, {Addresses: []string{"10.0.0.4"}},
				}},
		}}
	},
		"NAME | ADDRESSTYPE | PORTS | ENDPOINTS | AGE",
		"a | IPv4 | <unset> | <unset> | 60m",
		"b | IPv4 | 80,dns,* + 2 more... | 10.0.0.1,10.0.0.2,10.0.0.3 + 1 more... | 60m")
}

func TestSmallCoreKinds(t *testing.T) {
	looks(t, in("", "namespaces"), func() runtime.Object {
		return &corev1.Namespace{ObjectMeta: born("a"), Status: corev1.NamespaceStatus{Phase: "Active"}}
	}, "NAME | STATUS | AGE", "a | Active | 60m")
	looks(t, in("", "secrets"), func() runtime.Object {
		return &corev1.Secret{ObjectMeta: born("a"), Type: "Opaque", Data: map[string][]byte{"k": []byte("hidden")}}
	}, "NAME | TYPE | DATA | AGE", "a | Opaque | 1 | 60m")
	looks(t, in("", "configmaps"), func() runtime.Object {
		return &corev1.ConfigMap{ObjectMeta: born("a"), Data: map[string]string{"k": ""}, BinaryData: map[string][]byte{"l": nil}}
	}, "NAME | DATA | AGE", "a | 2 | 60m")
	looks(t, in("", "serviceaccounts"), func() runtime.Object {
		return &corev1.ServiceAccount{ObjectMeta: born("a"), Secrets: []corev1.ObjectReference{{Name: "t"}}}
	}, "NAME | SECRETS | AGE", "a | 1 | 60m")
	looks(t, in("", "limitranges"), func() runtime.Object {
		return &corev1.LimitRange{ObjectMeta: born("a")}
	}, "NAME | CREATED AT", "a | 2000-01-01T00:00:00Z")
	looks(t, in("", "resourcequotas"), func() runtime.Object {
		q := resource.MustParse
		return &corev1.ResourceQuota{ObjectMeta: born("a"), Status: corev1.ResourceQuotaStatus{
			Hard: corev1.ResourceList{"pods": q("10"), "limits.cpu": q("2"), "cpu": q("1")},
			Used: corev1.ResourceList{"pods": q("3"), "limits.cpu": q("500m")},
		}}
	}, "NAME | REQUEST | LIMIT | AGE", "a | cpu: 0/1, pods: 3/10 | limits.cpu: 500m/2 | 60m")
}

func TestReplicationControllersAndTheirScale(t *testing.T) {
	looks(t, in("", "replicationcontrollers"), func() runtime.Object {
		return &corev1.ReplicationController{
			ObjectMeta: born("a"), Status: corev1.ReplicationControllerStatus{Replicas: 2, ReadyReplicas: 1},
			Spec: corev1.ReplicationControllerSpec{Replicas: ptr.To[int32](3), Selector: map[string]string{"a": "b"}, Template: &corev1.PodTemplateSpec{
				Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "x", Image: "i"}, {Name: "y", Image: "j"}}}}},
		}
	},
		"NAME | DESIRED | CURRENT | READY | AGE | [CONTAINERS] | [IMAGES] | [SELECTOR]",
		"a | 3 | 2 | 1 | 60m | x,y | i,j | a=b")
	looks(t, in("", "replicationcontrollers"), func() runtime.Object {
		return &autoscalingv1.Scale{ObjectMeta: born("a"), Spec: autoscalingv1.ScaleSpec{Replicas: 3}, Status: autoscalingv1.ScaleStatus{Replicas: 2}}
	}, "NAME | DESIRED | AVAILABLE | AGE", "a | 3 | 2 | 60m")
}

func TestEvents(t *testing.T) {
	const header = "LAST SEEN | TYPE | REASON | OBJECT | [SUBOBJECT] | [SOURCE] | MESSAGE | [FIRST SEEN] | [COUNT] | [NAME]"
	events := func() runtime.Object {
		now := time.Now()
		at := func(minutes int) metav1.Time { return metav1.NewTime(now.Add(time.Duration(minutes) * time.Minute)) }
		micro := func(minutes int) metav1.MicroTime {
			return metav1.NewMicroTime(now.Add(time.Duration(minutes) * time.Minute))
		}
		pod := corev1.ObjectReference{Kind: "Pod", Name: "p", FieldPath: "spec.containers{a}"}
		return &corev1.EventList{Items: []corev1.Event{
			{ObjectMeta: born("old"), Type: "Normal", Reason: "Pulled", Message: " done\n", InvolvedObject: pod, Count: 3,
				FirstTimestamp: at(10), LastTimestamp: at(50), Source: corev1.EventSource{Component: "kubelet", Host: "n"}},
			{ObjectMeta: born("new"), Type: "Warning", Reason: "Failed", InvolvedObject: corev1.ObjectReference{Kind: "Node"},
				EventTime: micro(20), ReportingController: "own", ReportingInstance: "own-1"},
			{ObjectMeta: born("series"), EventTime: micro(20), ReportingController: "own",
				Series: &corev1.EventSeries{Count: 9, LastObservedTime: micro(59)}},
			{ObjectMeta: born("timeless")},
		}}
	}
	want := []string{header,
		"10m | Normal | Pulled | pod/p | spec.containers{a} | kubelet, n | done | 50m | 3 | old",
		"40m | Warning | Failed | node |  | own, own-1 |  | 40m | 1 | new",
		"60s |  |  |  |  | own |  | 40m | 9 | series",
		"<unknown> |  |  |  |  |  |  | <unknown> | 1 | timeless",
	}
	looks(t, in("", "events"), events, want...)
	looks(t, in("events.k8s.io", "events"), events, want...)
}

func TestRBAC(t *testing.T) {
	const group = "rbac.authorization.k8s.io"
	looks(t, in(group, "roles"), func() runtime.Object { return &rbacv1.Role{ObjectMeta: born("a")} }, "NAME | CREATED AT", "a | 2000-01-01T00:00:00Z")
	looks(t, in(group, "clusterroles"), func() runtime.Object { return &rbacv1.ClusterRole{ObjectMeta: born("a")} }, "NAME | CREATED AT", "a | 2000-01-01T00:00:00Z")
	subjects := []rbacv1.Subject{{Kind: "User", Name: "jane"}, {Kind: "User", Name: "joe"}, {Kind: "Group", Name: "g"}, {Kind: "ServiceAccount", Namespace: "default", Name: "s"}}
	want := []string{"NAME | ROLE | AGE | [USERS] | [GROUPS] | [SERVICEACCOUNTS]", "a | ClusterRole/view | 60m | jane, joe | g | default/s"}
	looks(t, in(group, "rolebindings"), func() runtime.Object {
		return &rbacv1.RoleBinding{ObjectMeta: born("a"), RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: "view"}, Subjects: subjects}
	}, want...)
	looks(t, in(group, "clusterrolebindings"), func() runtime.Object {
		return &rbacv1.ClusterRoleBinding{ObjectMeta: born("a"), RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: "view"}, Subjects: subjects}
	}, want...)
}

func TestLeases(t *testing.T) {
	looks(t, in("coordination.k8s.io", "leases"), func() runtime.Object {
		return &coordinationv1.LeaseList{Items: []coordinationv1.Lease{
			{ObjectMeta: born("a"), Spec: coordinationv1.LeaseSpec{HolderIdentity: ptr.To("n")}}, {ObjectMeta: born("b")},
		}}
	}, "NAME | HOLDER | AGE", "a | n | 60m", "b |  | 60m")
}

func TestIngresses(t *testing.T) {
	host := func(names ...string) (rules []networkingv1.IngressRule) {
		for _, name := range names {
			rules = append(rules, networkingv1.IngressRule{Host: name})
		}
		return rules
	}
	looks(t, in("networking.k8s.io", "ingresses"), func() runtime.Object {
		return &networkingv1.IngressList{Items: []networkingv1.Ingress{
			{ObjectMeta: born("a"), Spec: networkingv1.IngressSpec{Rules: host("")}},
			{ObjectMeta: born("b"), Spec: networkingv1.IngressSpec{IngressClassName: ptr.To("own"), Rules: host("a", "b", "c", "d"), TLS: []networkingv1.IngressTLS{{}}},
				Status: networkingv1.IngressStatus{LoadBalancer: networkingv1.IngressLoadBalancerStatus{Ingress: []networkingv1.IngressLoadBalancerIngress{{IP: "192.0.2.2"}, {IP: "192.0.2.1"}}}}},
		}}
	},
		"NAME | CLASS | HOSTS | ADDRESS | PORTS | AGE",
		"a | <none> | * |  | 80 | 60m",
		"b | own | a,b,c + 1 more... | 192.0.2.1,192.0.2.2 | 80, 443 | 60m")
	looks(t, in("networking.k8s.io", "ingressclasses"), func() runtime.Object {
		return &networkingv1.IngressClassList{Items: []networkingv1.IngressClass{
			{ObjectMeta: born("a"), Spec: networkingv1.IngressClassSpec{Controller: "example.org/own"}},
			{ObjectMeta: born("b"), Spec: networkingv1.IngressClassSpec{Parameters: &networkingv1.IngressClassParametersReference{APIGroup: ptr.To("example.org"), Kind: "Settings", Name: "s"}}},
		}}
	},
		"NAME | CONTROLLER | PARAMETERS | AGE",
		"a | example.org/own | <none> | 60m",
		"b |  | Settings.example.org/s | 60m")
}

func TestCertificateSigningRequests(t *testing.T) {
	request := func(certificate string, conditions ...certificatesv1.RequestConditionType) certificatesv1.CertificateSigningRequest {
		r := certificatesv1.CertificateSigningRequest{ObjectMeta: born("a")}
		r.Status.Certificate = []byte(certificate)
		for _, c := range conditions {
			r.Status.Conditions = append(r.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{Type: c})
		}
		return r
	}
	looks(t, in("certificates.k8s.io", "certificatesigningrequests"), func() runtime.Object {
		full := request("x", "Approved")
		full.Spec = certificatesv1.CertificateSigningRequestSpec{SignerName: "example.org/s", Username: "jane", ExpirationSeconds: ptr.To[int32](86400)}
		return &certificatesv1.CertificateSigningRequestList{Items: []certificatesv1.CertificateSigningRequest{
			full, request(""), request("", "Denied"), request("", "Approved", "Failed"),
		}}
	},
		"NAME | AGE | SIGNERNAME | REQUESTOR | REQUESTEDDURATION | CONDITION",
		"a | 60m | example.org/s | jane | 24h | Approved,Issued",
		"a | 60m | <none> |  | <none> | Pending",
		"a | 60m | <none> |  | <none> | Denied",
		"a | 60m | <none> |  | <none> | Approved,Failed")
}

func TestAdmission(t *testing.T) {
	const group = "admissionregistration.k8s.io"
	looks(t, in(group, "validatingwebhookconfigurations"), func() runtime.Object {
		return &admissionv1.ValidatingWebhookConfiguration{ObjectMeta: born("a"), Webhooks: make([]admissionv1.ValidatingWebhook, 2)}
	}, "NAME | WEBHOOKS | AGE", "a | 2 | 60m")
	looks(t, in(group, "mutatingwebhookconfigurations"), func() runtime.Object {
		return &admissionv1.MutatingWebhookConfiguration{ObjectMeta: born("a"), Webhooks: make([]admissionv1.MutatingWebhook, 1)}
	}, "NAME | WEBHOOKS | AGE", "a | 1 | 60m")
	looks(t, in(group, "validatingadmissionpolicies"), func() runtime.Object {
		return &admissionv1.ValidatingAdmissionPolicyList{Items: []admissionv1.ValidatingAdmissionPolicy{
			{ObjectMeta: born("a"), Spec: admissionv1.ValidatingAdmissionPolicySpec{ParamKind: &admissionv1.ParamKind{APIVersion: "v1", Kind: "ConfigMap"}, Validations: make([]admissionv1.Validation, 3)}},
			{ObjectMeta: born("b")},
		}}
	}, "NAME | VALIDATIONS | PARAMKIND | AGE", "a | 3 | v1/ConfigMap | 60m", "b | 0 | <unset> | 60m")
	looks(t, in(group, "mutatingadmissionpolicies"), func() runtime.Object {
		return &admissionv1.MutatingAdmissionPolicy{ObjectMeta: born("a"), Spec: admissionv1.MutatingAdmissionPolicySpec{Mutations: make([]admissionv1.Mutation, 1)}}
	}, "NAME | MUTATIONS | PARAMKIND | AGE", "a | 1 | <unset> | 60m")
	binding := func(ref *admissionv1.ParamRef) admissionv1.ValidatingAdmissionPolicyBinding {
		return admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: born("a"), Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{PolicyName: "p", ParamRef: ref}}
	}
	looks(t, in(group, "validatingadmissionpolicybindings"), func() runtime.Object {
		return &admissionv1.ValidatingAdmissionPolicyBindingList{Items: []admissionv1.ValidatingAdmissionPolicyBinding{
			binding(nil), binding(&admissionv1.ParamRef{Name: "c", Namespace: "default"}), binding(&admissionv1.ParamRef{Name: "c"}),
			binding(&admissionv1.ParamRef{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}}),
		}}
	}, "NAME | POLICYNAME | PARAMREF | AGE", "a | p | <unset> | 60m", "a | p | default/c | 60m", "a | p | */c | 60m", "a | p | a=b | 60m")
	looks(t, in(group, "mutatingadmissionpolicybindings"), func() runtime.Object {
		return &admissionv1.MutatingAdmissionPolicyBinding{ObjectMeta: born("a"), Spec: admissionv1.MutatingAdmissionPolicyBindingSpec{PolicyName: "p"}}
	}, "NAME | POLICYNAME | PARAMREF | AGE", "a | p | <unset> | 60m")
}
