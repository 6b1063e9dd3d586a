package kubeconfig

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	clientauth "k8s.io/client-go/tools/auth"
)

// Auth is the content of a kubernetes_auth file, the way in which a cluster of
// 2014 handed over its keys: a JSON object of User, Password, CAFile,
// CertFile, KeyFile, BearerToken and Insecure. It names no server.
type Auth = clientauth.Info

// ParseAuth reads the JSON of a kubernetes_auth file. Fields it does not know
// are ignored, as they were then. A file without any credential is an error,
// and so is a certificate without its key.
func ParseAuth(data []byte) (Auth, error) {
	var a Auth
	if err := json.Unmarshal(data, &a); err != nil {
		// The decoder's text may quote the input, and the input holds a password.
		return Auth{}, errors.New("not a kubernetes_auth file: want a JSON object of User, Password, CAFile, CertFile, KeyFile, BearerToken")
	}
	switch {
	case (a.CertFile == "") != (a.KeyFile == ""):
		return Auth{}, errors.New("CertFile and KeyFile go together: one of them is missing")
	case a.Password != "" && a.User == "":
		return Auth{}, errors.New("there is a Password but no User")
	case !a.Complete():
		return Auth{}, errors.New("no credential in it: want User and Password, CertFile and KeyFile, or BearerToken")
	}
	return a, nil
}

// ReadAuth reads a kubernetes_auth file. Relative names of files in it are
// taken from the directory the file is in.
func ReadAuth(path string) (Auth, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Auth{}, fmt.Errorf("read kubernetes_auth: %w", err)
	}
	a, err := ParseAuth(data)
	if err != nil {
		return Auth{}, fmt.Errorf("read kubernetes_auth %s: %w", path, err)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return Auth{}, fmt.Errorf("read kubernetes_auth: %w", err)
	}
	for _, name := range []*string{&a.CAFile, &a.CertFile, &a.KeyFile} {
		if *name != "" && !filepath.IsAbs(*name) {
			*name = filepath.Join(dir, *name)
		}
	}
	return a, nil
}

// WriteAuth replaces path by a kubernetes_auth file that its owner alone reads.
func WriteAuth(path string, a Auth) error {
	data, err := json.MarshalIndent(authFile{
		User: a.User, Password: a.Password,
		CAFile: a.CAFile, CertFile: a.CertFile, KeyFile: a.KeyFile,
		BearerToken: a.BearerToken, Insecure: a.Insecure,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode kubernetes_auth: %w", err)
	}
	if err := replaceFile(path, append(data, '\n')); err != nil {
		return fmt.Errorf("write kubernetes_auth: %w", err)
	}
	return nil
}

// authFile is Auth as it is written: what is not set is left out.
type authFile struct {
	User        string `json:",omitempty"`
	Password    string `json:",omitempty"`
	CAFile      string `json:",omitempty"`
	CertFile    string `json:",omitempty"`
	KeyFile     string `json:",omitempty"`
	BearerToken string `json:",omitempty"`
	Insecure    *bool  `json:",omitempty"`
}

// AuthEntry is the kubeconfig entry that does what the file of 2014 did, for
// the API at server. It names the files and does not copy them.
func AuthEntry(name, server string, a Auth) Entry {
	e := Entry{
		Name: name, User: name, Server: server,
		CAFile: a.CAFile, CertFile: a.CertFile, KeyFile: a.KeyFile,
		Token: a.BearerToken, Username: a.User, Password: a.Password,
	}
	if a.Insecure != nil && *a.Insecure {
		e.Insecure, e.CAFile = true, ""
	}
	if e.Token != "" { // a client may send one of the two, and refuses to guess
		e.Username, e.Password = "", ""
	}
	return e
}
