package validation_test

import (
	"context"
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/randfill"

	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

// FuzzPod decodes anything as a pod: whatever it is, it is completed and
// judged, and what is accepted once is accepted unchanged again.
func FuzzPod(f *testing.F) {
	s := podScheme(f)
	seed := func(pod *corev1.Pod) {
		text, err := json.Marshal(pod)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	seed(validPod(f, s))
	seed(&corev1.Pod{})
	f.Add([]byte(`{"spec":{"containers":[{"ports":[{}],"env":[{"valueFrom":{}}],"envFrom":[{}],"volumeMounts":[{}],"livenessProbe":{},"lifecycle":{"preStop":{}},"securityContext":{"capabilities":{}}}]}}`))
	f.Add([]byte(`{"spec":{"volumes":[{"projected":{"sources":[{}]}},{"ephemeral":{}},{"secret":{}},{"csi":{"nodePublishSecretRef":{}}}],"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{}}}}}`))
	f.Add([]byte(`{"spec":{"ephemeralContainers":[{}],"tolerations":[{}],"topologySpreadConstraints":[{}],"dnsConfig":{"options":[{}]},"os":{},"resources":{}},"status":{"podIPs":[{}],"containerStatuses":[{}]}}`))
	f.Add([]byte(`{"spec":{"containers":[{"resources":{"requests":{"cpu":"1e999","memory":"-1","x":"0"},"limits":{"hugepages-2Mi":"9E"}}}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var pod corev1.Pod
		if json.Unmarshal(text, &pod) != nil {
			return
		}
		judgePod(t, s, &pod)
	})
}

// TestRandomPodsAreJudged fills every field a pod can have, which text found
// by chance does not.
func TestRandomPodsAreJudged(t *testing.T) {
	s := podScheme(t)
	fill := randfill.NewWithSeed(1).NilChance(.4).NumElements(0, 2).MaxDepth(20).Funcs(
		func(q *resource.Quantity, c randfill.Continue) { q.Set(c.Int63()) },
		func(f *metav1.FieldsV1, _ randfill.Continue) { f.Raw = []byte("{}") },
		func(m *metav1.Time, _ randfill.Continue) { *m = metav1.Unix(0, 0) },
	)
	for range 50 {
		var pod corev1.Pod
		fill.Fill(&pod)
		judgePod(t, s, &pod)
	}
}

// judgePod takes a pod the way of a request, and of all requests after it.
func judgePod(t *testing.T, s *runtime.Scheme, pod *corev1.Pod) {
	s.Default(pod)
	once := pod.DeepCopy()
	s.Default(pod)
	if !equality.Semantic.DeepEqual(once, pod) {
		t.Errorf("defaulting twice changes the pod\nonce  %+v\ntwice %+v", once, pod)
	}
	ctx := context.Background()
	errs := validation.Merge(rulesOf("pods").Create(pod), validation.Declared(ctx, s, pod))
	pod.ResourceVersion = "1"
	old := pod.DeepCopy()
	again := validation.Merge(rulesOf("pods").Update(pod, old), validation.DeclaredUpdate(ctx, s, pod, old))
	if len(errs) == 0 && len(again) > 0 {
		t.Errorf("accepted as new, refused unchanged: %v", again)
	}
	rulesOf("pods").Status(pod, old)
	rulesOf("pods/ephemeralcontainers").Update(pod, old)
}
