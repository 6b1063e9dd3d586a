package cri

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	pb "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/causeway-access/causeway/internal/lockfile"
	"github.com/causeway-access/causeway/internal/podrun"
)

var _ podrun.Runtime = (*Runtime)(nil)

// crio is what CRI-O calls itself.
const crio = "cri-o"

// largest message that is taken from a runtime, in bytes: lists are long.
const largest = 16 << 20

// Runtime is a [podrun.Runtime].
type Runtime struct {
	config  Config
	lock    *lockfile.Lock
	conn    *grpc.ClientConn
	runtime pb.RuntimeServiceClient
	images  pb.ImageServiceClient
	// name is that of the runtime: containerd, cri-o.
	name, version string
	groups        groups
	known         statuses
	ends          *ends
	execs         executions
	pins          *pins
	// using is held for reading while a container is made of an image, for
	// writing while one is removed.
	using sync.RWMutex

	stop    context.CancelFunc
	running sync.WaitGroup
}

// New connects to the runtime, configures pods' network, waits until both are
// ready, and removes what an agent that died has left half done. Pods go on,
// and are found with List.
func New(ctx context.Context, config Config) (*Runtime, error) {
	config.CgroupParent = cmp.Or(config.CgroupParent, "causeway-"+agent(config.Root))
	config.LogDir = cmp.Or(config.LogDir, "/")
	config.LogMaxSize = cmp.Or(config.LogMaxSize, 10<<20)
	config.LogFiles = cmp.Or(config.LogFiles, 5)
	config.Ctr = cmp.Or(config.Ctr, "ctr")
	config.ReadyTimeout = cmp.Or(config.ReadyTimeout, time.Minute)
	path := strings.TrimPrefix(config.Endpoint, "unix://")
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("the container runtime's endpoint %q is no socket of this machine: give it as unix:///run/containerd/containerd.sock", config.Endpoint)
	}
	config.Endpoint = path
	if err := os.MkdirAll(filepath.Join(config.Root, podsDir), 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of pods: %w", err)
	}
	lock, err := lockfile.Acquire(config.Root)
	if err != nil {
		return nil, fmt.Errorf("taking the directory of pods: %w", err)
	}
	r := &Runtime{config: config, lock: lock, pins: &pins{file: filepath.Join(config.Root, "pinned.json")}}
	if err := r.open(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// open does what New says.
func (r *Runtime) open(ctx context.Context) error {
	conn, err := grpc.NewClient("unix://"+r.config.Endpoint,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(largest)))
	if err != nil {
		return fmt.Errorf("connecting to the container runtime: %w", err)
	}
	r.conn, r.runtime, r.images = conn, pb.NewRuntimeServiceClient(conn), pb.NewImageServiceClient(conn)
	ctx, cancel := context.WithTimeout(ctx, r.config.ReadyTimeout)
	defer cancel()
	version, err := r.runtime.Version(ctx, &pb.VersionRequest{}, grpc.WaitForReady(true))
	if err != nil {
		return fmt.Errorf("asking the container runtime at %s for its version (does it run, and does it speak CRI v1?): %w", r.config.Endpoint, plain(err))
	}
	r.name, r.version = version.GetRuntimeName(), version.GetRuntimeVersion()
	if err := r.configureNetwork(); err != nil {
		return err
	}
	if err := r.ready(ctx); err != nil {
		return err
	}
	if err := r.pins.load(); err != nil {
		return err
	}
	r.groups = findGroups(r.config.CgroupParent, r.systemd(ctx))
	if r.name == crio {
		r.groups.prefix = "crio-"
	}
	if err := r.sweep(ctx); err != nil {
		return err
	}
	// The context of the caller is for the opening alone.
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	r.stop = stop
	r.ends = &ends{list: r.runningIDs, waiters: map[string]map[chan struct{}]bool{}}
	r.running.Go(func() { r.ends.hear(life, r.runtime) })
	r.running.Go(func() { r.ends.poll(life) })
	r.running.Go(func() { r.turnLogs(life) })
	return nil
}

// ready waits until the runtime and its network are.
func (r *Runtime) ready(ctx context.Context) error {
	why := errors.New("it does not answer")
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		missing, err := r.conditions(ctx)
		switch {
		case err == nil && len(missing) == 0:
			return nil
		case err == nil:
			why = errors.New(strings.Join(missing, "; "))
		case ctx.Err() == nil:
			why = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the container runtime %s at %s: %w", r.name, r.config.Endpoint, why)
		case <-time.After(wait):
		}
	}
}

// conditions tells what of the runtime is not ready, in its own words.
func (r *Runtime) conditions(ctx context.Context) ([]string, error) {
	response, err := r.runtime.Status(ctx, &pb.StatusRequest{})
	if err != nil {
		return nil, plain(err)
	}
	var missing []string
	for _, c := range response.GetStatus().GetConditions() {
		required := c.GetType() == pb.RuntimeReady || c.GetType() == pb.NetworkReady && r.config.PodCIDR.IsValid()
		if required && !c.GetStatus() {
			missing = append(missing, fmt.Sprintf("%s: %s: %s", c.GetType(), c.GetReason(), c.GetMessage()))
		}
	}
	return missing, nil
}

// Close gives Root to another process. Pods go on; if there are none, nothing of
// the control groups and of the network's configuration is left.
func (r *Runtime) Close() error {
	var errs []error
	if r.stop != nil { // it was opened
		r.stop()
		r.running.Wait()
		errs = append(errs, r.clear())
	}
	if r.conn != nil {
		errs = append(errs, r.conn.Close())
	}
	return errors.Join(append(errs, r.lock.Release())...)
}

// clear removes what was made for all pods, if there are none.
func (r *Runtime) clear() error {
	pods, err := os.ReadDir(filepath.Join(r.config.Root, podsDir))
	if err != nil || len(pods) > 0 {
		return err
	}
	return errors.Join(r.groups.remove("."), r.forgetNetwork())
}

// Name is what the runtime calls itself, such as containerd.
func (r *Runtime) Name() string { return r.name }

// Version is what it says of that.
func (r *Runtime) Version() string { return r.version }

// Missing names what the machine cannot do for pods, for the node's conditions.
func (r *Runtime) Missing() []string { return r.groups.missing() }
