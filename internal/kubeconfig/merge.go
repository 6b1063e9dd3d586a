package kubeconfig

import (
	"context"
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Merged says what Merge did.
type Merged struct {
	// Path is the file that now holds the entry.
	Path string
	// Context is the name of the entry's context.
	Context string
	// Current is the context that kubectl uses now, after the merge.
	Current string
}

// Selected reports whether kubectl uses the merged context without being told.
func (m Merged) Selected() bool { return m.Current == m.Context }

// UserFile returns the kubeconfig that a change by this user goes to: explicit
// if it is given, else by $KUBECONFIG (the first of its files that exists),
// else ~/.kube/config. It is kubectl's rule.
func UserFile(explicit string) string {
	return options(explicit).GetDefaultFilename()
}

// Merge puts the entry into the user's kubeconfig (see UserFile) under the
// lock that kubectl uses. Other entries stay as they are. The current context
// is set only where none is chosen in any of the user's files: a choice that
// points elsewhere is never taken over.
func Merge(ctx context.Context, explicit string, e Entry) (Merged, error) {
	files := options(explicit)
	path := files.GetDefaultFilename()
	if path == UserFile("") { // the user's own file, named in full: a choice in his other files counts
		files = options("")
	}
	unlock, err := lock(ctx, path)
	if err != nil {
		return Merged{}, err
	}
	defer unlock()

	c, err := Read(path)
	if err != nil {
		return Merged{}, err
	}
	current, err := currentContext(files)
	if err != nil {
		return Merged{}, err
	}
	e.addTo(c)
	if current == "" {
		current, c.CurrentContext = e.Name, e.Name
	}
	if err := Write(path, c); err != nil {
		return Merged{}, err
	}
	return Merged{Path: path, Context: e.Name, Current: current}, nil
}

// currentContext is the context that kubectl would use, over all files.
func currentContext(files *clientcmd.PathOptions) (string, error) {
	var c *api.Config
	var err error
	if files.IsExplicitFile() {
		c, err = Read(files.GetExplicitFile())
	} else {
		c, err = files.GetStartingConfig()
	}
	if err != nil {
		return "", fmt.Errorf("find the current context: %w", err)
	}
	return c.CurrentContext, nil
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
