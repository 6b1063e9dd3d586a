// Command listpods counts the pods of a cluster, as the documents show it with
// the Go client. Its argument is the path to a kubeconfig; without one it is a
// program in a pod.
package main

import (
	"context"
	"fmt"
	"os"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	config, err := rest.InClusterConfig()
	if len(os.Args) > 1 {
		// uses the current context in kubeconfig
		config, err = clientcmd.BuildConfigFromFlags("", os.Args[1])
	}
	if err != nil {
		panic(err)
	}
	// creates the clientset
	clientset, _ := kubernetes.NewForConfig(config)
	// access the API to list pods
	pods, _ := clientset.CoreV1().Pods("").List(context.TODO(), metav1.ListOptions{})
	fmt.Printf("There are %d pods in the cluster\n", len(pods.Items))
}
