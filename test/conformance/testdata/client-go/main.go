// Command client-go lists, creates, patches, replaces, applies, watches and
// deletes with the client-go of the module that it is built in, by the kubeconfig in
// KUBECONFIG, in the namespace that is its first argument and the encoding that
// is its second. It prints one line for each thing done, and ends at the first
// that fails.
//
// It makes its client of the types of core/v1 alone, as controllers do that are
// to be small: the set of all clients takes minutes to build.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	log.SetFlags(0)
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	check(err)
	scheme := runtime.NewScheme()
	check(corev1.AddToScheme(scheme))
	config.APIPath, config.GroupVersion = "/api", &corev1.SchemeGroupVersion
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	config.AcceptContentTypes, config.ContentType = os.Args[2], os.Args[2]
	client, err := rest.RESTClientFor(config)
	check(err)
	maps{client, os.Args[1], runtime.NewParameterCodec(scheme)}.story(context.Background())
}

// check ends the program.
func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// maps is a client of config maps.
type maps struct {
	rest.Interface
	namespace string
	codec     runtime.ParameterCodec
}

func (m maps) story(ctx context.Context) {
	one := &metav1.ListOptions{FieldSelector: "metadata.name=c"}
	seen, err := m.on(m.Get()).VersionedParams(&metav1.ListOptions{FieldSelector: one.FieldSelector, Watch: true}, m.codec).Watch(ctx)
	check(err)
	defer seen.Stop()

	made := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c"}, Data: map[string]string{"k": "1"}}
	check(m.on(m.Post()).Body(made).Do(ctx).Into(made))
	fmt.Println("created", made.Data["k"], next(seen))
	check(m.on(m.Patch(types.StrategicMergePatchType)).Name("c").Body([]byte(`{"data":{"k":"2"}}`)).Do(ctx).Into(made))
	fmt.Println("patched", made.Data["k"], next(seen))
	made.Data["k"] = "3"
	check(m.on(m.Put()).Name("c").Body(made).Do(ctx).Into(made))
	fmt.Println("replaced", made.Data["k"], next(seen))
	apply := []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"k":"4"}}`)
	check(m.on(m.Patch(types.ApplyPatchType)).Name("c").Param("fieldManager", "test").Param("force", "true").Body(apply).Do(ctx).Into(made))
	fmt.Println("applied", made.Data["k"], next(seen))
	list := &corev1.ConfigMapList{}
	check(m.on(m.Get()).VersionedParams(one, m.codec).Do(ctx).Into(list))
	fmt.Println("listed", len(list.Items), list.Items[0].Data["k"])
	check(m.on(m.Delete()).Name("c").Do(ctx).Error())
	fmt.Println("deleted", next(seen))
	fmt.Println("gone", errors.IsNotFound(m.on(m.Get()).Name("c").Do(ctx).Error()))
	_, err = m.Get().Namespace(m.namespace).Resource("services").Name("nothing").SubResource("proxy").Suffix("a/b").DoRaw(ctx)
	fmt.Println("proxy to nothing", errors.IsNotFound(err))
}

// on has a request be about config maps.
func (m maps) on(r *rest.Request) *rest.Request {
	return r.Namespace(m.namespace).Resource("configmaps")
}

// next is the next event of a config map, in words.
func next(w watch.Interface) string {
	e := <-w.ResultChan()
	m, ok := e.Object.(*corev1.ConfigMap)
	if !ok {
		return fmt.Sprintf("%s %v", e.Type, e.Object)
	}
	return fmt.Sprintf("%s %s", e.Type, m.Data["k"])
}
