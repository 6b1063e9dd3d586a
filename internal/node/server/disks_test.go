package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/causeway-access/causeway/internal/node/upkeep"
	"github.com/causeway-access/causeway/internal/podrun/disk"
)

// fixedDisks are disks as somebody has measured them.
type fixedDisks struct {
	disks upkeep.Disks
	err   error
	pods  map[types.UID]upkeep.PodUse
}

func (m fixedDisks) Disks(context.Context) (upkeep.Disks, error) { return m.disks, m.err }

func (m fixedDisks) Pod(uid types.UID) (upkeep.PodUse, bool) {
	use, known := m.pods[uid]
	return use, known
}

func TestSummaryTellsWhatIsTakenOfDisks(t *testing.T) {
	at := time.Unix(1000, 0)
	from := fixedDisks{
		disks: upkeep.Disks{
			Node:   disk.Space{Size: 1000, Free: 400, Inodes: 100, InodesFree: 90},
			Images: disk.Space{Size: 5000, Free: 500, Inodes: 50, InodesFree: 20},
		},
		pods: map[types.UID]upkeep.PodUse{"known": {
			At:      at,
			Volumes: map[string]disk.Use{"z": {Bytes: 5, Inodes: 1}, "a": {Bytes: 7, Inodes: 2}},
			Containers: map[string]upkeep.ContainerUse{
				"main": {Root: disk.Use{Bytes: 20, Inodes: 3}, Logs: disk.Use{Bytes: 30, Inodes: 1}},
			},
		}},
	}
	s := &server{Config: Config{Disk: from, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}}
	stats := func(free, size, used, inodesFree, inodes, inodesUsed int64) *fsStats {
		return &fsStats{
			Time: metav1.NewTime(at), AvailableBytes: &free, CapacityBytes: &size, UsedBytes: &used,
			InodesFree: &inodesFree, Inodes: &inodes, InodesUsed: &inodesUsed,
		}
	}
	d := s.disks(t.Context())
	node, runtime := d.node(at)
	if diff := cmp.Diff(stats(400, 1000, 600, 90, 100, 10), node); diff != "" {
		t.Errorf("the node's disk (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&runtimeStats{ImageFS: stats(500, 5000, 4500, 20, 50, 30)}, runtime); diff != "" {
		t.Errorf("the disk of images (-want +got):\n%s", diff)
	}
	pod := podStats{PodRef: podReference{UID: "known"}, Containers: []containerStats{{Name: "main"}, {Name: "new"}}}
	d.pod(&pod)
	want := podStats{
		PodRef: pod.PodRef, Ephemeral: stats(400, 1000, 62, 90, 100, 7),
		VolumeStats: []volumeStats{{*stats(400, 1000, 7, 90, 100, 2), "a"}, {*stats(400, 1000, 5, 90, 100, 1), "z"}},
		Containers: []containerStats{
			{Name: "main", Rootfs: stats(500, 5000, 20, 20, 50, 3), Logs: stats(400, 1000, 30, 90, 100, 1)},
			{Name: "new", Rootfs: stats(500, 5000, 0, 20, 50, 0), Logs: stats(400, 1000, 0, 90, 100, 0)},
		},
	}
	if diff := cmp.Diff(want, pod, cmpopts.EquateEmpty(), cmp.AllowUnexported(volumeStats{})); diff != "" {
		t.Errorf("a pod (-want +got):\n%s", diff)
	}
	other := podStats{PodRef: podReference{UID: "not measured yet"}}
	if d.pod(&other); other.Ephemeral != nil || other.VolumeStats != nil {
		t.Errorf("a pod that was not measured: %+v", other)
	}
}

func TestSummaryDoesWithoutDisks(t *testing.T) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	for name, s := range map[string]*server{
		"nobody measures":  {Config: Config{Log: log}},
		"measuring failed": {Config: Config{Log: log, Disk: fixedDisks{err: errors.New("no disk")}}},
	} {
		d := s.disks(t.Context())
		node, runtime := d.node(time.Now())
		pod := podStats{Containers: []containerStats{{Name: "main"}}}
		d.pod(&pod)
		if node != nil || runtime != nil || pod.Ephemeral != nil || pod.Containers[0].Rootfs != nil {
			t.Errorf("%s: %+v, %+v, %+v", name, node, runtime, pod)
		}
	}
}
