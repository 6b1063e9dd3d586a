package volume

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/causeway-access/causeway/test/fakeapi"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kubetesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"
)

// issuer is an API server as far as tokens go: each has a number.
type issuer struct {
	mu     sync.Mutex
	count  int
	broken bool
	life   int64 // seconds
}

func (i *issuer) breakDown(broken bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.broken = broken
}

func (i *issuer) answer(action kubetesting.Action) (bool, runtime.Object, error) {
	create, ok := action.(kubetesting.CreateAction)
	if !ok || action.GetSubresource() != "token" {
		return false, nil, nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.broken {
		return true, nil, errors.New("no API server")
	}
	i.count++
	request, ok := create.GetObject().(*authenticationv1.TokenRequest)
	if !ok || request.Spec.BoundObjectRef == nil || request.Spec.BoundObjectRef.UID != "u1" {
		return true, nil, fmt.Errorf("asked for %v", create.GetObject())
	}
	request.Spec.ExpirationSeconds = &i.life
	// What the API server's clock says is not looked at.
	request.Status = authenticationv1.TokenRequestStatus{Token: fmt.Sprint("token ", i.count), ExpirationTimestamp: metav1.NewTime(time.Now().Add(-time.Hour))}
	return true, request, nil
}

func TestTokenIsReplacedWhileThePodRuns(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		api := &issuer{life: 3600}
		client := fakeapi.NewClientset()
		client.PrependReactor("create", "serviceaccounts", api.answer)
		m, err := newManager(Config{Dir: dir, Node: "n", Client: client})
		if err != nil {
			t.Fatal(err)
		}
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "p", UID: "u1"}, Spec: corev1.PodSpec{Volumes: []corev1.Volume{{
			Name: "t", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{
				ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: ptr.To[int64](3600)}}}}},
		}}}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- m.Run(ctx) }()
		paths, err := m.Mount(t.Context(), pod)
		if err != nil {
			t.Fatal(err)
		}
		expect := func(when, want string) {
			t.Helper()
			synctest.Wait()
			if got, err := os.ReadFile(filepath.Join(paths["t"], "token")); err != nil || string(got) != want {
				t.Errorf("%s it is %q, want %q (%v)", when, got, want, err)
			}
		}
		expect("at first", "token 1")
		if _, err := m.Mount(t.Context(), pod); err != nil {
			t.Fatal(err)
		}
		expect("mounted again", "token 1")
		time.Sleep(47 * time.Minute)
		expect("after 47 minutes", "token 1")
		time.Sleep(2 * time.Minute)
		expect("after 49 minutes", "token 2")
		api.breakDown(true)
		time.Sleep(time.Hour)
		expect("while there is no API server", "token 2")
		api.breakDown(false)
		time.Sleep(2 * time.Minute)
		expect("when it is back", "token 3")
		if err := m.Unmount("u1"); err != nil {
			t.Error(err)
		}
		time.Sleep(24 * time.Hour)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if api.count != 3 {
			t.Errorf("%d tokens were asked for, some for nobody", api.count)
		}
	})
}
