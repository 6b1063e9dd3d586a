// Package kubeconfig reads, merges and writes the files by which clients find
// a cluster and prove who they are: kubeconfig files, and the kubernetes_auth
// file of 2014. Everything it writes is private to the owner and replaced in
// one step, so a reader never sees half a file and a crash loses nothing.
//
// Floor F0: it imports none of our packages.
package kubeconfig

import (
	"k8s.io/client-go/tools/clientcmd/api"
)

// Entry is one way into one cluster: a cluster, a user and the context that
// joins them. Credentials that are empty are left out; several may be given,
// and a client sends all of them.
type Entry struct {
	// Name names the context and the cluster.
	Name string
	// User names the user entry; empty means Name + "-admin".
	User string
	// Server is the URL of the API, such as https://127.0.0.1:6443.
	Server string
	// Namespace is the context's default namespace; empty means "default".
	Namespace string

	// TLSServerName is the name that Server's certificate is checked for; empty
	// means the host of Server.
	TLSServerName string
	// CA is the PEM bundle that verifies Server. CAFile names a file instead.
	CA     []byte
	CAFile string
	// Insecure turns verification off; it excludes CA and CAFile.
	Insecure bool

	// ClientCert and ClientKey are PEM; CertFile and KeyFile name files instead.
	ClientCert, ClientKey []byte
	CertFile, KeyFile     string
	// Token is a bearer token.
	Token string
	// Username and Password are basic authentication.
	Username, Password string
}

// userName is the name under which the credentials are stored.
func (e Entry) userName() string {
	if e.User != "" {
		return e.User
	}
	return e.Name + "-admin"
}

// Config returns a kubeconfig that holds this entry alone and selects it.
func (e Entry) Config() *api.Config {
	c := api.NewConfig()
	e.addTo(c)
	c.CurrentContext = e.Name
	return c
}

// addTo puts the entry into c, replacing what has its names. What the user
// once chose is kept: the namespace of the context, and how the same server is
// reached.
func (e Entry) addTo(c *api.Config) {
	cluster := &api.Cluster{
		Server:                   e.Server,
		TLSServerName:            e.TLSServerName,
		CertificateAuthorityData: e.CA,
		CertificateAuthority:     e.CAFile,
		InsecureSkipTLSVerify:    e.Insecure,
	}
	if old := c.Clusters[e.Name]; old != nil && old.Server == e.Server {
		cluster.ProxyURL, cluster.DisableCompression, cluster.Extensions = old.ProxyURL, old.DisableCompression, old.Extensions
	}
	c.Clusters[e.Name] = cluster
	c.AuthInfos[e.userName()] = &api.AuthInfo{
		ClientCertificateData: e.ClientCert,
		ClientKeyData:         e.ClientKey,
		ClientCertificate:     e.CertFile,
		ClientKey:             e.KeyFile,
		Token:                 e.Token,
		Username:              e.Username,
		Password:              e.Password,
	}
	namespace := e.Namespace
	if old := c.Contexts[e.Name]; old != nil && namespace == "" {
		namespace = old.Namespace
	}
	c.Contexts[e.Name] = &api.Context{Cluster: e.Name, AuthInfo: e.userName(), Namespace: namespace}
}
