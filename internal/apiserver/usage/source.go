package usage

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corelisters "k8s.io/client-go/listers/core/v1"

	"github.com/causeway-access/causeway/internal/apiserver/podstreams"
)

const (
	// freshFor is how long an agent's answer is used.
	freshFor = 10 * time.Second
	// mostSummary bounds an agent's answer, in bytes.
	mostSummary = 64 << 20
)

// source asks agents, and remembers what they have said.
type source struct {
	nodes  corelisters.NodeLister
	pods   corelisters.PodLister
	client *http.Client

	mu      sync.Mutex
	samples map[string]*sample // by node
}

// sample is what a node's agent has said the last two times.
type sample struct {
	mu        sync.Mutex // held while it is asked
	asked     time.Time
	last      map[types.UID][]stats // of pods' containers; the node's own under no pod
	lastUsed  map[types.UID]counters
	firstUsed map[types.UID]counters // the time before; nil if there was none
}

// counters are what a pod's containers had used, by their names; the node's own
// stands under no name.
type counters map[string]counter

// counter is what was used of processors since a start, up to a time.
type counter struct {
	start, at time.Time
	cpu       time.Duration
}

// summary is what is read of the agent's /stats/summary.
type summary struct {
	Node stats `json:"node"`
	Pods []struct {
		PodRef struct {
			UID types.UID `json:"uid"`
		} `json:"podRef"`
		Containers []stats `json:"containers"`
	} `json:"pods"`
}

type stats struct {
	Name      string      `json:"name"`
	StartTime metav1.Time `json:"startTime"`
	CPU       *struct {
		Time                 metav1.Time `json:"time"`
		UsageCoreNanoSeconds uint64      `json:"usageCoreNanoSeconds"`
	} `json:"cpu"`
	Memory *struct {
		WorkingSetBytes uint64 `json:"workingSetBytes"`
	} `json:"memory"`
}

func (s *source) of(node string) *sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.samples[node]
	if known == nil {
		for name := range s.samples {
			if _, err := s.nodes.Get(name); err != nil { // it has left the cluster
				delete(s.samples, name)
			}
		}
		known = &sample{}
		s.samples[node] = known
	}
	return known
}

// ask has the node's agent be asked, unless that was done a moment ago. The
// sample is locked for the caller, who unlocks it.
func (s *source) ask(ctx context.Context, node *corev1.Node) (*sample, error) {
	one := s.of(node.Name)
	one.mu.Lock()
	if one.last != nil && time.Since(one.asked) < freshFor {
		return one, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	answer, err := s.fetch(ctx, node)
	if err != nil {
		one.mu.Unlock()
		return nil, fmt.Errorf("asking the agent of node %q: %w", node.Name, err)
	}
	one.take(answer)
	one.asked = time.Now()
	return one, nil
}

func (s *source) fetch(ctx context.Context, node *corev1.Node) (*summary, error) {
	address, err := podstreams.Address(node)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/stats/summary", nil)
	if err != nil {
		return nil, err
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %s", answer.Status)
	}
	var all summary
	if err := json.NewDecoder(io.LimitReader(answer.Body, mostSummary)).Decode(&all); err != nil {
		return nil, fmt.Errorf("reading its answer: %w", err)
	}
	return &all, nil
}

// take takes an answer for the last one.
func (one *sample) take(answer *summary) {
	one.last = map[types.UID][]stats{"": {answer.Node}}
	for _, pod := range answer.Pods {
		one.last[pod.PodRef.UID] = pod.Containers
	}
	one.firstUsed, one.lastUsed = one.lastUsed, map[types.UID]counters{}
	for uid, all := range one.last {
		used := counters{}
		for _, s := range all {
			if s.CPU != nil {
				used[s.Name] = counter{start: s.StartTime.Time, at: s.CPU.Time.Time, cpu: time.Duration(s.CPU.UsageCoreNanoSeconds)} //nolint:gosec // 292 years
			}
		}
		one.lastUsed[uid] = used
	}
}
