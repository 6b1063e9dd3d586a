//go:build host

package walkthrough

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
)

// application is a pod of the documents' cluster and the service before it.
type application struct {
	service string
	// name is what cluster-info calls it, if that is not the service's.
	name string
	// labels are the service's besides kubernetes.io/cluster-service.
	labels map[string]string
	// address is the cluster's and port the service's.
	address string
	port    int32
	pod     string
	podIP   string
	podPort int32
	// handler answers; nil if nobody does by HTTP.
	handler http.HandlerFunc
}

// applications are those that the documents list, with their addresses, and one
// for the generated clients.
func applications() []application {
	return []application{
		{service: "elasticsearch-logging", labels: map[string]string{"name": "elasticsearch-logging"}, address: "10.0.251.46", port: 9200, pod: "elasticsearch-logging-controller-gziey", podIP: "10.244.2.7", podPort: 9200, handler: elasticsearch},
		{service: "kibana-logging", labels: map[string]string{"name": "kibana-logging"}, address: "10.0.118.199", port: 5601, pod: "kibana-logging-controller-ls6k1", podIP: "10.244.1.9", podPort: 5601, handler: kibana},
		{service: "kube-dns", labels: map[string]string{"k8s-app": "kube-dns"}, address: "10.0.0.10", port: 53, pod: "kube-dns-oh43e", podIP: "10.244.1.10", podPort: 53},
		{service: "monitoring-grafana", name: "grafana", labels: map[string]string{"name": "grafana"}, address: "10.0.15.119", port: 80, pod: "monitoring-influx-grafana-controller-0133o", podIP: "10.244.3.4", podPort: 3000, handler: says("Grafana\n")},
		{service: "monitoring-heapster", name: "heapster", labels: map[string]string{"name": "heapster"}, address: "10.0.101.222", port: 80, pod: "monitoring-heapster-controller-fplln", podIP: "10.244.0.4", podPort: 8082, handler: says("Heapster\n")},
		{service: "monitoring-influxdb", labels: map[string]string{"name": "influxdb"}, address: "10.0.155.212", port: 80, pod: "monitoring-influx-grafana-controller-0133o", podIP: "10.244.3.4", podPort: 8086, handler: says("InfluxDB\n")},
		{service: "echo", address: "10.0.7.8", port: 80, pod: "echo", podIP: "10.244.5.5", podPort: 8080, handler: echo},
	}
}

func podAddresses() []string {
	var all []string
	for _, a := range applications() {
		all = append(all, a.podIP)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// elasticsearch answers in the shapes that the documents show.
func elasticsearch(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	switch r.URL.Path {
	case "/":
		io.WriteString(w, `{
  "status" : 200,
  "name" : "Senator Robert Kelly",
  "cluster_name" : "kubernetes_logging",
  "version" : {
    "number" : "1.4.4",
    "build_hash" : "c88f77ffc81301dfa9dfd81ca2232f09588bd512",
    "build_timestamp" : "2015-02-19T13:05:36Z",
    "build_snapshot" : false,
    "lucene_version" : "4.10.3"
  },
  "tagline" : "You Know, for Search"
}
`)
	case "/_cluster/health":
		if r.URL.RawQuery != "pretty=true" {
			io.WriteString(w, `{"cluster_name":"kubernetes_logging","status":"yellow"}`)
			return
		}
		io.WriteString(w, `{
  "cluster_name" : "kubernetes_logging",
  "status" : "yellow",
  "timed_out" : false,
  "number_of_nodes" : 1,
  "number_of_data_nodes" : 1,
  "active_primary_shards" : 5,
  "active_shards" : 5,
  "relocating_shards" : 0,
  "initializing_shards" : 0,
  "unassigned_shards" : 5
}
`)
	case "/_search":
		fmt.Fprintf(w, `{"hits":{"total":1,"hits":[{"_index":"logstash-2015.03.05","_source":{"query":%q}}]}}`, r.URL.Query().Get("q"))
	default:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "No handler found for uri [%s] and method [%s]", r.RequestURI, r.Method)
	}
}

// kibana is a page with what belongs to it at the root of its origin.
func kibana(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, `<!DOCTYPE html><title>Kibana 3</title><script src="/app/components/require.js"></script>`)
	case "/app/components/require.js":
		w.Header().Set("Content-Type", "text/javascript")
		io.WriteString(w, "// require.js\n")
	default:
		http.NotFound(w, r)
	}
}

// says is a server that answers that and the path it was asked for.
func says(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, name+r.URL.Path+"\n") }
}

// serveApplications runs them all, at the addresses of their pods, until the
// test ends. They speak HTTP and HTTPS on one port, since the documents use
// both on the port of Elasticsearch.
func serveApplications(t *testing.T) {
	t.Helper()
	cert := httptest.NewTLSServer(http.NotFoundHandler())
	defer cert.Close()
	for _, a := range applications() {
		if a.handler == nil {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", a.podIP, a.podPort))
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: a.handler}
		go func() { _ = server.Serve(&either{l, cert.TLS}) }() // ErrServerClosed in the end
		t.Cleanup(func() { server.Close() })
	}
}

// either is a listener for HTTP and HTTPS, which it tells by the first byte.
type either struct {
	net.Listener
	tls *tls.Config
}

// Accept returns the next connection. A client that has not yet said what it
// wants keeps nobody waiting but itself.
func (l *either) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &undecided{Conn: c, in: bufio.NewReader(c), tls: l.tls}, nil
}

// undecided is a connection of which the first byte tells what it is.
type undecided struct {
	net.Conn
	in  *bufio.Reader
	tls *tls.Config
	// decided is the connection as it is used, once that is known.
	decided net.Conn
}

// handshake is the first byte of a TLS connection (RFC 8446, section 5.1).
const handshake = 22

func (c *undecided) Read(p []byte) (int, error) {
	if c.decided == nil {
		first, err := c.in.Peek(1)
		if err != nil {
			return 0, err
		}
		c.decided = &buffered{c.Conn, c.in}
		if first[0] == handshake {
			config := c.tls.Clone()
			config.NextProtos = []string{"http/1.1"}
			c.decided = tls.Server(c.decided, config)
		}
	}
	return c.decided.Read(p)
}

// Write is after the first Read: servers of HTTP speak second.
func (c *undecided) Write(p []byte) (int, error) { return c.decided.Write(p) }

// buffered is a connection of which a part was read already.
type buffered struct {
	net.Conn
	in *bufio.Reader
}

func (c *buffered) Read(p []byte) (int, error) { return c.in.Read(p) }

// createApplications makes the pods and services known to the cluster: in the
// namespace default, where the document of 2015 has them, and in kube-system,
// where later ones do.
func createApplications(t *testing.T, client kubernetes.Interface) {
	t.Helper()
	for _, namespace := range []string{metav1.NamespaceDefault, metav1.NamespaceSystem} {
		for i, a := range applications() {
			shared := slices.ContainsFunc(applications()[:i], func(o application) bool { return o.pod == a.pod })
			if !shared {
				a.createPod(t, client, namespace)
			}
			a.createService(t, client, namespace)
		}
	}
	my := application{service: "myservice", address: "10.0.7.7", port: 80, pod: "monitoring-heapster-controller-fplln", podPort: 8082}
	my.createService(t, client, metav1.NamespaceDefault)
	eventuallyTrue(t, "each of the services has its endpoint", func() bool {
		list, err := client.DiscoveryV1().EndpointSlices("").List(t.Context(), metav1.ListOptions{LabelSelector: "kubernetes.io/service-name!=kubernetes"})
		if err != nil {
			t.Fatal(err)
		}
		ready := 0
		for _, slice := range list.Items {
			ready += len(slice.Endpoints)
		}
		return ready == 2*len(applications())+1
	})
}

func (a application) createPod(t *testing.T, client kubernetes.Interface, namespace string) {
	t.Helper()
	pods := client.CoreV1().Pods(namespace)
	pod, err := pods.Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: a.pod, Labels: map[string]string{"pod": a.pod}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "server", Image: "host", Ports: []corev1.ContainerPort{{ContainerPort: a.podPort}}}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	now := metav1.Now()
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: a.podIP, PodIPs: []corev1.PodIP{{IP: a.podIP}}, StartTime: &now,
		Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: now}},
		ContainerStatuses: []corev1.ContainerStatus{{Name: "server", Image: "host", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}}},
	}
	pod.ResourceVersion = "" // whatever controllers have said of it meanwhile
	if _, err := pods.UpdateStatus(t.Context(), pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (a application) createService(t *testing.T, client kubernetes.Interface, namespace string) {
	t.Helper()
	labels := map[string]string{}
	for key, value := range a.labels {
		labels[key] = value
		labels["kubernetes.io/cluster-service"] = "true"
	}
	if a.name != "" {
		labels["kubernetes.io/name"] = a.name
	}
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: a.service, Labels: labels},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{"pod": a.pod},
			Ports:    []corev1.ServicePort{{Port: a.port, TargetPort: intstr.FromInt32(a.podPort)}},
		},
	}
	if namespace == metav1.NamespaceDefault {
		service.Spec.ClusterIP = a.address
	}
	if _, err := client.CoreV1().Services(namespace).Create(t.Context(), service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}
