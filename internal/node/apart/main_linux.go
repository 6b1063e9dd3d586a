package apart

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	restclient "k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/causeway-access/causeway/internal/node"
	"github.com/causeway-access/causeway/internal/node/servers"
	"github.com/causeway-access/causeway/internal/podrun/ns/userns"
)

// Main is the whole process if it is called as [Name]: then it does not return.
func Main(args []string) {
	if len(args) == 0 || args[0] != Name {
		return
	}
	if err := inside(); err != nil {
		slog.Error(err.Error())
		os.Exit(1)
	}
	os.Exit(0)
}

// inside does what the process is told to.
func inside() error {
	var t task
	if err := json.NewDecoder(os.Stdin).Decode(&t); err != nil {
		return fmt.Errorf("reading what to do: %w", err)
	}
	level := slog.LevelInfo
	if t.Debug {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	slog.SetDefault(log)
	klog.SetSlogLogger(log)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	switch {
	case t.Run != nil:
		return runAgent(ctx, t.Run)
	case t.End != nil:
		ended, err := node.EndPods(ctx, t.End.Dir, "", t.End.Grace)
		return errors.Join(err, json.NewEncoder(os.Stdout).Encode(ended))
	}
	return errors.New("there is nothing to do")
}

// runAgent runs the agent until ctx ends, or the process that has started it.
func runAgent(ctx context.Context, s *Settings) error {
	ready := os.NewFile(readyFile, "ready")
	syscall.CloseOnExec(readyFile)
	outside, err := userns.NewOutside(os.NewFile(outsideFile, "outside"))
	if err != nil {
		return err
	}
	defer outside.Close()
	cfg, err := s.config(outside, slog.Default())
	if err != nil {
		return err
	}
	agent, err := node.New(cfg)
	if err != nil {
		return err
	}
	go func() {
		select {
		case <-agent.Ready():
			_, _ = ready.Write([]byte{1}) // nobody may be there any more
		case <-ctx.Done():
		}
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		<-outside.Ended()
		cancel()
	}()
	return agent.Run(ctx)
}

// config is the agent's in this network.
func (s *Settings) config(outside *userns.Outside, log *slog.Logger) (node.Config, error) {
	clients, err := dynamiccertificates.NewDynamicCAContentFromFile("the cluster's authority", s.CAFile)
	if err != nil {
		return node.Config{}, err
	}
	cfg := node.Config{
		Name: s.Name, Addresses: s.Addresses, Tunnelled: true, Outside: outside.Dial,
		NodeListen: outside.Listen, NodeListenPacket: outside.ListenPacket,
		Listen: net.JoinHostPort("127.0.0.1", strconv.Itoa(int(s.Port))),
		API: &restclient.Config{
			Host: s.Server, UserAgent: "causeway-node", Dial: outside.Dial,
			TLSClientConfig: restclient.TLSClientConfig{CAFile: s.CAFile, CertFile: s.ClientCert, KeyFile: s.ClientKey},
		},
		Dir: s.Dir, Hidden: s.Hidden, Certificate: s.certificate, ClientCA: clients,
		ServiceRanges: s.ServiceRanges, PodRange: s.PodRange, Static: s.Static,
		ClusterDNS: s.ClusterDNS, ServeDNS: s.ServeDNS, Upkeep: s.Upkeep, Log: log,
	}
	if len(s.Servers) == 0 {
		return cfg, nil
	}
	if cfg.Servers, err = servers.New(servers.Config{Given: s.Servers, Dial: outside.Dial, Log: log}); err != nil {
		return node.Config{}, err
	}
	cfg.API.Dial, cfg.API.ServerName = cfg.Servers.Dial, servers.Name
	return cfg, nil
}

// certificate reads what the node's API shows. It is renewed by another
// process, and connections are few.
func (s *Settings) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(s.ServingCert, s.ServingKey)
	return &pair, err
}
