package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/causeway-access/causeway/internal/podrun"
)

// measured is what the node and its pods use at one time.
type measured struct {
	at   time.Time
	node *podrun.Stats // nil if the system does not say
	pods []measuredPod
}

type measuredPod struct {
	box   podrun.Sandbox
	stats podrun.Stats
	// containers are those that run.
	containers []podrun.Container
}

// measure asks the runtime about all pods. Those that end meanwhile are left out.
func (s *server) measure(ctx context.Context) (measured, error) {
	boxes, err := s.Runtime.List(ctx)
	if err != nil {
		return measured{}, fmt.Errorf("listing the pods of the node: %w", err)
	}
	all := measured{at: time.Now()}
	if node, err := s.Usage(); err == nil {
		all.node = &node
	} else if !errors.Is(err, errors.ErrUnsupported) {
		s.Log.Warn("Measuring what the node uses", "err", err)
	}
	places := map[[2]string]int{}
	for _, box := range boxes {
		if !box.Ready {
			continue
		}
		stats, err := s.Runtime.Stats(ctx, box.ID)
		if err != nil {
			s.Log.Debug("Measuring what a pod uses", "pod", box.Config.Name, "err", err)
			continue
		}
		pod := measuredPod{box: box, stats: stats}
		for _, c := range box.Containers {
			if _, known := stats.Containers[c.Config.Name]; known && c.State == podrun.Running {
				pod.containers = append(pod.containers, c)
			}
		}
		// One pod of a name may be going while the next is there already.
		name := [2]string{box.Config.Namespace, box.Config.Name}
		if i, known := places[name]; known {
			all.pods[i] = pod
			continue
		}
		places[name] = len(all.pods)
		all.pods = append(all.pods, pod)
	}
	return all, nil
}
