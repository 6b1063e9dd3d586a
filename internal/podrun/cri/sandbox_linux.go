package cri

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	pb "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/causeway-access/causeway/internal/podrun"
)

// What a runtime keeps for us, as annotations and labels.
const (
	// kept is the annotation with what is to be known again.
	kept = "causeway.io/podrun"
	// labelAgent is on all that is ours, with the directory that it belongs to.
	labelAgent = "causeway.io/agent"
	// labelGroup is a sandbox' own name, chosen before its ID is known: that
	// of its control group.
	labelGroup = "causeway.io/group"
)

// podsDir has a directory for each sandbox, in Root.
const podsDir = "pods"

// longestStart is how long the making of a sandbox may take: plugins of
// networks and virtual machines take their time.
const longestStart = 4 * time.Minute

// agent is the value of labelAgent: others may use the same runtime.
func agent(root string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(root))
	return fmt.Sprintf("%016x", h.Sum64())
}

// ours selects what has our label.
func (r *Runtime) ours() map[string]string {
	return map[string]string{labelAgent: agent(r.config.Root)}
}

// RunSandbox implements [podrun.Sandboxes].
func (r *Runtime) RunSandbox(ctx context.Context, config podrun.SandboxConfig) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, longestStart)
	defer cancel()
	group := strings.ToLower(rand.Text()[:16])
	id, err := r.runSandbox(ctx, group, config)
	if err != nil {
		err = errors.Join(err, r.undo(context.WithoutCancel(ctx), group))
		return "", fmt.Errorf("making the sandbox of %s/%s: %w", config.Namespace, config.Name, err)
	}
	return id, nil
}

func (r *Runtime) runSandbox(ctx context.Context, group string, config podrun.SandboxConfig) (string, error) {
	request, err := r.sandboxConfig(group, config)
	if err != nil {
		return "", err
	}
	if err := r.groups.make(group, config.Resources); err != nil {
		return "", err
	}
	response, err := r.runtime.RunPodSandbox(ctx, &pb.RunPodSandboxRequest{Config: request})
	if err != nil {
		return "", plain(err)
	}
	return response.GetPodSandboxId(), nil
}

// undo removes what a runtime has left of a sandbox that it could not make.
func (r *Runtime) undo(ctx context.Context, group string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	list, err := r.runtime.ListPodSandbox(ctx, &pb.ListPodSandboxRequest{Filter: &pb.PodSandboxFilter{LabelSelector: map[string]string{labelGroup: group}}})
	errs := []error{plain(err)}
	for _, s := range list.GetItems() {
		errs = append(errs, r.erase(ctx, s.GetId()))
	}
	return errors.Join(append(errs, r.groups.remove(group))...)
}

// sandboxConfig is what a runtime is told of a sandbox.
func (r *Runtime) sandboxConfig(group string, config podrun.SandboxConfig) (*pb.PodSandboxConfig, error) {
	note, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("writing the sandbox down: %w", err)
	}
	// It is the same whenever a runtime is told of a sandbox, as CRI has it.
	return &pb.PodSandboxConfig{
		Metadata:     &pb.PodSandboxMetadata{Name: config.Name, Uid: config.UID, Namespace: config.Namespace, Attempt: config.Attempt},
		Hostname:     hostname(config),
		DnsConfig:    dnsConfig(config.DNS),
		LogDirectory: r.config.LogDir,
		Annotations:  map[string]string{kept: string(note)},
		Labels:       r.labels(config, labelGroup, group),
		Linux: &pb.LinuxPodSandboxConfig{
			CgroupParent: r.groups.path(group), Sysctls: config.Sysctls,
			SecurityContext: &pb.LinuxSandboxSecurityContext{
				NamespaceOptions: namespaces(config), Privileged: config.Privileged,
				Seccomp: &pb.SecurityProfile{ProfileType: pb.SecurityProfile_RuntimeDefault},
			},
		},
	}, nil
}

// labels are ours, those that tools for containers look at, and one more.
func (r *Runtime) labels(config podrun.SandboxConfig, name, value string) map[string]string {
	return map[string]string{
		labelAgent: agent(r.config.Root), name: value,
		"io.kubernetes.pod.name": config.Name, "io.kubernetes.pod.namespace": config.Namespace, "io.kubernetes.pod.uid": config.UID,
	}
}

// hostname of a sandbox: of a pod's name, as much as the kernel takes; the
// node's own, which is none here, with its network.
func hostname(config podrun.SandboxConfig) string {
	if config.HostNetwork {
		return ""
	}
	name := config.Hostname
	if name == "" {
		name = config.Name
	}
	return name[:min(len(name), 63)]
}

func dnsConfig(dns podrun.DNS) *pb.DNSConfig {
	if len(dns.Servers) == 0 {
		return nil // the node's
	}
	config := &pb.DNSConfig{Searches: dns.Searches, Options: dns.Options}
	for _, s := range dns.Servers {
		config.Servers = append(config.Servers, s.String())
	}
	return config
}

// namespaces are a pod's own but for those of the node. All containers share
// them, processes too.
func namespaces(config podrun.SandboxConfig) *pb.NamespaceOption {
	choose := func(node bool) pb.NamespaceMode {
		if node {
			return pb.NamespaceMode_NODE
		}
		return pb.NamespaceMode_POD
	}
	return &pb.NamespaceOption{Network: choose(config.HostNetwork), Pid: choose(config.HostPID), Ipc: choose(config.HostIPC)}
}

// StopSandbox implements [podrun.Sandboxes].
func (r *Runtime) StopSandbox(ctx context.Context, id string) error {
	_, err := r.runtime.StopPodSandbox(ctx, &pb.StopPodSandboxRequest{PodSandboxId: id})
	if err = plain(err); err != nil && !notFound(err) {
		return fmt.Errorf("stopping the sandbox %s: %w", id, err)
	}
	return nil
}

// RemoveSandbox implements [podrun.Sandboxes]. The control group goes last: a
// group without a sandbox is removed at the next start.
func (r *Runtime) RemoveSandbox(ctx context.Context, id string) error {
	status, err := r.sandboxStatus(ctx, id)
	if notFound(err) {
		return nil
	}
	if err == nil {
		err = r.erase(ctx, id)
	}
	if err == nil {
		err = r.groups.remove(status.GetLabels()[labelGroup])
	}
	if err != nil {
		return fmt.Errorf("removing the sandbox %s: %w", id, err)
	}
	return nil
}

// erase removes a sandbox, its containers, and its files.
func (r *Runtime) erase(ctx context.Context, id string) error {
	if err := r.StopSandbox(ctx, id); err != nil {
		return err
	}
	_, err := r.runtime.RemovePodSandbox(ctx, &pb.RemovePodSandboxRequest{PodSandboxId: id})
	if err = plain(err); err != nil && !notFound(err) {
		return err
	}
	return os.RemoveAll(r.path(id))
}

// path is a file of a sandbox.
func (r *Runtime) path(id string, names ...string) string {
	return filepath.Join(append([]string{r.config.Root, podsDir, id}, names...)...)
}

func (r *Runtime) sandboxStatus(ctx context.Context, id string) (*pb.PodSandboxStatus, error) {
	response, err := r.runtime.PodSandboxStatus(ctx, &pb.PodSandboxStatusRequest{PodSandboxId: id})
	if err != nil {
		return nil, plain(err)
	}
	return response.GetStatus(), nil
}

// sandboxOf reads a sandbox without its containers.
func sandboxOf(status *pb.PodSandboxStatus) (podrun.Sandbox, error) {
	s := podrun.Sandbox{
		ID: status.GetId(), Created: time.Unix(0, status.GetCreatedAt()),
		Ready: status.GetState() == pb.PodSandboxState_SANDBOX_READY,
	}
	if err := json.Unmarshal([]byte(status.GetAnnotations()[kept]), &s.Config); err != nil {
		return s, fmt.Errorf("reading what was kept of the sandbox %s: %w", s.ID, err)
	}
	texts := []string{status.GetNetwork().GetIp()}
	for _, ip := range status.GetNetwork().GetAdditionalIps() {
		texts = append(texts, ip.GetIp())
	}
	for _, text := range texts {
		if ip, err := netip.ParseAddr(text); err == nil && !s.Config.HostNetwork {
			s.IPs = append(s.IPs, ip)
		}
	}
	return s, nil
}

// sweep removes the files and control groups of sandboxes that are no more.
func (r *Runtime) sweep(ctx context.Context) error {
	list, err := r.runtime.ListPodSandbox(ctx, &pb.ListPodSandboxRequest{Filter: &pb.PodSandboxFilter{LabelSelector: r.ours()}})
	if err != nil {
		return fmt.Errorf("listing sandboxes: %w", plain(err))
	}
	var ids, names []string
	for _, s := range list.GetItems() {
		ids, names = append(ids, s.GetId()), append(names, s.GetLabels()[labelGroup])
	}
	entries, err := os.ReadDir(r.path(""))
	errs := []error{err}
	for _, e := range entries {
		if !slices.Contains(ids, e.Name()) {
			errs = append(errs, os.RemoveAll(r.path(e.Name())))
		}
	}
	for _, name := range r.groups.root.Groups() {
		if !slices.Contains(names, name) {
			errs = append(errs, r.groups.remove(name))
		}
	}
	return errors.Join(errs...)
}
