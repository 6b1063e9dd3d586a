package cli

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/causeway-access/causeway/internal/kubeconfig"
)

// maxSecret bounds what is read as a password or token.
const maxSecret = 1 << 20

// credential is how somebody proves who he is when he logs in. No flag takes
// a secret: every user of a machine sees the command lines of all.
type credential struct {
	username, passwordFile string
	tokenFile              string
	certificate, key       string
	embed                  bool
	shown                  refused
}

func (c *credential) addTo(f *pflag.FlagSet) {
	f.StringVarP(&c.username, "username", "u", "", "log in with this name and a password, which is asked for")
	f.StringVar(&c.passwordFile, "password-file", "", `take the password from this file; "-" is standard input`)
	f.StringVar(&c.tokenFile, "token-file", "", `log in with the bearer token in this file; "-" is standard input`)
	f.StringVar(&c.certificate, "client-certificate", "", "log in with the certificate in this file")
	f.StringVar(&c.key, "client-key", "", "file with the certificate's key")
	f.BoolVar(&c.embed, "embed-certs", false, "copy certificate and key into the kubeconfig instead of naming the files")
	f.Var(&c.shown, "password", "")
	f.Var(&c.shown, "token", "")
	for _, name := range []string{"password", "token"} {
		_ = f.MarkHidden(name) // it was added a line above
	}
}

// refused are flags of kubectl's that would show a secret to everybody. It
// takes the secret, which the flag parser's own error would repeat.
type refused bool

func (r *refused) String() string   { return "" }
func (r *refused) Type() string     { return "string" }
func (r *refused) Set(string) error { *r = true; return nil }

// check refuses flags that do not go together, before anything is done.
func (c *credential) check() error {
	ways := 0
	for _, used := range []bool{c.username != "" || c.passwordFile != "", c.tokenFile != "", c.certificate != "" || c.key != ""} {
		if used {
			ways++
		}
	}
	switch {
	case bool(c.shown):
		return usagef("everybody on this machine sees command lines, so the secret that you gave is none any more: change it, and use --password-file or --token-file, or leave it out to be asked")
	case ways > 1:
		return usagef("log in by --username, by --token-file or by --client-certificate, one of them")
	case c.passwordFile != "" && c.username == "":
		return usagef("--password-file needs --username")
	case (c.certificate == "") != (c.key == ""):
		return usagef("--client-certificate and --client-key go together")
	case c.embed && c.certificate == "":
		return usagef("--embed-certs needs --client-certificate")
	}
	return nil
}

// needsTerminal reports whether a person has to be asked.
func (c *credential) needsTerminal() bool {
	return c.tokenFile == "" && c.certificate == "" && c.passwordFile == ""
}

// fill puts the credential into the entry, and asks for what is missing. It
// returns what the credential is called in a message.
func (c *credential) fill(ctx context.Context, e *kubeconfig.Entry, at console) (string, error) {
	switch {
	case c.certificate != "":
		return "client certificate", c.fillCertificate(e)
	case c.tokenFile != "":
		secret, err := readSecret(at.In, "token", c.tokenFile)
		e.Token = strings.TrimSpace(secret)
		return "token", err
	}
	if c.username == "" {
		name, err := at.ask(ctx, "Username (empty to log in with a token): ")
		if err != nil {
			return "", err
		}
		c.username = name
	}
	if c.username == "" {
		secret, err := at.askSecret(ctx, "Token: ")
		e.Token = strings.TrimSpace(secret)
		return "token", notEmpty(e.Token, "token", err)
	}
	e.Username = c.username
	var err error
	if c.passwordFile != "" {
		e.Password, err = readSecret(at.In, "password", c.passwordFile)
	} else {
		e.Password, err = at.askSecret(ctx, fmt.Sprintf("Password for %s: ", c.username))
	}
	return "password", notEmpty(e.Password, "password", err)
}

func notEmpty(secret, what string, err error) error {
	if err == nil && secret == "" {
		return fmt.Errorf("the %s is empty", what)
	}
	return err
}

// readSecret reads a file, or standard input, without its last line end.
func readSecret(in io.Reader, what, path string) (string, error) {
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("read the %s: %w", what, err)
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxSecret))
	if err != nil {
		return "", fmt.Errorf("read the %s: %w", what, err)
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	return secret, notEmpty(strings.TrimSpace(secret), what, nil)
}

// fillCertificate names the files, so that a renewed certificate is found, or
// copies them. Either way they have to belong together now.
func (c *credential) fillCertificate(e *kubeconfig.Entry) error {
	cert, err := os.ReadFile(c.certificate)
	if err != nil {
		return fmt.Errorf("read the client certificate: %w", err)
	}
	key, err := os.ReadFile(c.key)
	if err != nil {
		return fmt.Errorf("read the client's key: %w", err)
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		return fmt.Errorf("use %s with %s: %w", c.certificate, c.key, err)
	}
	if c.embed {
		e.ClientCert, e.ClientKey = cert, key
		return nil
	}
	if e.CertFile, err = filepath.Abs(c.certificate); err != nil {
		return err
	}
	e.KeyFile, err = filepath.Abs(c.key)
	return err
}
