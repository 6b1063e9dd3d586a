package node

import (
	"context"
	"net"

	"k8s.io/client-go/informers"

	"github.com/causeway-access/causeway/internal/node/pods"
	"github.com/causeway-access/causeway/internal/node/podspec"
	"github.com/causeway-access/causeway/internal/node/register"
	"github.com/causeway-access/causeway/internal/node/volume"
	"github.com/causeway-access/causeway/internal/svcproxy/userspace"
)

// Where volumes, small files of pods and their logs are in the node's directory.
const (
	volumesDir = "volumes"
	stateDir   = "state"
	logsDir    = "logs"
)

// maxProcesses bounds the processes and threads of a pod, so that one that
// makes more and more of them stops itself and not the machine.
const maxProcesses = 4096

func (a *Agent) register(ctx context.Context) error {
	var err error
	a.node, err = register.New(register.Config{
		Name: a.cfg.Name, Client: a.client, Addresses: a.cfg.Addresses, Tunnelled: a.cfg.Tunnelled,
		Port: int32(a.listener.Addr().(*net.TCPAddr).Port),
		Dir:  a.cfg.Dir, Runtime: a.runtimeVersion, Missing: a.missing, Ready: a.running,
		Scarce: a.scarce, Images: a.images, Log: a.cfg.Log,
	})
	if err != nil {
		return err
	}
	a.run("keeping the node registered", a.node.Run)
	return a.node.Register(ctx)
}

func (a *Agent) prepareServices(context.Context) error {
	a.informers = informers.NewSharedInformerFactory(a.client, 0)
	static := a.cfg.Static
	if a.cfg.ServeDNS {
		own, err := a.prepareDNS()
		if err != nil {
			return err
		}
		static = append(own, static...)
	}
	var err error
	a.services, err = userspace.New(userspace.Config{
		Informers: a.informers, Node: a.cfg.Name, Ranges: a.cfg.ServiceRanges, Static: static,
		Dial: a.dialEndpoint, Addresses: a.cfg.Addresses,
		NodeListen: a.cfg.NodeListen, NodeListenPacket: a.cfg.NodeListenPacket, Failed: a.tellPorts(),
		Register: a.cfg.Register, Logger: a.cfg.Log,
	})
	if err != nil {
		return err
	}
	a.run("the way to services", a.services.Run)
	return nil
}

func (a *Agent) prepareVolumes(context.Context) error {
	var err error
	a.volumes, err = volume.New(volume.Config{
		Dir: a.cfg.path(volumesDir), Node: a.cfg.Name, Client: a.client, Allocatable: a.node.Allocatable, Log: a.cfg.Log,
	})
	if err != nil {
		return err
	}
	a.run("keeping volumes current", a.volumes.Run)
	return nil
}

func (a *Agent) preparePods(context.Context) error {
	var err error
	a.pods, err = pods.New(pods.Config{
		Client: a.client, Runtime: a.runtime, Volumes: a.volumes, Scheme: a.runtime.Name(),
		Services: a.informers.Core().V1().Services(), HostPorts: a.services,
		Node: podspec.Node{
			Name: a.cfg.Name, IPs: a.cfg.Addresses, Allocatable: a.node.Allocatable(),
			ClusterDNS: a.cfg.ClusterDNS, OwnDNS: a.ownDNS, MaxProcesses: maxProcesses,
		},
		Dir: a.cfg.path(stateDir), LogDir: a.cfg.path(logsDir), Log: a.cfg.Log,
	})
	if err != nil {
		return err
	}
	a.run("running pods", a.pods.Run)
	return nil
}
