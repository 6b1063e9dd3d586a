package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/disk"
)

// Runtime is what is needed of a [podrun.Runtime].
type Runtime interface {
	// List returns all sandboxes with their containers.
	List(ctx context.Context) ([]podrun.Sandbox, error)
	// Written says what a sandbox's containers have written, by their IDs.
	Written(ctx context.Context, sandbox string) (map[string]disk.Use, error)
	// ListImages, RemoveImage and ImageDir are those of [podrun.Images].
	ListImages(ctx context.Context) ([]podrun.Image, error)
	RemoveImage(ctx context.Context, reference string) error
	ImageDir(ctx context.Context) (string, error)
}

// Pods are the node's.
type Pods interface {
	// Pods are all that the node has, with their newest status.
	Pods() []*corev1.Pod
	// Evict ends a pod, which fails with the reason Evicted and a message.
	Evict(uid types.UID, message string)
	// Slim removes what dead containers have written, but for their logs.
	Slim(ctx context.Context) error
}

// Config is what a [Keeper] needs.
type Config struct {
	// Settings are the user's.
	Settings Settings
	// Node is the node's name, and Client writes its events.
	Node   string
	Client kubernetes.Interface
	// Dir is on the disk of pods.
	Dir     string
	Runtime Runtime
	Pods    Pods
	// EmptyDir is where a pod's volume of that kind is, if it is on disk.
	EmptyDir func(pod types.UID, volume string) string
	// LogDir has a directory for each container of a pod, with its logs.
	LogDir func(pod *corev1.Pod) string
	// Look is the time between two looks; 10 s.
	Look time.Duration
	// Images is the time between two removals of unused images, unless the disk
	// is nearly full; 1 minute.
	Images time.Duration
	// Register takes metrics; nil for none.
	Register func(prometheus.Collector) error
	Log      *slog.Logger
}

const (
	usualLook   = 10 * time.Second
	usualImages = time.Minute
	// leisure is how long nothing is measured after a measurement, in multiples
	// of the time that it took.
	leisure = 4
)

// Keeper does the upkeep of a node.
type Keeper struct {
	cfg    Config
	events events
	counts counts

	// What follows is of Run's goroutine alone.
	images    imageTimes
	collected time.Time
	scarce    bool

	mu   sync.Mutex
	uses map[types.UID]PodUse
}

// New makes a keeper. Nothing happens before Run.
func New(cfg Config) (*Keeper, error) {
	if cfg.Node == "" || cfg.Client == nil || cfg.Dir == "" || cfg.Runtime == nil || cfg.Pods == nil || cfg.EmptyDir == nil || cfg.LogDir == nil {
		return nil, errors.New("the upkeep of a node needs Node, Client, Dir, Runtime, Pods, EmptyDir and LogDir")
	}
	if err := cfg.Settings.Check(); err != nil {
		return nil, err
	}
	cfg.Settings = cfg.Settings.complete()
	if cfg.Look == 0 {
		cfg.Look = usualLook
	}
	if cfg.Images == 0 {
		cfg.Images = usualImages
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	k := &Keeper{cfg: cfg, counts: newCounts(), images: imageTimes{}}
	return k, k.counts.register(cfg.Register)
}

// Run does it until ctx ends. It is called once.
func (k *Keeper) Run(ctx context.Context) error {
	stop := k.events.open(k.cfg.Client, k.cfg.Node)
	defer stop()
	for {
		begun := time.Now()
		k.round(ctx)
		// A node with very many files is measured less often.
		rest := time.NewTimer(max(k.cfg.Look, leisure*time.Since(begun)))
		select {
		case <-ctx.Done():
			rest.Stop()
			return ctx.Err()
		case <-rest.C:
		}
	}
}

// round looks at everything once.
func (k *Keeper) round(ctx context.Context) {
	k.measure(ctx)
	k.enforce()
	disks, err := k.Disks(ctx)
	if err != nil {
		k.complain(ctx, "Looking at the node's disks", err)
		return
	}
	if what := k.cfg.Settings.Scarce(disks); what != "" {
		k.relieve(ctx, what)
		return
	}
	k.scarce = false
	k.collect(ctx, disks)
}

// Disks looks at the node's disks. A runtime that does not say where images are
// has them on the disk of pods.
func (k *Keeper) Disks(ctx context.Context) (Disks, error) {
	return Look(ctx, k.cfg.Dir, k.cfg.Runtime)
}

// Look looks at the disk of dir, and that of images.
func Look(ctx context.Context, dir string, runtime interface {
	ImageDir(ctx context.Context) (string, error)
}) (Disks, error) {
	var d Disks
	var err error
	if d.Node, err = disk.At(dir); err != nil {
		return d, err
	}
	d.Images = d.Node
	if runtime == nil {
		return d, nil
	}
	images, err := runtime.ImageDir(ctx)
	if err != nil {
		return d, nil //nolint:nilerr // it says nothing
	}
	if at, err := disk.At(images); err == nil {
		d.Images = at
	}
	return d, nil
}

// complain tells of what went wrong, if that is not because ctx has ended.
func (k *Keeper) complain(ctx context.Context, doing string, err error) {
	if ctx.Err() == nil {
		k.cfg.Log.Warn(doing+" failed", "error", err)
	}
}
