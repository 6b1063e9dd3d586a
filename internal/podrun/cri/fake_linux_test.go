package cri

import (
	"context"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	pb "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// fake is a small runtime that is not containerd: it has events, and leaves
// control groups to systemd. Its containers run until end.
type fake struct {
	pb.UnimplementedRuntimeServiceServer
	pb.UnimplementedImageServiceServer

	mu         sync.Mutex
	containers map[string]*pb.ContainerStatus
	events     chan *pb.ContainerEventResponse
	// listed counts how often containers were asked for.
	listed int
	// unready is what the network lacks. When it has been told twice,
	// impatient is called.
	unready   string
	told      int
	impatient func()
}

// served is what is served: a fake, or one that has more.
type served interface {
	pb.RuntimeServiceServer
	pb.ImageServiceServer
}

// serve serves it on a socket.
func (f *fake) serve(t *testing.T) string {
	t.Helper()
	return f.serveAs(t, f)
}

func (f *fake) serveAs(t *testing.T, whole served) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	f.containers, f.events = map[string]*pb.ContainerStatus{}, make(chan *pb.ContainerEventResponse)
	s := grpc.NewServer()
	pb.RegisterRuntimeServiceServer(s, whole)
	pb.RegisterImageServiceServer(s, whole)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		s.Stop()
		<-done
	})
	return path
}

// run adds a container that runs.
func (f *fake) run(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.containers[id] = &pb.ContainerStatus{
		Id: id, State: pb.ContainerState_CONTAINER_RUNNING, StartedAt: 1, Annotations: map[string]string{kept: "{}"},
	}
}

// end ends a container.
func (f *fake) end(id string, code int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.containers[id] = &pb.ContainerStatus{
		Id: id, State: pb.ContainerState_CONTAINER_EXITED, ExitCode: code, StartedAt: 1, FinishedAt: 2, Annotations: map[string]string{kept: "{}"},
	}
}

func (f *fake) Version(context.Context, *pb.VersionRequest) (*pb.VersionResponse, error) {
	return &pb.VersionResponse{RuntimeName: "cri-o", RuntimeVersion: "1", RuntimeApiVersion: "v1"}, nil
}

func (f *fake) Status(context.Context, *pb.StatusRequest) (*pb.StatusResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.told++; f.unready != "" && f.told == 2 {
		f.impatient()
	}
	return &pb.StatusResponse{Status: &pb.RuntimeStatus{Conditions: []*pb.RuntimeCondition{
		{Type: pb.RuntimeReady, Status: true},
		{Type: pb.NetworkReady, Status: f.unready == "", Reason: "NetworkPluginNotReady", Message: f.unready},
	}}}, nil
}

func (f *fake) RuntimeConfig(context.Context, *pb.RuntimeConfigRequest) (*pb.RuntimeConfigResponse, error) {
	return &pb.RuntimeConfigResponse{Linux: &pb.LinuxRuntimeConfiguration{CgroupDriver: pb.CgroupDriver_SYSTEMD}}, nil
}

func (f *fake) ListPodSandbox(context.Context, *pb.ListPodSandboxRequest) (*pb.ListPodSandboxResponse, error) {
	return &pb.ListPodSandboxResponse{}, nil
}

func (f *fake) ListContainers(context.Context, *pb.ListContainersRequest) (*pb.ListContainersResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listed++
	response := &pb.ListContainersResponse{}
	for id, c := range f.containers {
		if c.GetState() == pb.ContainerState_CONTAINER_RUNNING {
			response.Containers = append(response.Containers, &pb.Container{Id: id, State: c.GetState()})
		}
	}
	return response, nil
}

func (f *fake) ContainerStatus(_ context.Context, request *pb.ContainerStatusRequest) (*pb.ContainerStatusResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.containers[request.GetContainerId()]
	if c == nil {
		return nil, status.Errorf(codes.NotFound, "no container %s", request.GetContainerId())
	}
	return &pb.ContainerStatusResponse{Status: c}, nil
}

func (f *fake) GetContainerEvents(_ *pb.GetEventsRequest, stream pb.RuntimeService_GetContainerEventsServer) error {
	for {
		select {
		case event := <-f.events:
			if err := stream.Send(event); err != nil {
				return err
			}
		case <-stream.Context().Done():
			return nil
		}
	}
}
