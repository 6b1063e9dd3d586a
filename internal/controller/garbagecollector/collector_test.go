package garbagecollector_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	clienttesting "k8s.io/client-go/testing"
)

func TestWhoIsCollected(t *testing.T) {
	otherUID := owner("ConfigMap", "owner")
	otherUID.UID = "uid-of-the-former"
	unserved := owner("Widget", "w")
	unserved.APIVersion = "example.com/v1"
	for _, test := range []struct {
		name      string
		there     []*metav1.PartialObjectMetadata
		dependent *metav1.PartialObjectMetadata
		collected bool
		owners    []types.UID // that the dependent has afterwards
	}{
		{
			name:      "without owners",
			dependent: object("Secret", "ns", "d"),
		},
		{
			name:      "owner there",
			there:     []*metav1.PartialObjectMetadata{object("ConfigMap", "ns", "owner")},
			dependent: object("Secret", "ns", "d", owner("ConfigMap", "owner")),
			owners:    []types.UID{"uid-owner"},
		},
		{
			name:      "cluster-wide owner there",
			there:     []*metav1.PartialObjectMetadata{object("Node", "", "n1")},
			dependent: object("Secret", "ns", "d", owner("Node", "n1")),
			owners:    []types.UID{"uid-n1"},
		},
		{
			name:      "owner gone",
			dependent: object("Secret", "ns", "d", owner("ConfigMap", "owner")),
			collected: true,
		},
		{
			name:      "all owners gone",
			dependent: object("Secret", "ns", "d", owner("ConfigMap", "owner"), owner("Node", "n1")),
			collected: true,
		},
		{
			name:      "one owner gone and one there",
			there:     []*metav1.PartialObjectMetadata{object("ConfigMap", "ns", "owner")},
			dependent: object("Secret", "ns", "d", owner("ConfigMap", "owner"), owner("ConfigMap", "gone")),
			owners:    []types.UID{"uid-owner"},
		},
		{
			name:      "another object has the owner's name",
			there:     []*metav1.PartialObjectMetadata{object("ConfigMap", "ns", "owner")},
			dependent: object("Secret", "ns", "d", otherUID),
			collected: true,
		},
		{
			name:      "owner in another namespace",
			there:     []*metav1.PartialObjectMetadata{object("ConfigMap", "other", "owner")},
			dependent: object("Secret", "ns", "d", owner("ConfigMap", "owner")),
			collected: true,
		},
		{
			name:      "cluster-wide object with an owner in a namespace",
			dependent: object("Node", "", "d", owner("ConfigMap", "owner")),
			owners:    []types.UID{"uid-owner"},
		},
		{
			name:      "owner of a kind that is not served",
			dependent: object("Secret", "ns", "d", unserved),
			owners:    []types.UID{"uid-w"},
		},
		{
			name:      "owner of a kind that is not served beside one that is gone",
			dependent: object("Secret", "ns", "d", owner("ConfigMap", "owner"), unserved),
			owners:    []types.UID{"uid-owner", "uid-w"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, append(test.there, test.dependent), nil, func(w *world) {
				left := append(w.names("secrets"), w.names("nodes")...)
				stays := cmp.Equal(left, []string{"ns/d"}) || cmp.Equal(left, []string{"d"}) || cmp.Equal(left, []string{"ns/d", "n1"})
				if stays == test.collected {
					t.Fatalf("left are %q, want the dependent collected: %v", left, test.collected)
				}
				if test.collected || test.dependent.Namespace == "" {
					return
				}
				var owners []types.UID
				for _, reference := range w.get("secrets", "d").OwnerReferences {
					owners = append(owners, reference.UID)
				}
				if diff := cmp.Diff(test.owners, owners); diff != "" {
					t.Errorf("owners (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestDependentStaysWhileItsOwnerCannotBeLookedUp(t *testing.T) {
	dependent := object("Secret", "ns", "d", owner("ConfigMap", "owner"))
	broken := func(w *world) {
		w.client.PrependReactor("get", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, errors.New("storage is away")
		})
	}
	play(t, []*metav1.PartialObjectMetadata{dependent}, broken, func(w *world) {
		if diff := cmp.Diff([]string{"ns/d"}, w.names("secrets")); diff != "" {
			t.Errorf("secrets (-want +got):\n%s", diff)
		}
	})
}

func TestDeletionGoesDownTheGenerations(t *testing.T) {
	family := []*metav1.PartialObjectMetadata{
		object("ConfigMap", "ns", "grandmother"),
		object("ConfigMap", "ns", "mother", owner("ConfigMap", "grandmother")),
		object("Secret", "ns", "child", owner("ConfigMap", "mother")),
		object("Secret", "ns", "cousin"),
	}
	play(t, family, nil, func(w *world) {
		if diff := cmp.Diff([]string{"ns/child", "ns/cousin"}, w.names("secrets")); diff != "" {
			t.Fatalf("secrets before (-want +got):\n%s", diff)
		}
		w.delete("configmaps", "grandmother")
		w.settle()
		if diff := cmp.Diff([]string{}, w.names("configmaps")); diff != "" {
			t.Errorf("config maps (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"ns/cousin"}, w.names("secrets")); diff != "" {
			t.Errorf("secrets (-want +got):\n%s", diff)
		}
	})
}

func TestOrphansLoseTheirOwnerAndStay(t *testing.T) {
	objects := []*metav1.PartialObjectMetadata{
		ending(object("ConfigMap", "ns", "owner"), metav1.FinalizerOrphanDependents),
		object("ConfigMap", "ns", "other"),
		object("Secret", "ns", "one", owner("ConfigMap", "owner")),
		object("Secret", "ns", "two", owner("ConfigMap", "other"), owner("ConfigMap", "owner")),
	}
	play(t, objects, nil, func(w *world) {
		if got := w.get("secrets", "one").OwnerReferences; len(got) != 0 {
			t.Errorf("owners of one are %v, want none", got)
		}
		if got := w.get("secrets", "two").OwnerReferences; len(got) != 1 || got[0].Name != "other" {
			t.Errorf("owners of two are %v, want the other one alone", got)
		}
		if got := w.get("configmaps", "owner").Finalizers; len(got) != 0 {
			t.Errorf("finalizers of the owner are %q, want none", got)
		}
	})
}

func TestForegroundDeletionWaitsForWhatBlocksIt(t *testing.T) {
	held := object("Secret", "ns", "held", blocking(owner("ConfigMap", "owner")))
	objects := []*metav1.PartialObjectMetadata{
		ending(object("ConfigMap", "ns", "owner"), metav1.FinalizerDeleteDependents),
		ending(held, "example.com/hold"),
		object("Secret", "ns", "free", blocking(owner("ConfigMap", "owner"))),
	}
	play(t, objects, nil, func(w *world) {
		if diff := cmp.Diff([]string{"ns/held"}, w.names("secrets")); diff != "" {
			t.Errorf("secrets (-want +got):\n%s", diff)
		}
		if got := w.get("configmaps", "owner").Finalizers; len(got) != 1 {
			t.Errorf("finalizers of the owner are %q while a dependent is held, want one", got)
		}
		w.delete("secrets", "held")
		w.settle()
		if got := w.get("configmaps", "owner").Finalizers; len(got) != 0 {
			t.Errorf("finalizers of the owner are %q when nothing is left, want none", got)
		}
	})
}

func TestForegroundDeletionDoesNotWaitForWhatDoesNotBlock(t *testing.T) {
	objects := []*metav1.PartialObjectMetadata{
		ending(object("ConfigMap", "ns", "owner"), metav1.FinalizerDeleteDependents),
		ending(object("Secret", "ns", "held", owner("ConfigMap", "owner")), "example.com/hold"),
	}
	play(t, objects, nil, func(w *world) {
		if got := w.get("configmaps", "owner").Finalizers; len(got) != 0 {
			t.Errorf("finalizers of the owner are %q, want none", got)
		}
	})
}

func TestDependentWithAnotherOwnerOutlivesForegroundDeletion(t *testing.T) {
	objects := []*metav1.PartialObjectMetadata{
		ending(object("ConfigMap", "ns", "owner"), metav1.FinalizerDeleteDependents),
		object("ConfigMap", "ns", "other"),
		object("Secret", "ns", "shared", blocking(owner("ConfigMap", "owner")), owner("ConfigMap", "other")),
	}
	play(t, objects, nil, func(w *world) {
		got := w.get("secrets", "shared").OwnerReferences
		if len(got) != 1 || got[0].Name != "other" {
			t.Errorf("owners are %v, want the other one alone", got)
		}
		if got := w.get("configmaps", "owner").Finalizers; len(got) != 0 {
			t.Errorf("finalizers of the owner are %q, want none", got)
		}
	})
}

// A dependent that was made just before its owner was deleted, and of which the
// collector hears after that, is orphaned, or goes first, like any other.
func TestDependentsThatAreHeardOfLateCount(t *testing.T) {
	for finalizer, left := range map[string][]string{
		metav1.FinalizerOrphanDependents: {"ns/late"}, metav1.FinalizerDeleteDependents: {},
	} {
		t.Run(finalizer, func(t *testing.T) {
			var news *watch.FakeWatcher
			slow := func(w *world) {
				news = watch.NewFake()
				w.client.PrependWatchReactor("secrets", func(clienttesting.Action) (bool, watch.Interface, error) { return true, news, nil })
			}
			first := object("ConfigMap", "ns", "owner")
			play(t, []*metav1.PartialObjectMetadata{first}, slow, func(w *world) {
				late := object("Secret", "ns", "late", blocking(owner("ConfigMap", "owner")))
				if err := w.client.Tracker().Create(secrets, late, "ns"); err != nil {
					t.Fatal(err)
				}
				if err := w.client.Tracker().Update(configMaps, ending(first.DeepCopy(), finalizer), "ns"); err != nil {
					t.Fatal(err)
				}
				w.settle()
				if got := w.get("configmaps", "owner").Finalizers; len(got) != 1 {
					t.Errorf("finalizers of the owner are %q while what it owns has not been seen to, want one", got)
				}
				news.Add(late)
				w.settle()
				if diff := cmp.Diff(left, w.names("secrets")); diff != "" {
					t.Errorf("secrets (-want +got):\n%s", diff)
				}
				if len(left) > 0 && len(w.get("secrets", "late").OwnerReferences) != 0 {
					t.Error("the orphan still has its owner")
				}
				news.Delete(late)
				time.Sleep(time.Hour) // the longest pause between two tries
				if got := w.get("configmaps", "owner").Finalizers; len(got) != 0 {
					t.Errorf("finalizers of the owner are %q in the end, want none", got)
				}
			})
		})
	}
}
