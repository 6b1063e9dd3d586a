package node

import (
	"cmp"
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/node/upkeep"
	"github.com/causeway-access/causeway/internal/podrun"
)

// prepareUpkeep prepares what keeps the disk from filling up.
func (a *Agent) prepareUpkeep(context.Context) error {
	var err error
	a.upkeep, err = upkeep.New(upkeep.Config{
		Settings: a.cfg.Upkeep, Node: a.cfg.Name, Client: a.client, Dir: a.cfg.Dir,
		Runtime: a.runtime, Pods: a.pods, EmptyDir: a.volumes.EmptyDir, LogDir: a.pods.LogDir,
		Register: a.cfg.Register, Log: a.cfg.Log,
	})
	if err != nil {
		return err
	}
	a.run("the upkeep of the node", func(ctx context.Context) error { return a.upkeep.Run(ctx) })
	return nil
}

// lookTimeout bounds what is asked of the runtime for the node's status, which
// is also the sign that the node lives.
const lookTimeout = 2 * time.Second

// scarce says what of a disk there is too little of, if anything: before pods
// are run, too, so that the condition does not waver when an agent is started.
func (a *Agent) scarce() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	disks, err := upkeep.Look(ctx, a.cfg.Dir, a.runtime)
	if err != nil {
		return "", err
	}
	return a.cfg.Upkeep.Scarce(disks), nil
}

// mostImages is how many images a node's status tells of, the largest, as
// kubelets do.
const mostImages = 50

// images are those that the node has, for its status; nil if that is not known.
func (a *Agent) images() []corev1.ContainerImage {
	if a.runtime == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	list, err := a.runtime.ListImages(ctx)
	if err != nil {
		a.cfg.Log.Warn("The node's images cannot be listed", "error", err)
		return nil
	}
	slices.SortFunc(list, func(a, b podrun.Image) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.ID, b.ID))
	})
	images := []corev1.ContainerImage{}
	for _, i := range list[:min(len(list), mostImages)] {
		if i.ID != podrun.HostImage && len(i.Names) > 0 {
			images = append(images, corev1.ContainerImage{Names: i.Names, SizeBytes: i.Size})
		}
	}
	return images
}
