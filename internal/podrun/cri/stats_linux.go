package cri

import (
	"context"
	"fmt"
	"time"

	pb "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/disk"
)

// Written implements [podrun.Containers], by what the runtime has counted.
func (r *Runtime) Written(ctx context.Context, sandbox string) (map[string]disk.Use, error) {
	if _, err := r.sandboxStatus(ctx, sandbox); err != nil {
		return nil, fmt.Errorf("what %s has written: %w", sandbox, err)
	}
	list, err := r.runtime.ListContainerStats(ctx, &pb.ListContainerStatsRequest{Filter: &pb.ContainerStatsFilter{PodSandboxId: sandbox}})
	if err != nil {
		return nil, fmt.Errorf("what %s has written: %w", sandbox, plain(err))
	}
	all := map[string]disk.Use{}
	for _, c := range list.GetStats() {
		layer := c.GetWritableLayer()
		all[c.GetAttributes().GetId()] = disk.Use{
			Bytes: int64(layer.GetUsedBytes().GetValue()), Inodes: int64(layer.GetInodesUsed().GetValue()),
		}
	}
	return all, nil
}

// Stats implements [podrun.Containers]. What a whole pod uses its control group
// says, or, where there is none, its containers together.
func (r *Runtime) Stats(ctx context.Context, sandbox string) (podrun.Stats, error) {
	status, err := r.sandboxStatus(ctx, sandbox)
	if err != nil {
		return podrun.Stats{}, fmt.Errorf("the use of %s: %w", sandbox, err)
	}
	list, err := r.runtime.ListContainerStats(ctx, &pb.ListContainerStatsRequest{Filter: &pb.ContainerStatsFilter{PodSandboxId: sandbox}})
	if err != nil {
		return podrun.Stats{}, fmt.Errorf("the use of %s: %w", sandbox, plain(err))
	}
	group := status.GetLabels()[labelGroup]
	all := r.groups.root.Stats(group)
	all.Containers = map[string]podrun.Stats{}
	for _, c := range list.GetStats() {
		one := podrun.Stats{
			CPU:       time.Duration(c.GetCpu().GetUsageCoreNanoSeconds().GetValue()),
			Memory:    c.GetMemory().GetWorkingSetBytes().GetValue(),
			Processes: r.groups.root.Stats(r.groups.of(group, c.GetAttributes().GetId())).Processes,
		}
		all.Containers[c.GetAttributes().GetMetadata().GetName()] = one
		if r.groups.parent == "" {
			all.CPU, all.Memory, all.Processes = all.CPU+one.CPU, all.Memory+one.Memory, all.Processes+one.Processes
		}
	}
	return all, nil
}
