package cluster

import (
	"github.com/causeway-access/causeway/internal/controller"
	"github.com/causeway-access/causeway/internal/controller/daemonset"
	"github.com/causeway-access/causeway/internal/controller/deployment"
	"github.com/causeway-access/causeway/internal/controller/job"
	"github.com/causeway-access/causeway/internal/controller/nodeipam"
	"github.com/causeway-access/causeway/internal/controller/nodelifecycle"
	"github.com/causeway-access/causeway/internal/controller/podgc"
	"github.com/causeway-access/causeway/internal/controller/replicaset"
	"github.com/causeway-access/causeway/internal/controller/replicationcontroller"
	"github.com/causeway-access/causeway/internal/controller/scheduler"
)

// controllersLease is what the API servers of a cluster compete for: the one
// that holds it runs the controllers that cannot share their work.
const controllersLease = "causeway-controllers"

// electing gives controllers what those of them share that must not work in
// two processes at once, and events for all.
func (c *Cluster) electing(shared controller.Config) controller.Config {
	shared.Events = controller.NewEvents(shared.Client)
	identity := c.serverName() + "_" + c.at.advertised.String()
	shared.Election = controller.NewElection(shared.Client, controllersLease, identity, c.log)
	c.controllers = append(c.controllers, shared.Events, shared.Election)
	return shared
}

// workloads are the controllers that make pods, place them, and clear them away.
func (c *Cluster) workloads(shared controller.Config) []func() (controller.Controller, error) {
	return []func() (controller.Controller, error){
		func() (controller.Controller, error) { return replicationcontroller.New(shared) },
		func() (controller.Controller, error) { return replicaset.New(shared) },
		func() (controller.Controller, error) { return deployment.New(shared) },
		func() (controller.Controller, error) { return daemonset.New(shared) },
		func() (controller.Controller, error) { return job.New(shared) },
		func() (controller.Controller, error) { return scheduler.New(shared) },
		func() (controller.Controller, error) { return nodelifecycle.New(shared) },
		func() (controller.Controller, error) {
			return nodeipam.New(shared, nodeipam.Config{Cluster: c.podCIDR})
		},
		func() (controller.Controller, error) { return podgc.New(shared, podgc.Config{}) },
	}
}
