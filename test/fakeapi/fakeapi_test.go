package fakeapi_test

import (
	"testing"

	"github.com/causeway-access/causeway/test/fakeapi"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// What changes between an informer's list and its watch comes with the watch.
func TestNothingIsLostBetweenListAndWatch(t *testing.T) {
	client := fakeapi.NewClientset(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: "a"}})
	pods := client.CoreV1().Pods(metav1.NamespaceAll)
	if list, err := pods.List(t.Context(), metav1.ListOptions{ResourceVersion: "0"}); err != nil || len(list.Items) != 1 {
		t.Fatalf("the list is %v, %v", list, err)
	}
	if err := client.CoreV1().Pods("web").Delete(t.Context(), "a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w, err := pods.Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	select {
	case e := <-w.ResultChan():
		if e.Type != watch.Deleted {
			t.Errorf("the watch tells of %v", e)
		}
	default:
		t.Error("the watch tells nothing")
	}
	again, err := pods.Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Stop()
	select {
	case e := <-again.ResultChan():
		t.Errorf("a second watch without a list tells of %v", e)
	default:
	}
}
