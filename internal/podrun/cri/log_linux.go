package cri

import (
	"context"
	"encoding/json"
	"os"
	"time"

	pb "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/causeway-access/causeway/internal/podrun/crilog"
)

// lookAtLogs is how often logs are looked at: a program that writes more than
// LogMaxSize meanwhile has a longer log for a moment.
const lookAtLogs = 10 * time.Second

// turnLogs bounds the logs of containers until ctx ends. The runtime writes
// them, and is told when a file has been moved.
func (r *Runtime) turnLogs(ctx context.Context) {
	tick := time.NewTicker(lookAtLogs)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.turnFullLogs(ctx)
		}
	}
}

func (r *Runtime) turnFullLogs(ctx context.Context) {
	list, err := r.runtime.ListContainers(ctx, &pb.ListContainersRequest{Filter: &pb.ContainerFilter{
		LabelSelector: r.ours(), State: &pb.ContainerStateValue{State: pb.ContainerState_CONTAINER_RUNNING},
	}})
	if err != nil {
		return // it is tried again
	}
	for _, c := range list.GetContainers() {
		var known note
		if json.Unmarshal([]byte(c.GetAnnotations()[kept]), &known) != nil || known.Config.LogPath == "" {
			continue
		}
		info, err := os.Stat(known.Config.LogPath)
		if err != nil || info.Size() < r.config.LogMaxSize {
			continue
		}
		if crilog.Turn(known.Config.LogPath, r.config.LogFiles) == nil {
			// A container that has ended meanwhile writes no more.
			_, _ = r.runtime.ReopenContainerLog(ctx, &pb.ReopenContainerLogRequest{ContainerId: c.GetId()})
		}
	}
}
