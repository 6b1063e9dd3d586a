package printers_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
)

func TestWorkloads(t *testing.T) {
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "a:1"}, {Name: "b", Image: "b:2"}}}}
	looks(t, in("apps", "deployments"), func() runtime.Object {
		return &appsv1.Deployment{ObjectMeta: born("web"),
			Spec:   appsv1.DeploymentSpec{Replicas: ptr.To(int32(3)), Selector: selector, Template: template},
			Status: appsv1.DeploymentStatus{ReadyReplicas: 2, UpdatedReplicas: 1, AvailableReplicas: 1}}
	},
		"NAME | READY | UP-TO-DATE | AVAILABLE | AGE | [CONTAINERS] | [IMAGES] | [SELECTOR]",
		"web | 2/3 | 1 | 1 | 60m | a,b | a:1,b:2 | app=web")
	looks(t, in("apps", "replicasets"), func() runtime.Object {
		return &appsv1.ReplicaSet{ObjectMeta: born("web-1"),
			Spec:   appsv1.ReplicaSetSpec{Replicas: ptr.To(int32(3)), Selector: selector, Template: template},
			Status: appsv1.ReplicaSetStatus{Replicas: 2, ReadyReplicas: 1}}
	},
		"NAME | DESIRED | CURRENT | READY | AGE | [CONTAINERS] | [IMAGES] | [SELECTOR]",
		"web-1 | 3 | 2 | 1 | 60m | a,b | a:1,b:2 | app=web")
}

func TestDaemonSets(t *testing.T) {
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{NodeSelector: map[string]string{"disk": "ssd"}, Containers: []corev1.Container{{Name: "a", Image: "a:1"}}}}
	looks(t, in("apps", "daemonsets"), func() runtime.Object {
		return &appsv1.DaemonSet{ObjectMeta: born("log"),
			Spec: appsv1.DaemonSetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "log"}}, Template: template},
			Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 5, CurrentNumberScheduled: 4, NumberReady: 3,
				UpdatedNumberScheduled: 2, NumberAvailable: 1}}
	},
		"NAME | DESIRED | CURRENT | READY | UP-TO-DATE | AVAILABLE | NODE SELECTOR | AGE | [CONTAINERS] | [IMAGES] | [SELECTOR]",
		"log | 5 | 4 | 3 | 2 | 1 | disk=ssd | 60m | a | a:1 | app=log")
	looks(t, in("apps", "controllerrevisions"), func() runtime.Object {
		owned := born("log-1")
		owned.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "DaemonSet", Name: "log", Controller: ptr.To(true)}}
		return &appsv1.ControllerRevisionList{Items: []appsv1.ControllerRevision{{ObjectMeta: owned, Revision: 3}, {ObjectMeta: born("free"), Revision: 1}}}
	},
		"NAME | CONTROLLER | REVISION | AGE",
		"log-1 | daemonset.apps/log | 3 | 60m",
		"free | <none> | 1 | 60m")
}

func TestJobs(t *testing.T) {
	job := func(name string, spec batchv1.JobSpec, status batchv1.JobStatus, conditions ...batchv1.JobConditionType) batchv1.Job {
		spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"job": name}}
		spec.Template.Spec.Containers = []corev1.Container{{Name: "c", Image: "c:1"}}
		for _, c := range conditions {
			status.Conditions = append(status.Conditions, batchv1.JobCondition{Type: c, Status: corev1.ConditionTrue})
		}
		return batchv1.Job{ObjectMeta: born(name), Spec: spec, Status: status}
	}
	looks(t, in("batch", "jobs"), func() runtime.Object {
		start, end := metav1.NewTime(born("").CreationTimestamp.Time), metav1.NewTime(born("").CreationTimestamp.Add(90*time.Second))
		leaving := job("e", batchv1.JobSpec{}, batchv1.JobStatus{})
		leaving.DeletionTimestamp = &end
		return &batchv1.JobList{Items: []batchv1.Job{
			job("a", batchv1.JobSpec{Completions: ptr.To(int32(3))}, batchv1.JobStatus{Succeeded: 3, StartTime: &start, CompletionTime: &end},
				batchv1.JobSuccessCriteriaMet, batchv1.JobComplete),
			job("b", batchv1.JobSpec{Parallelism: ptr.To(int32(4))}, batchv1.JobStatus{Succeeded: 1, StartTime: &start}),
			job("c", batchv1.JobSpec{Parallelism: ptr.To(int32(1))}, batchv1.JobStatus{StartTime: &start}, batchv1.JobFailureTarget, batchv1.JobFailed),
			job("d", batchv1.JobSpec{}, batchv1.JobStatus{}, batchv1.JobSuspended),
			leaving,
		}}
	},
		"NAME | STATUS | COMPLETIONS | DURATION | AGE | [CONTAINERS] | [IMAGES] | [SELECTOR]",
		"a | Complete | 3/3 | 90s | 60m | c | c:1 | job=a",
		"b | Running | 1/1 of 4 | 60m | 60m | c | c:1 | job=b",
		"c | Failed | 0/1 | 60m | 60m | c | c:1 | job=c",
		"d | Suspended | 0/1 |  | 60m | c | c:1 | job=d",
		"e | Terminating | 0/1 |  | 60m | c | c:1 | job=e")
}
