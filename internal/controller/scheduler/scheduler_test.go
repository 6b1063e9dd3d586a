package scheduler

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller/controllertest"
)

// node is one of 4 CPUs in a zone, changed by what the case says.
func node(name, zone string, change ...func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"zone": zone, "host": name}}}
	n.Status.Allocatable = corev1.ResourceList{"cpu": resource.MustParse("4"), "memory": resource.MustParse("8Gi"), "pods": resource.MustParse("3")}
	for _, c := range change {
		c(n)
	}
	return n
}

func pod(name string, change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name), Labels: map[string]string{"app": "web"}}}
	p.Spec = corev1.PodSpec{SchedulerName: "default-scheduler", Containers: []corev1.Container{{Name: "c"}}}
	for _, c := range change {
		c(p)
	}
	return p
}

func on(name string) func(*corev1.Pod) { return func(p *corev1.Pod) { p.Spec.NodeName = name } }

func needs(cpu string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{"cpu": resource.MustParse(cpu)}
	}
}

func labelled(key, value string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Labels = map[string]string{key: value} }
}

func tainted(effect corev1.TaintEffect) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Spec.Taints = []corev1.Taint{{Key: "k", Value: "v", Effect: effect}} }
}

func port(ip string, number int32) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Containers[0].Ports = []corev1.ContainerPort{{HostIP: ip, HostPort: number, ContainerPort: number}}
	}
}

// initially has the containers be init containers.
func initially(policy corev1.ContainerRestartPolicy) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.InitContainers, p.Spec.Containers = p.Spec.Containers, nil
		if policy != "" {
			p.Spec.InitContainers[0].RestartPolicy = &policy
		}
	}
}

var web = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}

func spread(key string, when corev1.UnsatisfiableConstraintAction) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{MaxSkew: 1, TopologyKey: key, WhenUnsatisfiable: when, LabelSelector: web}}
	}
}

func apart(p *corev1.Pod) {
	p.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{TopologyKey: "host", LabelSelector: web}}}}
}

func together(p *corev1.Pod) {
	p.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{TopologyKey: "zone", LabelSelector: web}}}}
}

func zoned(weight int32, zone string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		term := corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "zone", Operator: "In", Values: []string{zone}}}}
		affinity := &corev1.NodeAffinity{}
		if weight > 0 {
			affinity.PreferredDuringSchedulingIgnoredDuringExecution = []corev1.PreferredSchedulingTerm{{Weight: weight, Preference: term}}
		} else {
			affinity.RequiredDuringSchedulingIgnoredDuringExecution = &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{term}}
		}
		p.Spec.Affinity = &corev1.Affinity{NodeAffinity: affinity}
	}
}

func owned(p *corev1.Pod) {
	p.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "web", UID: "web", Controller: ptr.To(true)}}
}

// TestPlacement asks for one pod at a time: where it goes, or why nowhere.
func TestPlacement(t *testing.T) {
	three := []*corev1.Node{node("a", "1"), node("b", "1"), node("c", "2")}
	other := labelled("app", "db")
	for _, c := range []struct {
		name     string
		nodes    []*corev1.Node
		there    []*corev1.Pod
		seeker   *corev1.Pod
		services []labels.Selector
		want     string
	}{
		{"no node", nil, nil, pod("p"), nil, "no nodes available to schedule pods"},
		{"all alike", three, nil, pod("p"), nil, "a"},
		{"cordoned", []*corev1.Node{node("a", "1", func(n *corev1.Node) { n.Spec.Unschedulable = true })}, nil, pod("p"), nil,
			"0/1 nodes are available: 1 node(s) were unschedulable."},
		{"taint", []*corev1.Node{node("a", "1", tainted("NoSchedule")), node("b", "1", tainted("NoExecute"))}, nil, pod("p"), nil,
			"0/2 nodes are available: 2 node(s) had untolerated taint {k: v}."},
		{"toleration", []*corev1.Node{node("a", "1", tainted("NoSchedule"))}, nil,
			pod("p", func(p *corev1.Pod) { p.Spec.Tolerations = []corev1.Toleration{{Key: "k", Operator: "Exists"}} }), nil, "a"},
		{"taint that would rather not", []*corev1.Node{node("a", "1", tainted("PreferNoSchedule")), node("b", "1")}, nil, pod("p"), nil, "b"},
		{"node selector", three, nil, pod("p", func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"host": "b"} }), nil, "b"},
		{"node selector that finds none", three, nil, pod("p", func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"host": "z"} }), nil,
			"0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."},
		{"required affinity", three, nil, pod("p", zoned(0, "2")), nil, "c"},
		{"preferred affinity", three, nil, pod("p", zoned(5, "2")), nil, "c"},
		{"full", []*corev1.Node{node("a", "1"), node("b", "1")}, []*corev1.Pod{pod("x", on("a"), needs("3500m"))}, pod("p", needs("1")), nil, "b"},
		{"too great", []*corev1.Node{node("a", "1")}, []*corev1.Pod{pod("x", on("a"), needs("3500m"))}, pod("p", needs("1")), nil,
			"0/1 nodes are available: 1 Insufficient cpu."},
		{"what has ended takes nothing", []*corev1.Node{node("a", "1")},
			[]*corev1.Pod{pod("x", on("a"), needs("4"), func(p *corev1.Pod) { p.Status.Phase = "Succeeded" })}, pod("p", needs("4")), nil, "a"},
		{"too many", []*corev1.Node{node("a", "1")}, []*corev1.Pod{pod("x", on("a")), pod("y", on("a")), pod("z", on("a"))}, pod("p"), nil,
			"0/1 nodes are available: 1 Too many pods."},
		{"what no node has", three, nil, pod("p", func(p *corev1.Pod) {
			p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{"example.com/gpu": resource.MustParse("1")}
		}), nil, "0/3 nodes are available: 3 Insufficient example.com/gpu."},
		{"host port", three[:1], []*corev1.Pod{pod("x", on("a"), port("127.0.0.1", 80))}, pod("p", port("", 80)), nil,
			"0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."},
		{"host port of a container that ends", three[:1], []*corev1.Pod{pod("x", on("a"), port("", 80), initially(""))}, pod("p", port("", 80)), nil, "a"},
		{"host port of a side-car", three[:1], []*corev1.Pod{pod("x", on("a"), port("", 80), initially(corev1.ContainerRestartPolicyAlways))}, pod("p", port("", 80)), nil,
			"0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."},
		{"host port of another protocol", three[:1], []*corev1.Pod{pod("x", on("a"), port("", 80))}, pod("p", port("", 80), func(p *corev1.Pod) {
			p.Spec.Containers[0].Ports[0].Protocol = corev1.ProtocolUDP
		}), nil, "a"},
		{"host port of another address", three[:1], []*corev1.Pod{pod("x", on("a"), port("127.0.0.1", 80))}, pod("p", port("127.0.0.2", 80)), nil, "a"},
		{"spread that must be", three, []*corev1.Pod{pod("x", on("a"))}, pod("p", spread("zone", "DoNotSchedule")), nil, "c"},
		{"spread over full domains", []*corev1.Node{node("a", "1"), node("c", "2", tainted("NoSchedule"))}, []*corev1.Pod{pod("x", on("a"))},
			pod("p", spread("zone", "DoNotSchedule")), nil,
			"0/2 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 node(s) had untolerated taint {k: v}."},
		{"spread by a label that is missing", three[:1], nil, pod("p", spread("rack", "DoNotSchedule")), nil,
			"0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label)."},
		{"spread if possible", three, []*corev1.Pod{pod("x", on("a"))}, pod("p", spread("zone", "ScheduleAnyway")), nil, "c"},
		{"spread of others does not count", three[:1], []*corev1.Pod{pod("x", on("a"), other)}, pod("p", spread("zone", "DoNotSchedule")), nil, "a"},
		{"apart", three, []*corev1.Pod{pod("x", on("a"))}, pod("p", apart), nil, "b"},
		{"apart from all", three[:1], []*corev1.Pod{pod("x", on("a"))}, pod("p", apart), nil,
			"0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules."},
		{"others want to be apart", three[:1], []*corev1.Pod{pod("x", on("a"), apart)}, pod("p"), nil,
			"0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules."},
		{"together", three, []*corev1.Pod{pod("x", on("c"))}, pod("p", together), nil, "c"},
		{"the first to be together", three, nil, pod("p", together), nil, "a"},
		{"together with nobody", three, nil, pod("p", together, other), nil, "0/3 nodes are available: 3 node(s) didn't match pod affinity rules."},
		{"apart from the owner's others", three, []*corev1.Pod{pod("x", on("a"), owned, needs("0")), pod("y", on("b"), other, needs("1"))}, pod("p", owned), nil, "c"},
		{"apart from the service's others", three[:2], []*corev1.Pod{pod("x", on("a"), needs("10m")), pod("y", on("b"), other, needs("2"))}, pod("p"),
			[]labels.Selector{labels.SelectorFromSet(web.MatchLabels)}, "b"},
		{"where most is left", three[:2], []*corev1.Pod{pod("x", on("a"), other, needs("2"))}, pod("p", needs("1")), nil, "b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBook()
			for _, n := range c.nodes {
				b.putNode(n)
			}
			for _, p := range c.there {
				b.putPod(p)
			}
			got, misfits := b.place(c.seeker, c.services)
			if misfits != nil {
				got = misfits.String()
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("place (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPodsAreTriedAgain schedules through the API: a pod waits, is told why,
// and is bound when there is room.
func TestPodsAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := controllertest.NewClient(node("a", "1"), pod("x", on("a"), needs("4")), pod("p", needs("1")),
			pod("gated", func(p *corev1.Pod) { p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "g"}} }),
			pod("foreign", func(p *corev1.Pod) { p.Spec.SchedulerName = "other" }))
		var bound []string
		client.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
			if action.GetSubresource() != "binding" {
				return false, nil, nil
			}
			b := action.(clienttesting.CreateAction).GetObject().(*corev1.Binding)
			bound = append(bound, b.Name+" to "+b.Target.Name)
			return true, b, nil
		})
		controllertest.Run(t, client, func(ctx context.Context) {
			p, err := client.CoreV1().Pods("default").Get(ctx, "p", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if text := fmt.Sprint(p.Status.Conditions); !strings.Contains(text, "Insufficient cpu") {
				t.Errorf("conditions are %s, want what is short", text)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if len(bound) > 0 {
				t.Errorf("bound %v though there is no room", bound)
			}
			if err := client.CoreV1().Pods("default").Delete(ctx, "x", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(maxPause)
			synctest.Wait()
			if diff := cmp.Diff([]string{"p to a"}, bound); diff != "" {
				t.Errorf("bindings (-want +got):\n%s", diff)
			}
		}, New)
	})
}
