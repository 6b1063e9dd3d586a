package printers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// resourceQuotas shows what is used of what is allowed.
func resourceQuotas() view {
	return viewOf(columns(
		nameColumn(),
		text("Request", "Request represents a minimum amount of cpu/memory that a container may consume."),
		text("Limit", "Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node."),
		ageColumn(),
	), func(q *corev1.ResourceQuota) []any {
		requests, limits := quotaUsage(q.Status)
		return []any{q.Name, requests, limits, age(q.CreationTimestamp)}
	})
}

func quotaUsage(status corev1.ResourceQuotaStatus) (requests, limits string) {
	var r, l []string
	for _, name := range slices.Sorted(maps.Keys(status.Hard)) {
		used, hard := status.Used[name], status.Hard[name]
		cell := fmt.Sprintf("%s: %s/%s", name, used.String(), hard.String())
		if strings.HasPrefix(string(name), "limits.") {
			l = append(l, cell)
			continue
		}
		r = append(r, cell)
	}
	return strings.Join(r, ", "), strings.Join(l, ", ")
}

// limitRanges shows the date, since a range has nothing short to say.
func limitRanges() view {
	return viewOf(columns(nameColumn(), createdColumn()), func(l *corev1.LimitRange) []any {
		return []any{l.Name, l.CreationTimestamp.UTC().Format(time.RFC3339)}
	})
}
