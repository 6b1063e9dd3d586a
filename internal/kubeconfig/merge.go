package kubeconfig

import (
	"context"
	"fmt"
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

// Merge puts the entry into the user's kubeconfig (see Edit), replacing what
// has its names. The current context is set only where none is chosen in any
// of the user's files: a choice that points elsewhere is never taken over.
func Merge(ctx context.Context, explicit string, e Entry) (Merged, error) {
	m := Merged{Context: e.Name}
	err := Edit(ctx, explicit, func(f *File) error {
		e.addTo(f.Config)
		m.Path, m.Current = f.Path, f.All.CurrentContext
		if m.Current == "" {
			m.Current, f.CurrentContext = e.Name, e.Name
		}
		return nil
	})
	return m, err
}

// MergeAndSelect puts the entry into the user's kubeconfig and makes its
// context the current one. It replaces an earlier entry for the same server,
// and refuses with a [*TakenError] to replace one that is somebody else's.
func MergeAndSelect(ctx context.Context, explicit string, e Entry) (Merged, error) {
	m := Merged{Context: e.Name, Current: e.Name}
	err := Edit(ctx, explicit, func(f *File) error {
		if err := e.taken(f); err != nil {
			return err
		}
		e.addTo(f.Config)
		m.Path, f.CurrentContext = f.Path, e.Name
		return nil
	})
	return m, err
}

// TakenError says that a name is used for something else already.
type TakenError struct {
	// Kind is "cluster" or "user".
	Kind string
	// Name is the name, and By what it is used for.
	Name, By string
}

func (e *TakenError) Error() string {
	return fmt.Sprintf("the kubeconfig has a %s named %q already, %s", e.Kind, e.Name, e.By)
}

// taken says which of the entry's names belong to others.
func (e Entry) taken(f *File) error {
	if old := f.All.Clusters[e.Name]; old != nil && old.Server != e.Server {
		return &TakenError{"cluster", e.Name, "for " + old.Server}
	}
	if f.All.AuthInfos[e.userName()] == nil {
		return nil
	}
	for name, other := range f.All.Contexts {
		if name != e.Name && other.AuthInfo == e.userName() {
			return &TakenError{"user", e.userName(), fmt.Sprintf("which context %q uses", name)}
		}
	}
	return nil
}

// Removed says what Remove did.
type Removed struct {
	// Path is the file that held the entry.
	Path string
	// Server is the URL of the cluster that the context was for.
	Server string
	// Current says that the context was the current one; now none is.
	Current bool
}

// Remove takes a context out of the user's kubeconfig, with its user and its
// cluster unless other contexts need them. An empty name is the current one.
func Remove(ctx context.Context, explicit, name string) (Removed, error) {
	var r Removed
	err := Edit(ctx, explicit, func(f *File) error {
		if name == "" {
			name = f.All.CurrentContext
		}
		gone := f.Contexts[name]
		switch {
		case name == "":
			return fmt.Errorf("no context is current in %s", f.Path)
		case gone == nil:
			return fmt.Errorf("there is no context %q in %s", name, f.Path)
		}
		r = Removed{Path: f.Path, Current: f.All.CurrentContext == name}
		if c := f.All.Clusters[gone.Cluster]; c != nil {
			r.Server = c.Server
		}
		f.remove(name)
		return nil
	})
	return r, err
}

// remove takes the context out, and what it alone needed.
func (f *File) remove(name string) {
	gone := f.Contexts[name]
	cluster, user := true, true
	for other, c := range f.All.Contexts {
		if other != name {
			cluster = cluster && c.Cluster != gone.Cluster
			user = user && c.AuthInfo != gone.AuthInfo
		}
	}
	delete(f.Contexts, name)
	if cluster {
		delete(f.Clusters, gone.Cluster)
	}
	if user {
		delete(f.AuthInfos, gone.AuthInfo)
	}
	if f.CurrentContext == name {
		f.CurrentContext = ""
	}
}
