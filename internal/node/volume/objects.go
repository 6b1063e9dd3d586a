package volume

import (
	"context"
	"log/slog"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/kubernetes"
)

// object is what a volume needs of a ConfigMap or Secret.
type object struct {
	found   bool
	data    map[string][]byte // not changed
	version string            // the resource version at which it was so
}

// objects are those that mounted volumes are made of, each followed by one
// watch however many pods use it.
type objects struct {
	client  kubernetes.Interface
	log     *slog.Logger
	changed func(types.UID) // may not block

	mu      sync.Mutex
	running context.Context // nil before run and after it
	follow  sync.WaitGroup
	held    map[key]*held
}

// held is one object in use.
type held struct {
	users sets.Set[types.UID]
	last  *object // nil if it was not read yet
	end   context.CancelFunc
}

func newObjects(client kubernetes.Interface, log *slog.Logger, changed func(types.UID)) *objects {
	return &objects{client: client, log: log, changed: changed, held: map[key]*held{}}
}

// run follows what is held until ctx ends.
func (o *objects) run(ctx context.Context) {
	o.mu.Lock()
	o.running = ctx
	for k, h := range o.held {
		o.start(k, h)
	}
	o.mu.Unlock()
	<-ctx.Done()
	o.mu.Lock()
	o.running = nil
	o.mu.Unlock()
	o.follow.Wait()
}

// start follows one object. The caller holds the lock.
func (o *objects) start(k key, h *held) {
	if o.running == nil || h.end != nil {
		return
	}
	ctx, end := context.WithCancel(o.running)
	h.end = end
	o.follow.Go(func() { o.watch(ctx, k) })
}

// hold says which objects a pod uses from now on.
func (o *objects) hold(uid types.UID, keys sets.Set[key]) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for k := range keys {
		h := o.held[k]
		if h == nil {
			h = &held{users: sets.New[types.UID]()}
			o.held[k] = h
		}
		h.users.Insert(uid)
		o.start(k, h)
	}
	for k, h := range o.held {
		if keys.Has(k) || !h.users.Has(uid) {
			continue
		}
		if h.users.Delete(uid); h.users.Len() == 0 {
			delete(o.held, k)
			if h.end != nil {
				h.end()
			}
		}
	}
}

// note takes what was read, if it is newer than what is known, and tells of it.
func (o *objects) note(k key, now object) {
	o.mu.Lock()
	h := o.held[k]
	var tell []types.UID
	if h != nil && newer(h.last, now) {
		h.last = &now
		tell = h.users.UnsortedList()
	}
	o.mu.Unlock()
	for _, uid := range tell {
		o.changed(uid)
	}
}

// newer compares resource versions, which an API server counts up. Where it is
// not one that does, whatever comes last counts.
func newer(last *object, now object) bool {
	if last == nil {
		return true
	}
	order, err := resourceversion.CompareResourceVersion(now.version, last.version)
	return err != nil || order > 0
}

// ask reads an object from the API, as a [reading].
func (o *objects) ask(ctx context.Context, k key) (object, error) {
	now, err := k.get(ctx, o.client)
	if apierrors.IsNotFound(err) {
		return object{}, nil
	}
	if err != nil {
		return object{}, err
	}
	o.note(k, now)
	return now, nil
}

// recall is what is known of an object, as a [reading].
func (o *objects) recall(_ context.Context, k key) (object, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if h := o.held[k]; h != nil && h.last != nil {
		return *h.last, nil
	}
	return object{}, errUnread
}
