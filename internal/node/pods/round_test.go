package pods

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/podrun"
)

// situation is a pod's, in words: NAME=STATE for each container in the order
// of the pod. The kind is the name's first letter: i for init containers, s
// for side-cars, m for ordinary ones, d for debuggers. The state is - if it was
// never made, run, up (it has started up), a number if it has ended so, or
// old:STATE if it was in a sandbox that is lost.
func situation(policy corev1.RestartPolicy, sandbox bool, text string) *worker {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "p", UID: "u"}, Spec: corev1.PodSpec{RestartPolicy: policy}}
	w := &worker{pod: pod, m: &Manager{config: Config{Scheme: "causeway"}}}
	if sandbox {
		w.sandbox = &podrun.Sandbox{ID: "now", Ready: true}
	}
	states := map[string]string{}
	for word := range strings.FieldsSeq(text) {
		name, state, _ := strings.Cut(word, "=")
		states[name] = state
		spec := corev1.Container{Name: name}
		switch name[0] {
		case 's':
			always := corev1.ContainerRestartPolicyAlways
			spec.RestartPolicy = &always
			fallthrough
		case 'i':
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, spec)
		case 'm':
			pod.Spec.Containers = append(pod.Spec.Containers, spec)
		case 'd':
			pod.Spec.EphemeralContainers = append(pod.Spec.EphemeralContainers, corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon(spec)})
		}
	}
	w.kinds()
	for _, c := range w.containers {
		setState(c, states[c.spec.Name])
	}
	return w
}

func setState(c *container, state string) {
	if state == "-" {
		return
	}
	state, old := strings.CutPrefix(state, "old:")
	c.current = &podrun.Container{ID: "id", Sandbox: "now", State: podrun.Running}
	if old {
		c.current.Sandbox = "before"
	}
	switch state {
	case "run":
	case "up":
		c.started, c.ready = true, true
	default:
		c.current.State = podrun.Exited
		fmt.Sscan(state, &c.current.ExitCode)
	}
}

func TestPlan(t *testing.T) {
	const always, onFailure, never = corev1.RestartPolicyAlways, corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever
	for _, test := range []struct {
		policy  corev1.RestartPolicy
		sandbox bool
		is      string
		start   string
		over    bool
		phase   corev1.PodPhase
	}{
		// Beginning.
		{always, true, "m1=- m2=-", "m1 m2", false, corev1.PodPending},
		{always, true, "m1=up m2=-", "m2", false, corev1.PodPending},
		{always, true, "m1=up m2=up", "", false, corev1.PodRunning},
		{always, false, "m1=-", "m1", false, corev1.PodPending},
		// Init containers.
		{always, true, "i1=- i2=- m=-", "i1", false, corev1.PodPending},
		{always, true, "i1=run i2=- m=-", "", false, corev1.PodPending},
		{always, true, "i1=0 i2=- m=-", "i2", false, corev1.PodPending},
		{always, true, "i1=0 i2=1 m=-", "i2", false, corev1.PodPending},
		{onFailure, true, "i1=0 i2=1 m=-", "i2", false, corev1.PodPending},
		{never, true, "i1=0 i2=1 m=-", "", true, corev1.PodPending},
		{always, true, "i1=0 i2=0 m=-", "m", false, corev1.PodPending},
		{always, true, "i1=0 m=up", "", false, corev1.PodRunning},
		// Side-cars.
		{always, true, "s1=- i2=- m=-", "s1", false, corev1.PodPending},
		{always, true, "s1=run i2=- m=-", "", false, corev1.PodPending},
		{always, true, "s1=up i2=- m=-", "i2", false, corev1.PodPending},
		{always, true, "s1=up i2=0 m=-", "m", false, corev1.PodPending},
		{always, true, "s1=1 m=up", "s1", false, corev1.PodRunning},
		{never, true, "s1=0 m=up", "s1", false, corev1.PodRunning},
		{never, true, "s1=up m=0", "", true, corev1.PodRunning},
		{always, true, "s1=1 i2=- m=-", "s1", false, corev1.PodPending},
		// Endings.
		{always, true, "m1=0 m2=up", "m1", false, corev1.PodRunning},
		{onFailure, true, "m1=0 m2=1", "m2", false, corev1.PodRunning},
		{onFailure, true, "m1=0 m2=0", "", true, corev1.PodRunning},
		{never, true, "m1=1 m2=up", "", false, corev1.PodRunning},
		{never, true, "m1=1 m2=0", "", true, corev1.PodRunning},
		// Debuggers run whatever the others do, once.
		{always, true, "i1=run m=- d=-", "d", false, corev1.PodPending},
		{always, true, "m=up d=1", "", false, corev1.PodRunning},
		// The sandbox was lost.
		{always, false, "i1=old:0 m=old:137", "i1", false, corev1.PodRunning},
		{always, true, "i1=old:0 m=old:137", "i1", false, corev1.PodRunning},
		{always, true, "i1=0 m=old:137", "m", false, corev1.PodRunning},
		{onFailure, false, "m1=old:0 m2=old:137", "m2", false, corev1.PodRunning},
		{onFailure, false, "m1=old:0 m2=old:0", "", true, corev1.PodRunning},
		{never, false, "m1=old:137 m2=-", "", true, corev1.PodPending},
	} {
		w := situation(test.policy, test.sandbox, test.is)
		p := w.plan()
		var start []string
		for _, c := range p.start {
			start = append(start, c.spec.Name)
		}
		if got := strings.Join(start, " "); got != test.start || p.over != test.over || w.phase() != test.phase {
			t.Errorf("%s, sandbox %v, %s: start %q, over %v, phase %s; want %q, %v, %s",
				test.policy, test.sandbox, test.is, got, p.over, w.phase(), test.start, test.over, test.phase)
		}
	}
}

func TestRulesOfContainersComeBeforeThePolicyOfThePod(t *testing.T) {
	never, onFailure := corev1.ContainerRestartPolicyNever, corev1.ContainerRestartPolicyOnFailure
	rule := func(op corev1.ContainerRestartRuleOnExitCodesOperator, codes ...int32) []corev1.ContainerRestartRule {
		return []corev1.ContainerRestartRule{{
			Action: corev1.ContainerRestartRuleActionRestart, ExitCodes: &corev1.ContainerRestartRuleOnExitCodes{Operator: op, Values: codes},
		}}
	}
	for _, test := range []struct {
		name   string
		policy *corev1.ContainerRestartPolicy
		rules  []corev1.ContainerRestartRule
		code   int
		want   bool
	}{
		{"the pod's", nil, nil, 0, true},
		{"never", &never, nil, 1, false},
		{"on failure, failed", &onFailure, nil, 1, true},
		{"on failure, done", &onFailure, nil, 0, false},
		{"a code that is listed", &never, rule(corev1.ContainerRestartRuleOnExitCodesOpIn, 4, 5), 5, true},
		{"a code that is not", &never, rule(corev1.ContainerRestartRuleOnExitCodesOpIn, 4, 5), 6, false},
		{"a code that is not listed and need not be", &never, rule(corev1.ContainerRestartRuleOnExitCodesOpNotIn, 4, 5), 6, true},
	} {
		c := &container{kind: ordinary, spec: &corev1.Container{RestartPolicy: test.policy, RestartPolicyRules: test.rules}}
		c.current = &podrun.Container{State: podrun.Exited, ExitCode: test.code}
		if got := c.restarts(corev1.RestartPolicyAlways); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
