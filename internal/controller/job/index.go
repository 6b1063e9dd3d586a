package job

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// indexOf is the index that a pod works on; false if it has none.
func indexOf(pod *corev1.Pod) (int, bool) {
	i, err := strconv.Atoi(pod.Annotations[batchv1.JobCompletionIndexAnnotation])
	return i, err == nil && i >= 0
}

// completed is the indexes that are done.
func (l *look) completed() map[int]bool {
	return parseIndexes(l.status.CompletedIndexes, int(ptr.Deref(l.Spec.Completions, 0)))
}

// byIndex separates pods of different indexes that are still to be done from
// the others.
func (l *look) byIndex(pods []*corev1.Pod) (keep, surplus []*corev1.Pod) {
	taken := l.completed()
	for _, pod := range pods {
		i, ok := indexOf(pod)
		if !ok || taken[i] || i >= int(ptr.Deref(l.Spec.Completions, 0)) {
			surplus = append(surplus, pod)
			continue
		}
		taken[i] = true
		keep = append(keep, pod)
	}
	return keep, surplus
}

// freeIndexes is the first n indexes that are not done and that no pod works on.
func (l *look) freeIndexes(pods []*corev1.Pod, n int) []int {
	taken := l.completed()
	if l.awaited() > 0 {
		pods = slices.Concat(pods, l.leaving)
	}
	for _, pod := range pods {
		if i, ok := indexOf(pod); ok {
			taken[i] = true
		}
	}
	var free []int
	for i := 0; len(free) < n && i < int(ptr.Deref(l.Spec.Completions, 0)); i++ {
		if !taken[i] {
			free = append(free, i)
		}
	}
	return free
}

// parseIndexes reads a list such as "1,3-5,7", as far as it is below end. What
// cannot be read is left out: its work is done again.
func parseIndexes(text string, end int) map[int]bool {
	set := map[int]bool{}
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		from, err := strconv.Atoi(first)
		to := from
		if err == nil && isRange {
			to, err = strconv.Atoi(last)
		}
		if err != nil || from < 0 {
			continue
		}
		for i := from; i <= to && i < end; i++ {
			set[i] = true
		}
	}
	return set
}

// formatIndexes writes a set as such a list.
func formatIndexes(set map[int]bool) string {
	sorted := slices.Sorted(maps.Keys(set))
	var parts []string
	for i := 0; i < len(sorted); {
		j := i
		for j+1 < len(sorted) && sorted[j+1] == sorted[j]+1 {
			j++
		}
		if j == i {
			parts = append(parts, strconv.Itoa(sorted[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", sorted[i], sorted[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ",")
}
