package usage

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/metrics/pkg/apis/metrics"
)

// tableOf is what `kubectl get` prints.
func tableOf(o runtime.Object) (*metav1.Table, error) {
	t := &metav1.Table{ColumnDefinitions: []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: "Name of what is measured"},
		{Name: "CPU", Type: "string", Description: "Processors used"},
		{Name: "Memory", Type: "string", Description: "Working set"},
		{Name: "Window", Type: "string", Description: "Time over which the use of processors is averaged"},
	}}
	switch o := o.(type) {
	case *metrics.NodeMetrics:
		addNode(t, o)
	case *metrics.NodeMetricsList:
		for i := range o.Items {
			addNode(t, &o.Items[i])
		}
	case *metrics.PodMetrics:
		addPod(t, o)
	case *metrics.PodMetricsList:
		for i := range o.Items {
			addPod(t, &o.Items[i])
		}
	default:
		return nil, fmt.Errorf("%T is nothing that is measured", o)
	}
	return t, nil
}

func addNode(t *metav1.Table, m *metrics.NodeMetrics) {
	t.Rows = append(t.Rows, row(m, m.Name, m.Usage, m.Window))
}

func addPod(t *metav1.Table, m *metrics.PodMetrics) {
	sum := corev1.ResourceList{}
	for _, c := range m.Containers {
		for name, q := range c.Usage {
			total := sum[name]
			total.Add(q)
			sum[name] = total
		}
	}
	t.Rows = append(t.Rows, row(m, m.Name, sum, m.Window))
}

func row(o runtime.Object, name string, usage corev1.ResourceList, window metav1.Duration) metav1.TableRow {
	cpu, memory := usage[corev1.ResourceCPU], usage[corev1.ResourceMemory]
	return metav1.TableRow{Object: runtime.RawExtension{Object: o}, Cells: []any{
		name,
		resource.NewMilliQuantity(cpu.MilliValue(), resource.DecimalSI).String(),
		fmt.Sprintf("%dMi", memory.Value()>>20),
		window.Duration.Round(1e6).String(),
	}}
}
