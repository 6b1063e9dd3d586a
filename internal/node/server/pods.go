package server

import (
	"encoding/json"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/causeway-access/causeway/internal/podrun"
)

func (s *server) showHealth(w http.ResponseWriter, _ *http.Request) {
	if s.Healthy != nil {
		if err := s.Healthy(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	_, _ = w.Write([]byte("ok"))
}

// showPods lists the pods that are to run here.
func (s *server) showPods(w http.ResponseWriter, _ *http.Request) {
	list := podList()
	for _, p := range s.Pods.Pods() {
		list.Items = append(list.Items, *p)
	}
	writeJSON(w, list)
}

// showRunning lists what does run, by what the runtime knows of it.
func (s *server) showRunning(w http.ResponseWriter, r *http.Request) {
	sandboxes, err := s.Runtime.List(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	list := podList()
	for _, box := range sandboxes {
		c := box.Config
		pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: c.Name, UID: types.UID(c.UID)}}
		for _, container := range box.Containers {
			if container.State == podrun.Running {
				pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
					Name: container.Config.Name, Image: container.Config.Image,
				})
			}
		}
		if len(pod.Spec.Containers) > 0 {
			list.Items = append(list.Items, pod)
		}
	}
	writeJSON(w, list)
}

func podList() *corev1.PodList {
	return &corev1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}, Items: []corev1.Pod{}}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}

// pod is the pod of a request; nil if it is not here.
func (s *server) pod(r *http.Request) *corev1.Pod {
	for _, p := range s.Pods.Pods() {
		if p.Namespace == r.PathValue("namespace") && p.Name == r.PathValue("pod") &&
			(r.PathValue("uid") == "" || string(p.UID) == r.PathValue("uid")) {
			return p
		}
	}
	return nil
}
