package server

import (
	"net/http"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/podrun"
)

// The parts of /stats/summary that monitoring reads; the names are those of
// the kubelet's stats/v1alpha1.
type summary struct {
	Node nodeStats  `json:"node"`
	Pods []podStats `json:"pods"`
}

type nodeStats struct {
	NodeName string `json:"nodeName"`
	// StartTime is when the machine began to count.
	StartTime *metav1.Time  `json:"startTime,omitempty"`
	CPU       *cpuStats     `json:"cpu,omitempty"`
	Memory    *memoryStats  `json:"memory,omitempty"`
	FS        *fsStats      `json:"fs,omitempty"`
	Runtime   *runtimeStats `json:"runtime,omitempty"`
}

type podStats struct {
	PodRef       podReference     `json:"podRef"`
	StartTime    metav1.Time      `json:"startTime"`
	Containers   []containerStats `json:"containers"`
	CPU          *cpuStats        `json:"cpu,omitempty"`
	Memory       *memoryStats     `json:"memory,omitempty"`
	VolumeStats  []volumeStats    `json:"volume,omitempty"`
	Ephemeral    *fsStats         `json:"ephemeral-storage,omitempty"`
	ProcessStats *processStats    `json:"process_stats,omitempty"`
}

type podReference struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	UID       string `json:"uid"`
}

type containerStats struct {
	Name      string       `json:"name"`
	StartTime metav1.Time  `json:"startTime"`
	CPU       *cpuStats    `json:"cpu,omitempty"`
	Memory    *memoryStats `json:"memory,omitempty"`
	Rootfs    *fsStats     `json:"rootfs,omitempty"`
	Logs      *fsStats     `json:"logs,omitempty"`
}

type cpuStats struct {
	Time metav1.Time `json:"time"`
	// UsageNanoCores is the rate since an earlier question, if there was one.
	UsageNanoCores       *uint64 `json:"usageNanoCores,omitempty"`
	UsageCoreNanoSeconds uint64  `json:"usageCoreNanoSeconds"`
}

type memoryStats struct {
	Time            metav1.Time `json:"time"`
	UsageBytes      uint64      `json:"usageBytes"`
	WorkingSetBytes uint64      `json:"workingSetBytes"`
}

type processStats struct {
	ProcessCount uint64 `json:"process_count"`
}

func (s *server) showSummary(w http.ResponseWriter, r *http.Request) {
	all, err := s.measure(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer := summary{Node: nodeStats{NodeName: s.Node}, Pods: []podStats{}}
	disks := s.disks(r.Context())
	answer.Node.FS, answer.Node.Runtime = disks.node(all.at)
	if all.node != nil {
		answer.Node.StartTime = booted()
		answer.Node.CPU, answer.Node.Memory = s.figures("", *all.node, all.at)
	}
	for _, p := range all.pods {
		c := p.box.Config
		pod := podStats{
			PodRef:    podReference{Name: c.Name, Namespace: c.Namespace, UID: c.UID},
			StartTime: metav1.NewTime(p.box.Created), Containers: []containerStats{},
			ProcessStats: &processStats{ProcessCount: p.stats.Processes},
		}
		pod.CPU, pod.Memory = s.figures(p.box.ID, p.stats, all.at)
		for _, running := range p.containers {
			one := containerStats{Name: running.Config.Name, StartTime: metav1.NewTime(running.Started)}
			one.CPU, one.Memory = s.figures(running.ID, p.stats.Containers[one.Name], all.at)
			pod.Containers = append(pod.Containers, one)
		}
		disks.pod(&pod)
		answer.Pods = append(answer.Pods, pod)
	}
	s.rates.forget(all.at)
	writeJSON(w, answer)
}

// figures are those of one thing, by its ID.
func (s *server) figures(id string, stats podrun.Stats, at time.Time) (*cpuStats, *memoryStats) {
	now := metav1.NewTime(at)
	return &cpuStats{Time: now, UsageNanoCores: s.rates.of(id, stats.CPU, at), UsageCoreNanoSeconds: uint64(stats.CPU)},
		&memoryStats{Time: now, UsageBytes: stats.Memory, WorkingSetBytes: stats.Memory}
}

// rates remembers what was used at an earlier time. The zero value is ready.
type rates struct {
	mu   sync.Mutex
	then map[string]used
}

// used is what had been used at a time, and at one before: two who ask may do so
// at almost the same time, and both are to hear of a rate.
type used struct {
	at, before     time.Time
	cpu, cpuBefore time.Duration
}

const (
	// shortestRate is over how long a rate is meaningful.
	shortestRate = 5 * time.Second
	// rateMemory is how long what does not run any more is remembered.
	rateMemory = time.Hour
)

// of is the rate in billionths of a processor; nil if nothing is known of
// before.
func (r *rates) of(id string, cpu time.Duration, at time.Time) *uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.then == nil {
		r.then = map[string]used{}
	}
	u, known := r.then[id]
	switch {
	case !known || cpu < u.cpu:
		r.then[id] = used{at: at, cpu: cpu}
		return nil
	case at.Sub(u.at) >= shortestRate:
		u = used{at: at, cpu: cpu, before: u.at, cpuBefore: u.cpu}
		r.then[id] = u
	}
	if u.before.IsZero() || !at.After(u.before) {
		return nil
	}
	rate := uint64(float64(cpu-u.cpuBefore) / at.Sub(u.before).Seconds())
	return &rate
}

// forget drops what nobody has asked for.
func (r *rates) forget(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, u := range r.then {
		if now.Sub(u.at) > rateMemory {
			delete(r.then, id)
		}
	}
}
