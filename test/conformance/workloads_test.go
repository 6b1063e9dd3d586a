package conformance

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// workloadRows is what a person does with a deployment from its creation to its
// end, while somebody runs the pods.
var workloadRows = []row{
	{does: "create a deployment", line: `kubectl create deployment web --image=web:1 --replicas=3`, out: `deployment.apps/web created`},
	{does: "wait for it", line: `kubectl rollout status deployment/web --timeout=80s`, out: `deployment "web" successfully rolled out`},
	{does: "get deployments", line: `kubectl get deploy -o wide`, out: `^NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS +IMAGES +SELECTOR\nweb +3/3 +3 +3 +\w+ +web +web:1 +app=web$`},
	{does: "get replica sets", line: `kubectl get rs -o wide`, out: `^NAME +DESIRED +CURRENT +READY +AGE +CONTAINERS +IMAGES +SELECTOR\nweb-\w+ +3 +3 +3 +\w+ +web +web:1 +app=web,pod-template-hash=\w+$`},
	{does: "describe", line: `kubectl describe deployment web`, out: `^Replicas: +3 desired \| 3 updated \| 3 total \| 3 available \| 0 unavailable$.*Available +True +MinimumReplicasAvailable.*NewReplicaSet: +web-\w+ \(3/3 replicas created\)`},
	{does: "everything", line: `kubectl get all`, out: `^pod/web-.*^deployment.apps/web.*^replicaset.apps/web-`},
	{does: "scale", line: `kubectl scale deployment web --replicas=2 && kubectl rollout status deployment/web --timeout=80s && kubectl wait deployment web --for=jsonpath='{.status.replicas}'=2 --timeout=80s`, out: `deployment.apps/web scaled\n.*web condition met\n?\z`},
	{does: "scale by the subresource", line: `kubectl get --raw /apis/apps/v1/namespaces/$NS/deployments/web/scale`, out: `"kind":"Scale","apiVersion":"autoscaling/v1".*"replicas":2.*"selector":"app=web"`},
	{does: "another image", line: `kubectl set image deployment/web web=web:2 && kubectl rollout status deployment/web --timeout=80s`, out: `image updated\n.*successfully rolled out`},
	{does: "the pods are new", line: `kubectl wait pod --for=delete -l app=web,pod-template-hash=$(kubectl get rs -o jsonpath='{.items[?(@.spec.replicas==0)].metadata.labels.pod-template-hash}') --timeout=80s; kubectl get pods -l app=web -o jsonpath='{.items[*].spec.containers[0].image}'`, out: `web:2 web:2\z`},
	{does: "history", line: `kubectl rollout history deployment/web`, out: `^REVISION +CHANGE-CAUSE\n1 .*\n2 `},
	{does: "back again", line: `kubectl rollout undo deployment/web && kubectl rollout status deployment/web --timeout=80s && kubectl get deployment web -o jsonpath='{.spec.template.spec.containers[0].image}'`, out: `rolled back\n.*web:1\z`},
	{does: "it is revision 3", line: `kubectl rollout history deployment/web`, out: `^REVISION +CHANGE-CAUSE\n2 .*\n3 `, not: `^1 `},
	{does: "pause", line: `kubectl rollout pause deployment/web && kubectl set image deployment/web web=web:3 && until kubectl get deployment web -o jsonpath='{.status.conditions[?(@.type=="Progressing")].reason}' | grep DeploymentPaused; do sleep 0.2; done; kubectl get rs -o jsonpath='{.items[*].spec.template.spec.containers[0].image}'`, out: `paused`, not: `web:3`},
	{does: "resume", line: `kubectl rollout resume deployment/web && kubectl rollout status deployment/web --timeout=80s && kubectl get deployment web -o jsonpath='{.status.updatedReplicas}'`, out: `resumed\n.*2\z`},
	{does: "restart", line: `kubectl rollout restart deployment/web && kubectl rollout status deployment/web --timeout=80s`, out: `restarted\n.*successfully rolled out`},
	{does: "the selector is for ever", line: `kubectl patch deployment web -p '{"spec":{"selector":{"matchLabels":{"a":"b"}}}}'`, err: `spec\.selector: Invalid value: .*field is immutable`, code: 1},
	{does: "only its own pods are left", line: `until test "$(kubectl get pods -l app=web -o name | wc -l)" = 2; do sleep 0.2; done`},
	{does: "take a pod out of service", line: `kubectl label --overwrite $(kubectl get pod -l app=web -o name | head -1) app=debug && until test -z "$(kubectl get pod -l app=debug -o jsonpath='{.items[*].metadata.ownerReferences}')"; do sleep 0.2; done; kubectl get pod -l app=debug -o name`, out: `labeled\npod/web-\S+\n\z`},
	{does: "another takes its place", line: `until test "$(kubectl get pods -l app=web -o name | wc -l)" = 2; do sleep 0.2; done; kubectl rollout status deployment/web --timeout=80s`, out: `successfully rolled out`},
	{does: "delete", line: `kubectl delete deployment web && until kubectl get rs,pods -l app=web 2>&1 | grep 'No resources found'; do sleep 0.2; done`, out: `deleted.*No resources found`},
}

// TestWorkloads tells the story of a deployment with the oldest kubectl that is
// there and with the newest; they differ in nothing that lies between.
func TestWorkloads(t *testing.T) {
	node := runNode(t, "workloads", corev1.ResourceList{})
	found, _ := findKubectls(t)
	if len(found) > 2 {
		found = []kubectl{found[1], found[len(found)-1]} // the first is the embedded one
	}
	for _, k := range found {
		t.Run(k.name, func(t *testing.T) {
			d := newDesk(t, k.bin(t), t.TempDir())
			node.runs(d.namespace)
			story{"workloads", workloadRows}.tell(t, k, d)
		})
	}
}

func TestPodsWaitForANodeThatCanTakeThem(t *testing.T) {
	ns := shared.Namespace(t)
	pods := shared.Client.CoreV1().Pods(ns)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "big"}, Spec: corev1.PodSpec{
		NodeSelector: map[string]string{"kubernetes.io/hostname": "late"},
		Containers: []corev1.Container{{Name: "c", Image: "c:1", Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2")}}}},
	}}
	pod, err := pods.Create(t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(pod.Spec.Tolerations); n != 2 {
		t.Errorf("the pod has %d tolerations, want those of nodes that do not answer: %v", n, pod.Spec.Tolerations)
	}
	scheduled := func(status corev1.ConditionStatus) {
		t.Helper()
		eventually(t, "PodScheduled="+string(status), func() bool {
			pod, err := pods.Get(t.Context(), "big", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range pod.Status.Conditions {
				if c.Type == corev1.PodScheduled && c.Status == status {
					return status == corev1.ConditionTrue || c.Reason == corev1.PodReasonUnschedulable
				}
			}
			return false
		})
	}
	scheduled(corev1.ConditionFalse)
	eventually(t, "an event FailedScheduling", func() bool {
		events, err := shared.Client.CoreV1().Events(ns).List(t.Context(), metav1.ListOptions{FieldSelector: "reason=FailedScheduling"})
		return err == nil && len(events.Items) > 0 && events.Items[0].Source.Component == "default-scheduler"
	})
	runNode(t, "late", corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourcePods: resource.MustParse("10")})
	scheduled(corev1.ConditionTrue)
	eventually(t, "a range of pod addresses", func() bool {
		node, err := shared.Client.CoreV1().Nodes().Get(t.Context(), "late", metav1.GetOptions{})
		return err == nil && node.Spec.PodCIDR != ""
	})
}

// testNode is a node whose pods say that they run without anything running.
type testNode struct {
	t    *testing.T
	name string
}

// runNode registers a node that is ready until the test ends.
func runNode(t *testing.T, name string, resources corev1.ResourceList) *testNode {
	t.Helper()
	nodes := shared.Client.CoreV1().Nodes()
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"kubernetes.io/hostname": name}},
		Status:     corev1.NodeStatus{Capacity: resources, Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}},
	}
	if _, err := nodes.Create(t.Context(), node, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deleteLater(t, nodes, name) })
	n := &testNode{t, name}
	n.every(func(ctx context.Context) {
		beat, _ := json.Marshal(map[string]any{"status": map[string]any{"conditions": []corev1.NodeCondition{{
			Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastHeartbeatTime: metav1.Now()}}}})
		_, err := nodes.Patch(ctx, name, types.StrategicMergePatchType, beat, metav1.PatchOptions{}, "status")
		n.note(ctx, err)
	})
	return n
}

// every does something from time to time until the test ends.
func (n *testNode) every(do func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			do(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	n.t.Cleanup(func() { cancel(); <-done })
}

// note reports what should not have failed.
func (n *testNode) note(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		n.t.Errorf("node %s: %v", n.name, err)
	}
}

// runs has the pods of a namespace that are bound to the node run, and end when
// they are asked to.
func (n *testNode) runs(namespace string) {
	pods := shared.Client.CoreV1().Pods(namespace)
	n.every(func(ctx context.Context) {
		list, err := pods.List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + n.name})
		n.note(ctx, err)
		if err != nil {
			return
		}
		for i := range list.Items {
			pod := &list.Items[i]
			if pod.DeletionTimestamp != nil {
				n.note(ctx, pods.Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: ptr.To(int64(0))}))
				continue
			}
			if pod.Status.Phase == corev1.PodRunning {
				continue
			}
			pod.Status.Phase = corev1.PodRunning
			pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()})
			_, err := pods.UpdateStatus(ctx, pod, metav1.UpdateOptions{})
			n.note(ctx, err)
		}
	})
}
