package proxy

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/causeway-access/causeway/bench/load"
)

const (
	watches     = 1000
	watchedName = "watched-many"
	watchedPath = "/api/v1/namespaces/default/configmaps/" + watchedName
)

// wrkPath is a load of HTTP/1.1 on a path of the API.
func wrkPath(connections int, path string) func(context.Context, *bench, *subject, time.Duration) (load.Result, error) {
	return func(ctx context.Context, b *bench, s *subject, length time.Duration) (load.Result, error) {
		r := s.request
		r.URL = s.at(path)
		return load.Wrk{Dir: b.Dir, Connections: connections}.Run(ctx, r, length)
	}
}

// watch changes an object, past the subject, each time that all watches through
// it have seen the last change.
func watch(ctx context.Context, b *bench, s *subject, length time.Duration) (load.Result, error) {
	client, err := kubernetes.NewForConfig(b.admin)
	if err != nil {
		return load.Result{}, err
	}
	change := func(ctx context.Context) error {
		object := corev1.ConfigMap(watchedName, "default").
			WithData(map[string]string{"content": string(b.files["1k"]), "change": fmt.Sprint(s.name, time.Now().UnixNano())})
		_, err := client.CoreV1().ConfigMaps("default").Apply(ctx, object, metav1.ApplyOptions{FieldManager: "bench", Force: true})
		return err
	}
	url := s.at("/api/v1/namespaces/default/configmaps?watch=true&resourceVersion=0&fieldSelector=metadata.name%3D" + watchedName)
	return load.Watch{Streams: watches, Change: change}.Run(ctx, url, length)
}
