package printers

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// pods shows what runs, whether it serves, and where.
func pods() view {
	return rowsOf(columns(
		nameColumn(),
		text("Ready", "The aggregate readiness state of this pod for accepting traffic."),
		text("Status", "The aggregate status of the containers in this pod."),
		text("Restarts", "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted."),
		ageColumn(),
		wide(text("IP", corev1.PodStatus{}.SwaggerDoc()["podIP"])),
		wide(text("Node", corev1.PodSpec{}.SwaggerDoc()["nodeName"])),
		wide(text("Nominated Node", corev1.PodStatus{}.SwaggerDoc()["nominatedNodeName"])),
		wide(text("Readiness Gates", corev1.PodSpec{}.SwaggerDoc()["readinessGates"])),
	), podRow)
}

func podRow(pod *corev1.Pod) metav1.TableRow {
	s := summarize(pod)
	return metav1.TableRow{
		Cells: []any{
			pod.Name,
			fmt.Sprintf("%d/%d", s.ready, s.total),
			s.reason,
			s.restarts(),
			age(pod.CreationTimestamp),
			podIP(pod),
			or(pod.Spec.NodeName, none),
			or(pod.Status.NominatedNodeName, none),
			readinessGates(pod),
		},
		Conditions: completion(pod.Status.Phase),
		Object:     runtime.RawExtension{Object: pod},
	}
}

// completion marks the row of a pod that will not run again.
func completion(phase corev1.PodPhase) []metav1.TableRowCondition {
	switch phase {
	case corev1.PodSucceeded:
		return []metav1.TableRowCondition{{
			Type: metav1.RowCompleted, Status: metav1.ConditionTrue,
			Reason: string(phase), Message: "The pod has completed successfully.",
		}}
	case corev1.PodFailed:
		return []metav1.TableRowCondition{{
			Type: metav1.RowCompleted, Status: metav1.ConditionTrue,
			Reason: string(phase), Message: "The pod failed.",
		}}
	default:
		return nil
	}
}

// podIP is the first address; older writers set only the singular field.
func podIP(pod *corev1.Pod) string {
	if len(pod.Status.PodIPs) > 0 {
		return or(pod.Status.PodIPs[0].IP, none)
	}
	return or(pod.Status.PodIP, none)
}

// readinessGates counts the gates that are open.
func readinessGates(pod *corev1.Pod) string {
	gates := pod.Spec.ReadinessGates
	if len(gates) == 0 {
		return none
	}
	open := 0
	for _, gate := range gates {
		if conditionIsTrue(pod, gate.ConditionType) {
			open++
		}
	}
	return fmt.Sprintf("%d/%d", open, len(gates))
}

func conditionIsTrue(pod *corev1.Pod, kind corev1.PodConditionType) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == kind {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// replicationControllers shows how many replicas are wanted, made and ready.
func replicationControllers() view {
	return viewOf(columns(
		nameColumn(),
		integer("Desired", corev1.ReplicationControllerSpec{}.SwaggerDoc()["replicas"]),
		integer("Current", corev1.ReplicationControllerStatus{}.SwaggerDoc()["replicas"]),
		integer("Ready", corev1.ReplicationControllerStatus{}.SwaggerDoc()["readyReplicas"]),
		ageColumn(),
		wide(text("Containers", "Names of each container in the template.")),
		wide(text("Images", "Images referenced by each container in the template.")),
		wide(text("Selector", corev1.ReplicationControllerSpec{}.SwaggerDoc()["selector"])),
	), func(rc *corev1.ReplicationController) []any {
		names, images := containersOf(rc.Spec.Template)
		return []any{
			rc.Name,
			int64(deref(rc.Spec.Replicas)), int64(rc.Status.Replicas), int64(rc.Status.ReadyReplicas),
			age(rc.CreationTimestamp), names, images, formatLabels(rc.Spec.Selector),
		}
	})
}

func containersOf(template *corev1.PodTemplateSpec) (names, images string) {
	if template == nil {
		return "", ""
	}
	var n, i []string
	for _, c := range template.Spec.Containers {
		n, i = append(n, c.Name), append(i, c.Image)
	}
	return strings.Join(n, ","), strings.Join(i, ",")
}

// restarts is the count, and when the last one was.
func (s podSummary) restarts() string {
	n := strconv.Itoa(s.restartCount)
	if s.restartCount == 0 || s.lastRestart.IsZero() {
		return n
	}
	return fmt.Sprintf("%s (%s ago)", n, age(s.lastRestart))
}
