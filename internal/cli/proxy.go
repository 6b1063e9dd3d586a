package cli

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/cmd/proxy"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
)

// newProxy is kubectl's proxy with our help.
func newProxy(streams genericiooptions.IOStreams) *cobra.Command {
	connection := newConnection()
	c := proxy.NewCmdProxy(cmdutil.NewFactory(connection), streams)
	c.Short = "Serve the API on this machine without credentials"
	c.Long = `Serve the cluster's API on a local port, with your credentials added to each
request. Whoever reaches the port acts as you, so it listens on 127.0.0.1 only
and refuses requests made to other host names.`
	c.Example = `  causeway proxy --port=8080
  curl http://localhost:8080/api/
  curl http://localhost:8080/api/v1/namespaces/default/services/echo/proxy/
  causeway proxy --port=0                      # any free port; it is printed
  causeway proxy --unix-socket=/run/user/1000/causeway.sock`
	c.Args = noArguments
	addConnection(c, connection)
	return c
}
