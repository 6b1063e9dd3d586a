package scheme

import (
	"net/url"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/runtime"
)

// addQueries has the options of a pod's subresources read from query parameters.
func addQueries(s *runtime.Scheme) error {
	for _, add := range []func(*runtime.Scheme) error{
		query(func(q *values, o *corev1.PodExecOptions) {
			q.flags(map[string]*bool{"stdin": &o.Stdin, "stdout": &o.Stdout, "stderr": &o.Stderr, "tty": &o.TTY})
			o.Container, o.Command = q.Get("container"), q.Values["command"]
		}),
		query(func(q *values, o *corev1.PodAttachOptions) {
			q.flags(map[string]*bool{"stdin": &o.Stdin, "stdout": &o.Stdout, "stderr": &o.Stderr, "tty": &o.TTY})
			o.Container = q.Get("container")
		}),
		query(func(q *values, o *corev1.PodPortForwardOptions) {
			for _, text := range q.Values["ports"] {
				var port int64
				q.keep(runtime.Convert_Slice_string_To_int64(&[]string{text}, &port, nil))
				o.Ports = append(o.Ports, int32(port)) //nolint:gosec // the node checks it
			}
		}),
		query(func(q *values, o *corev1.PodLogOptions) {
			q.flags(map[string]*bool{
				"follow": &o.Follow, "previous": &o.Previous, "timestamps": &o.Timestamps,
				"insecureSkipTLSVerifyBackend": &o.InsecureSkipTLSVerifyBackend,
			})
			for name, to := range map[string]**int64{"sinceSeconds": &o.SinceSeconds, "tailLines": &o.TailLines, "limitBytes": &o.LimitBytes} {
				if list := q.Values[name]; len(list) > 0 {
					q.keep(runtime.Convert_Slice_string_To_Pointer_int64(&list, to, nil))
				}
			}
			if list := q.Values["sinceTime"]; len(list) > 0 {
				o.SinceTime = &metav1.Time{}
				q.keep(metav1.Convert_Slice_string_To_v1_Time(&list, o.SinceTime, nil))
			}
			if q.Has("stream") {
				o.Stream = new(q.Get("stream"))
			}
			o.Container = q.Get("container")
		}),
	} {
		if err := add(s); err != nil {
			return err
		}
	}
	return nil
}

// query adds the reading of one kind of options.
func query[T any](read func(q *values, into *T)) func(*runtime.Scheme) error {
	return func(s *runtime.Scheme) error {
		return s.AddConversionFunc((*url.Values)(nil), (*T)(nil), func(from, to any, _ conversion.Scope) error {
			q := &values{Values: *from.(*url.Values)}
			read(q, to.(*T))
			return q.err
		})
	}
}

// values are query parameters, and what was the first to be wrong with them.
type values struct {
	url.Values
	err error
}

func (q *values) keep(err error) {
	if q.err == nil {
		q.err = err
	}
}

// flags reads parameters that are set when they are there, and not 0 or false.
func (q *values) flags(into map[string]*bool) {
	for name, to := range into {
		if list := q.Values[name]; len(list) > 0 {
			q.keep(runtime.Convert_Slice_string_To_bool(&list, to, nil))
		}
	}
}
