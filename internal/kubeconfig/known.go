package kubeconfig

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"

	"k8s.io/client-go/tools/clientcmd/api"
)

// Load returns what kubectl sees of the user's kubeconfig files, or of the one
// that is explicitly given. Names of files in it are absolute.
func Load(explicit string) (*api.Config, error) {
	files := options(explicit)
	files.LoadingRules.DoNotResolvePaths = false
	c, err := files.LoadingRules.Load()
	if os.IsNotExist(err) { // of the explicit one: what is not there can be made
		return api.NewConfig(), nil
	}
	if err != nil {
		return nil, cmp.Or(Check(explicit), fmt.Errorf("read the kubeconfig files: %w", err))
	}
	return c, nil
}

// Known returns the authorities, each as PEM, by which the user's kubeconfig
// files know the server with that URL.
func Known(explicit, server string) ([][]byte, error) {
	all, err := Load(explicit)
	if err != nil {
		return nil, err
	}
	var known [][]byte
	for _, name := range slices.Sorted(maps.Keys(all.Clusters)) {
		c := all.Clusters[name]
		text := c.CertificateAuthorityData
		if len(text) == 0 && c.CertificateAuthority != "" {
			// A file that is gone leaves the server unknown, no more.
			text, _ = os.ReadFile(c.CertificateAuthority)
		}
		if c.Server == server && len(text) > 0 {
			known = append(known, text)
		}
	}
	return known, nil
}
