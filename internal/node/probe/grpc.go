package probe

import (
	"context"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

// health succeeds if the server says SERVING (grpc.health.v1). Without TLS, as
// the API defines it.
func (t Target) health(ctx context.Context, action *corev1.GRPCAction) Result {
	address, err := t.address("", intstr.FromInt32(action.Port))
	if err != nil {
		return Result{Unknown, err.Error()}
	}
	conn, err := grpc.NewClient("passthrough:///"+address,
		grpc.WithUserAgent(userAgent()),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) { return t.dial(ctx, "tcp", address) }))
	if err != nil {
		return Result{Unknown, err.Error()}
	}
	defer conn.Close()
	begun := time.Now()
	answer, err := grpc_health_v1.NewHealthClient(conn).Check(ctx,
		&grpc_health_v1.HealthCheckRequest{Service: ptr.Deref(action.Service, "")})
	switch s := status.Convert(err); s.Code() {
	case codes.OK:
	case codes.Unimplemented:
		return failure("error: this server does not implement the grpc health protocol (grpc.health.v1.Health): %s", s.Message())
	case codes.DeadlineExceeded:
		return failure("timeout: health rpc did not complete within %s", time.Since(begun).Round(time.Millisecond))
	case codes.Unavailable:
		return failure("error: failed to connect service %q: %s", address, s.Message())
	default:
		return failure("error: health rpc probe failed: %v", err)
	}
	if answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		return failure("service unhealthy (responded with %q)", answer.GetStatus())
	}
	return Result{Outcome: Success, Message: "service healthy"}
}
