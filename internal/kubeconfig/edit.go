package kubeconfig

import (
	"cmp"
	"context"
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// File is a kubeconfig while it is changed.
type File struct {
	// Path is where it is.
	Path string
	// Config is its content: change it, but not All.
	*api.Config
	// All is what kubectl sees: this file together with the user's other files.
	All *api.Config
}

// UserFile returns the kubeconfig that a change by this user goes to: explicit
// if it is given, else by $KUBECONFIG (the first of its files that exists),
// else ~/.kube/config. It is kubectl's rule.
func UserFile(explicit string) string {
	return options(explicit).GetDefaultFilename()
}

// Edit has change alter the user's kubeconfig (see UserFile) under the lock
// that kubectl uses. What change leaves alone stays as it is written: entries
// of others, comments, fields that nobody knows. If change fails, so does Edit,
// and the file is as it was.
func Edit(ctx context.Context, explicit string, change func(*File) error) error {
	files := options(explicit)
	path := files.GetDefaultFilename()
	if path == UserFile("") { // the user's own file, named in full: his other files count
		files = options("")
	}
	unlock, err := lock(ctx, path)
	if err != nil {
		return err
	}
	defer unlock()

	old, err := readIfThere(path)
	if err != nil {
		return err
	}
	before, err := parseFile(path, old)
	if err != nil {
		return err
	}
	all, err := everything(files)
	if err != nil {
		return err
	}
	after := before.DeepCopy()
	if err := change(&File{Path: path, Config: after, All: all}); err != nil {
		return err
	}
	text, err := rewrite(old, before, after)
	if err != nil {
		return fmt.Errorf("encode kubeconfig: %w", err)
	}
	return replace(path, old, text)
}

// everything is what kubectl sees of the files.
func everything(files *clientcmd.PathOptions) (*api.Config, error) {
	if files.IsExplicitFile() {
		return Read(files.GetExplicitFile())
	}
	all, err := files.GetStartingConfig()
	if err != nil {
		return nil, cmp.Or(Check(""), fmt.Errorf("read the kubeconfig files: %w", err))
	}
	return all, nil
}

// options are client-go's rules for finding kubeconfig files, without its
// warnings about files that are not there.
func options(explicit string) *clientcmd.PathOptions {
	files := clientcmd.NewDefaultPathOptions()
	files.LoadingRules.ExplicitPath = explicit
	files.LoadingRules.WarnIfAllMissing = false
	files.LoadingRules.Warner = func(error) {}
	return files
}
