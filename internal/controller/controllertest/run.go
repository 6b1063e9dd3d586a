// Package controllertest runs a controller in a test, against the clientset of
// client-go that keeps its objects in memory: the edge of the process.
//
// Everything runs in the test's [synctest] bubble, so a test says what has
// happened with [synctest.Wait] or a fake sleep, and never waits for real.
//
// Floor 2, imported by tests alone.
package controllertest

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"

	"github.com/causeway-access/causeway/internal/controller"
)

// Run runs what constructors make on client, and in it calls story when all of
// them are ready and have done what there was to do.
func Run(t *testing.T, client kubernetes.Interface, story func(ctx context.Context), constructors ...func(controller.Config) (controller.Controller, error)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	factory := informers.NewSharedInformerFactory(client, 0)
	config := controller.Config{Client: client, Informers: factory, Logger: slog.New(slog.DiscardHandler)}
	var all []controller.Controller
	for _, construct := range constructors {
		made, err := construct(config)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, made)
	}
	factory.Start(ctx.Done())
	group := controller.Group("test", all...)
	done := make(chan error, 1)
	go func() { done <- group.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("controller ended with an error: %v", err)
		}
		factory.Shutdown()
	}()
	<-group.Ready()
	synctest.Wait()
	story(ctx)
}
