package cri

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	pb "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// crioFake is a runtime that refuses what CRI-O with its own settings refuses,
// and what CRI does not allow: its control groups are systemd's, it tells of no
// events, knows images by IDs without an algorithm, and completes no short names.
type crioFake struct {
	fake
	sandboxes map[string]*pb.PodSandboxConfig
	made      map[string]*pb.CreateContainerRequest
	// images are names by ID.
	images map[string][]string
}

func refuse(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, "refused: "+format, args...)
}

// named finds an image; CRI-O asks its configuration, and perhaps a person,
// what a short name means.
func (f *crioFake) named(name string) (id string, err error) {
	if len(name) == 64 {
		if f.images[name] == nil {
			return "", nil
		}
		return name, nil
	}
	ref, err := reference.Parse(name)
	if err != nil {
		return "", refuse("the image's name %q: %v", name, err)
	}
	if n, ok := ref.(reference.Named); !ok || !strings.ContainsAny(reference.Domain(n), ".:") {
		return "", refuse("the image's name %q is short", name)
	}
	for id, names := range f.images {
		if slices.Contains(names, name) {
			return id, nil
		}
	}
	return "", nil
}

func (f *crioFake) ImageStatus(_ context.Context, request *pb.ImageStatusRequest) (*pb.ImageStatusResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id, err := f.named(request.GetImage().GetImage())
	if err != nil || id == "" {
		return &pb.ImageStatusResponse{}, err // one that is not here is no error
	}
	return &pb.ImageStatusResponse{Image: &pb.Image{Id: id, RepoTags: f.images[id], Username: "web"}}, nil
}

func (f *crioFake) PullImage(_ context.Context, request *pb.PullImageRequest) (*pb.PullImageResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := request.GetImage().GetImage()
	id, err := f.named(name)
	if err != nil {
		return nil, err
	}
	if id == "" {
		id = fmt.Sprintf("%064x", len(f.images)+1)
		f.images[id] = []string{name}
	}
	return &pb.PullImageResponse{ImageRef: id}, nil
}

// RemoveImage takes a name away from an image, which goes with the last.
func (f *crioFake) RemoveImage(_ context.Context, request *pb.RemoveImageRequest) (*pb.RemoveImageResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id, err := f.named(request.GetImage().GetImage())
	if err == nil {
		delete(f.images, id)
	}
	return &pb.RemoveImageResponse{}, err
}

// GetContainerEvents ends at once where events are switched off.
func (f *crioFake) GetContainerEvents(*pb.GetEventsRequest, pb.RuntimeService_GetContainerEventsServer) error {
	return nil
}

func (f *crioFake) RunPodSandbox(_ context.Context, request *pb.RunPodSandboxRequest) (*pb.RunPodSandboxResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := request.GetConfig()
	m, linux := c.GetMetadata(), c.GetLinux()
	id := strings.Join([]string{m.GetName(), m.GetNamespace(), m.GetUid(), fmt.Sprint(m.GetAttempt())}, "_")
	switch parent := linux.GetCgroupParent(); {
	case m.GetName() == "", m.GetNamespace() == "", m.GetUid() == "":
		return nil, refuse("the sandbox' name is %v", m)
	case parent != "" && !strings.HasSuffix(filepath.Base(parent), ".slice"):
		return nil, refuse("did not receive slice as parent: %s", parent)
	case !filepath.IsAbs(c.GetLogDirectory()):
		return nil, refuse("the directory of logs is %q", c.GetLogDirectory())
	case linux.GetSecurityContext().GetNamespaceOptions() == nil:
		return nil, refuse("no namespaces are chosen")
	case f.sandboxes[id] != nil:
		return nil, refuse("name %s is reserved", id)
	}
	f.sandboxes[id] = c
	return &pb.RunPodSandboxResponse{PodSandboxId: id}, nil
}

func (f *crioFake) PodSandboxStatus(_ context.Context, request *pb.PodSandboxStatusRequest) (*pb.PodSandboxStatusResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := request.GetPodSandboxId()
	c := f.sandboxes[id]
	if c == nil {
		return nil, status.Errorf(codes.NotFound, "could not find pod %q", id)
	}
	return &pb.PodSandboxStatusResponse{Status: &pb.PodSandboxStatus{
		Id: id, Metadata: c.GetMetadata(), Labels: c.GetLabels(), Annotations: c.GetAnnotations(), Network: &pb.PodSandboxNetworkStatus{Ip: "10.244.0.2"},
	}}, nil
}

// StopPodSandbox and RemovePodSandbox succeed where there is nothing.
func (f *crioFake) StopPodSandbox(context.Context, *pb.StopPodSandboxRequest) (*pb.StopPodSandboxResponse, error) {
	return &pb.StopPodSandboxResponse{}, nil
}

func (f *crioFake) RemovePodSandbox(_ context.Context, request *pb.RemovePodSandboxRequest) (*pb.RemovePodSandboxResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.sandboxes, request.GetPodSandboxId())
	return &pb.RemovePodSandboxResponse{}, nil
}

func (f *crioFake) CreateContainer(_ context.Context, request *pb.CreateContainerRequest) (*pb.CreateContainerResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, told, sandbox := request.GetConfig(), request.GetSandboxConfig(), f.sandboxes[request.GetPodSandboxId()]
	context := c.GetLinux().GetSecurityContext()
	// Nothing of a sandbox changes; what is added to it may be privileged.
	same := proto.CloneOf(told)
	if sandbox != nil {
		same.Linux.SecurityContext.Privileged = sandbox.GetLinux().GetSecurityContext().GetPrivileged()
	}
	switch id, err := f.named(c.GetImage().GetImage()); {
	case err != nil:
		return nil, err
	case sandbox == nil, !proto.Equal(same, sandbox):
		return nil, refuse("the sandbox is told as %v, and was made as %v", told, sandbox)
	case id == "" || f.images[c.GetImage().GetImage()] == nil:
		return nil, refuse("the image %q is not an ID of one that is here", c.GetImage().GetImage())
	case context.GetPrivileged() && !told.GetLinux().GetSecurityContext().GetPrivileged():
		return nil, refuse("no privileged container allowed in sandbox")
	case context.GetRunAsGroup() != nil && context.GetRunAsUser() == nil && context.GetRunAsUsername() == "":
		return nil, refuse("user group is specified without user or username")
	case !filepath.IsLocal(c.GetLogPath()):
		return nil, refuse("the log is %q", c.GetLogPath())
	case c.GetMetadata().GetName() == "":
		return nil, refuse("the container's name is empty")
	}
	for _, m := range c.GetMounts() {
		if m.GetContainerPath() == "" || m.GetHostPath() == "" {
			return nil, refuse("the mount %v", m)
		}
	}
	id := request.GetPodSandboxId() + "_" + c.GetMetadata().GetName()
	f.made[id] = request
	f.containers[id] = &pb.ContainerStatus{
		Id: id, State: pb.ContainerState_CONTAINER_RUNNING, Labels: c.GetLabels(), Annotations: c.GetAnnotations(),
	}
	return &pb.CreateContainerResponse{ContainerId: id}, nil
}

func (f *crioFake) StopContainer(context.Context, *pb.StopContainerRequest) (*pb.StopContainerResponse, error) {
	return &pb.StopContainerResponse{}, nil
}

func (f *crioFake) RemoveContainer(_ context.Context, request *pb.RemoveContainerRequest) (*pb.RemoveContainerResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.containers, request.GetContainerId())
	return &pb.RemoveContainerResponse{}, nil
}

// streams checks what a session is to carry; there is none.
func streams(stdin, stdout, stderr, tty bool) error {
	switch {
	case !stdin && !stdout && !stderr:
		return refuse("one of stdin, stdout, or stderr must be set")
	case tty && stderr:
		return refuse("tty and stderr cannot both be true")
	}
	return status.Error(codes.Unavailable, "taken, but there are no sessions here")
}

func (f *crioFake) Exec(_ context.Context, r *pb.ExecRequest) (*pb.ExecResponse, error) {
	return nil, streams(r.GetStdin(), r.GetStdout(), r.GetStderr(), r.GetTty())
}

func (f *crioFake) Attach(_ context.Context, r *pb.AttachRequest) (*pb.AttachResponse, error) {
	return nil, streams(r.GetStdin(), r.GetStdout(), r.GetStderr(), r.GetTty())
}
