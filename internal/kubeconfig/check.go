package kubeconfig

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Check says which of the user's kubeconfig files cannot be used, and why: the
// one that is explicitly given, or those that kubectl would read. It is for
// saying more than client-go does after that has failed; nil is no promise that
// everything in the files is right.
func Check(explicit string) error {
	if explicit != "" {
		if _, err := os.Stat(explicit); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("read kubeconfig: there is no file %s", explicit)
		}
		_, err := Read(explicit)
		return err
	}
	for _, path := range options("").GetLoadingPrecedence() {
		if _, err := Read(path); err != nil {
			return err
		}
	}
	return nil
}

// shape is what has to be a list, a mapping or a word in a kubeconfig, for the
// sake of the line numbers: client-go reads YAML by way of JSON, whose errors
// have none.
type shape struct {
	Clusters []struct {
		Name    string
		Cluster struct {
			Server     string
			CA         string `yaml:"certificate-authority"`
			CAData     string `yaml:"certificate-authority-data"`
			Insecure   bool   `yaml:"insecure-skip-tls-verify"`
			ServerName string `yaml:"tls-server-name"`
			Proxy      string `yaml:"proxy-url"`
		}
	}
	Contexts []struct {
		Name    string
		Context struct{ Cluster, User, Namespace string }
	}
	Users []struct {
		Name string
		User struct {
			Cert      string `yaml:"client-certificate"`
			CertData  string `yaml:"client-certificate-data"`
			Key       string `yaml:"client-key"`
			KeyData   string `yaml:"client-key-data"`
			TokenFile string `yaml:"tokenFile"`
			Exec      struct {
				Command string
				Args    []string
			}
		}
	}
	Current string `yaml:"current-context"`
}

// withLine adds to an error of the JSON decoder the line of the YAML that it is
// about. Values are not shown: some are secrets.
func withLine(data []byte, err error) error {
	if !errors.As(err, new(*json.UnmarshalTypeError)) {
		return err
	}
	var wrong *yaml.TypeError
	if !errors.As(yaml.Unmarshal(data, new(shape)), &wrong) || len(wrong.Errors) == 0 {
		return err
	}
	line, _, _ := strings.Cut(wrong.Errors[0], ":") // "line 3: cannot unmarshal ..."
	return fmt.Errorf("%s: %w", line, err)
}
