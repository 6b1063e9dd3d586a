package podspec

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestLogsOfPodsWithLongNamesHaveADirectory(t *testing.T) {
	const uid = "06c47eb2-8bc8-4054-8fd7-6e88aff5e5e1"
	for _, row := range []struct {
		what            string
		namespace, name string
		want            string
	}{
		{"usual names", "default", "web", "default_web_" + uid},
		{"as long as may be", "default", strings.Repeat("n", 210), "default_" + strings.Repeat("n", 210) + "_" + uid},
		{"one more", "default", strings.Repeat("n", 211), "default_" + strings.Repeat("n", 210) + "_" + uid},
		{"the longest names there are", strings.Repeat("s", 63), strings.Repeat("n", 253),
			strings.Repeat("s", 63) + "_" + strings.Repeat("n", 154) + "_" + uid},
	} {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: row.namespace, Name: row.name, UID: types.UID(uid)}}
		if got := LogDir(pod); got != row.want || len(got) > 255 {
			t.Errorf("%s: got %q (%d bytes), want %q", row.what, got, len(got), row.want)
		}
	}
}
