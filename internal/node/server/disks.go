package server

import (
	"cmp"
	"context"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/causeway-access/causeway/internal/node/upkeep"
	"github.com/causeway-access/causeway/internal/podrun/disk"
)

// fsStats is what something takes of a disk, and what that has.
type fsStats struct {
	Time           metav1.Time `json:"time"`
	AvailableBytes *int64      `json:"availableBytes,omitempty"`
	CapacityBytes  *int64      `json:"capacityBytes,omitempty"`
	UsedBytes      *int64      `json:"usedBytes,omitempty"`
	InodesFree     *int64      `json:"inodesFree,omitempty"`
	Inodes         *int64      `json:"inodes,omitempty"`
	InodesUsed     *int64      `json:"inodesUsed,omitempty"`
}

type runtimeStats struct {
	ImageFS *fsStats `json:"imageFs,omitempty"`
}

type volumeStats struct {
	fsStats
	Name string `json:"name"`
}

// diskStats tells of the disks as they are now. The zero value tells nothing.
type diskStats struct {
	from Disk
	upkeep.Disks
}

func (s *server) disks(ctx context.Context) diskStats {
	if s.Disk == nil {
		return diskStats{}
	}
	disks, err := s.Disk.Disks(ctx)
	if err != nil {
		s.Log.Warn("Measuring what the node uses of its disks", "err", err)
		return diskStats{}
	}
	return diskStats{s.Disk, disks}
}

// on is what a disk has.
func on(d disk.Space, at time.Time) fsStats {
	return fsStats{
		Time: metav1.NewTime(at), AvailableBytes: &d.Free, CapacityBytes: &d.Size, InodesFree: &d.InodesFree, Inodes: &d.Inodes,
	}
}

// taking is that with what something takes of it.
func taking(use disk.Use, d disk.Space, at time.Time) *fsStats {
	f := on(d, at)
	f.UsedBytes, f.InodesUsed = &use.Bytes, &use.Inodes
	return &f
}

func (d diskStats) node(at time.Time) (*fsStats, *runtimeStats) {
	if d.from == nil {
		return nil, nil
	}
	whole := func(s disk.Space) *fsStats {
		return taking(disk.Use{Bytes: s.Size - s.Free, Inodes: s.Inodes - s.InodesFree}, s, at)
	}
	return whole(d.Node), &runtimeStats{ImageFS: whole(d.Images)}
}

// pod adds what a pod takes, if that has been measured.
func (d diskStats) pod(p *podStats) {
	if d.from == nil {
		return
	}
	use, known := d.from.Pod(types.UID(p.PodRef.UID))
	if !known {
		return
	}
	p.Ephemeral = taking(use.Total(), d.Node, use.At)
	for name, v := range use.Volumes {
		p.VolumeStats = append(p.VolumeStats, volumeStats{*taking(v, d.Node, use.At), name})
	}
	slices.SortFunc(p.VolumeStats, func(a, b volumeStats) int { return cmp.Compare(a.Name, b.Name) })
	for i := range p.Containers {
		one := use.Containers[p.Containers[i].Name]
		p.Containers[i].Rootfs, p.Containers[i].Logs = taking(one.Root, d.Images, use.At), taking(one.Logs, d.Node, use.At)
	}
}
