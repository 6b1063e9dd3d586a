package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/kubectl/pkg/scheme"
)

// dumped are the kinds that a dump of a namespace holds, by the names of their
// files, in kubectl's order. Pods come last, for their logs follow them.
var dumped = []struct {
	file     string
	resource schema.GroupVersionResource
}{
	{"events", corev1.SchemeGroupVersion.WithResource("events")},
	{"replication-controllers", corev1.SchemeGroupVersion.WithResource("replicationcontrollers")},
	{"services", corev1.SchemeGroupVersion.WithResource("services")},
	{"daemonsets", schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "daemonsets"}},
	{"deployments", schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}},
	{"replicasets", schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "replicasets"}},
	{"pods", corev1.SchemeGroupVersion.WithResource("pods")},
}

// dump writes the state of a cluster, for whoever has to find out what is wrong.
type dump struct {
	genericiooptions.IOStreams
	printFlags    *genericclioptions.PrintFlags
	directory     string
	namespaces    []string
	allNamespaces bool

	printer printers.ResourcePrinter
	lists   dynamic.Interface
	client  kubernetes.Interface
}

func newDump(streams genericiooptions.IOStreams, connection *genericclioptions.ConfigFlags) *cobra.Command {
	d := &dump{IOStreams: streams, printFlags: genericclioptions.NewPrintFlags("").WithTypeSetter(scheme.Scheme).WithDefaultOutput("json")}
	c := &cobra.Command{
		Use:   "dump",
		Short: "Print the state of the cluster, for finding out what is wrong",
		Long: `Print nodes, and for each namespace events, services, controllers, pods and the
logs of the pods: to standard output, or as files in a directory. Kinds that the
cluster does not serve are left out. Logs may hold secrets; the files are
readable by you alone.

The namespaces are kube-system and that of the context, unless flags say other.`,
		Example: `  causeway cluster-info dump
  causeway cluster-info dump --output-directory=/tmp/cluster-state
  causeway cluster-info dump --all-namespaces -o yaml
  causeway cluster-info dump --namespaces default,kube-system`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := d.run(cmd.Context(), connection); err != nil {
				return fmt.Errorf("dump the cluster: %w", err)
			}
			return nil
		},
	}
	d.printFlags.AddFlags(c)
	c.Flags().StringVar(&d.directory, "output-directory", "", `directory for the files; "" or "-" means standard output`)
	c.Flags().StringSliceVar(&d.namespaces, "namespaces", nil, "namespaces to dump, separated by commas")
	_ = c.RegisterFlagCompletionFunc("namespaces", namespaces(connection)) // it was added a line above
	c.Flags().BoolVarP(&d.allNamespaces, "all-namespaces", "A", false, "dump all namespaces, whatever --namespaces says")
	return c
}

func (d *dump) run(ctx context.Context, connection *genericclioptions.ConfigFlags) error {
	if err := d.connect(connection); err != nil {
		return err
	}
	namespaces, err := d.chooseNamespaces(ctx, connection)
	if err != nil {
		return err
	}
	if err := d.list(ctx, corev1.SchemeGroupVersion.WithResource("nodes"), "", "nodes"); err != nil {
		return err
	}
	for _, namespace := range namespaces {
		for _, kind := range dumped {
			if err := d.list(ctx, kind.resource, namespace, filepath.Join(namespace, kind.file)); err != nil {
				return err
			}
		}
		if err := d.logs(ctx, namespace); err != nil {
			return err
		}
	}
	if d.toFiles() {
		fmt.Fprintf(d.Out, "Cluster info dumped to %s\n", d.directory)
	}
	return nil
}

func (d *dump) connect(connection *genericclioptions.ConfigFlags) error {
	config, err := restConfig(connection)
	if err != nil {
		return err
	}
	if d.printer, err = d.printFlags.ToPrinter(); err != nil {
		return usageError{err}
	}
	if d.lists, err = dynamic.NewForConfig(config); err != nil {
		return err
	}
	d.client, err = kubernetes.NewForConfig(config)
	return err
}

// chooseNamespaces follows the flags; each namespace comes once.
func (d *dump) chooseNamespaces(ctx context.Context, connection *genericclioptions.ConfigFlags) ([]string, error) {
	if d.allNamespaces {
		list, err := d.client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		var names []string
		for _, n := range list.Items {
			names = append(names, n.Name)
		}
		return names, nil
	}
	if len(d.namespaces) > 0 {
		return d.namespaces, nil
	}
	current, _, err := connection.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, err
	}
	return slices.Compact([]string{metav1.NamespaceSystem, current}), nil
}

// list dumps the objects of one kind, or nothing if the kind is not served.
func (d *dump) list(ctx context.Context, kind schema.GroupVersionResource, namespace, file string) error {
	objects, err := d.lists.Resource(kind).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.write(file+d.extension(), func(w io.Writer) error { return d.printer.PrintObj(objects, w) })
}

// logs dumps what each container of a namespace has printed. A log that cannot
// be read does not end the dump: it may be the very thing that is wrong.
func (d *dump) logs(ctx context.Context, namespace string) error {
	pods, err := d.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		err := d.write(filepath.Join(namespace, pod.Name, "logs.txt"), func(w io.Writer) error {
			for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
				d.log(ctx, w, pod, container.Name)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *dump) log(ctx context.Context, w io.Writer, pod *corev1.Pod, container string) {
	fmt.Fprintf(w, "==== START logs for container %s of pod %s/%s ====\n", container, pod.Namespace, pod.Name)
	data, err := d.client.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{Container: container}).DoRaw(ctx)
	if err != nil {
		fmt.Fprintf(w, "Request log error: %v\n", err)
	}
	fmt.Fprintf(w, "%s==== END logs for container %s of pod %s/%s ====\n", data, container, pod.Namespace, pod.Name)
}

// write calls fill with the file of that name, or with standard output.
func (d *dump) write(name string, fill func(io.Writer) error) error {
	if !d.toFiles() {
		return fill(d.Out)
	}
	path := filepath.Join(d.directory, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := fill(f); err != nil {
		f.Close()
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Close()
}

func (d *dump) toFiles() bool { return d.directory != "" && d.directory != "-" }

// extension is that of the files with objects.
func (d *dump) extension() string {
	switch format := *d.printFlags.OutputFormat; format {
	case "json", "yaml":
		return "." + format
	}
	return ".txt"
}
