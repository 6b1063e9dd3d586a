package kubeconfig

import (
	"bytes"
	"errors"
	"maps"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// errShape says that a file is written in a way that cannot be changed in place.
var errShape = errors.New("an unusual shape")

// rewrite returns the text old, which says before, changed as little as is
// needed to say after. client-go alone would write the whole file anew: without
// comments, without fields that this version of it does not know.
func rewrite(old []byte, before, after *api.Config) ([]byte, error) {
	plain, err := clientcmd.Write(*after)
	if err != nil {
		return nil, err
	}
	if usual, err := clientcmd.Write(*before); err == nil && bytes.Equal(usual, old) {
		return plain, nil // a program wrote it: nothing can be lost
	}
	text, err := patch(old, plain, before, after)
	if err != nil || !says(text, plain) {
		return plain, nil // right in every case, if less careful
	}
	return text, nil
}

// says reports whether text means what the plain text does.
func says(text, plain []byte) bool {
	c, err := Parse(text)
	if err != nil {
		return false
	}
	again, err := clientcmd.Write(*c)
	return err == nil && bytes.Equal(again, plain)
}

// patch takes from the plain text of after the entries that differ from before
// and puts them into the tree of old.
func patch(old, plain []byte, before, after *api.Config) ([]byte, error) {
	tree, err := parseTree(old)
	if err != nil {
		return nil, err
	}
	fresh, err := parseTree(plain)
	if err != nil {
		return nil, err
	}
	for list, names := range map[string][]string{
		"clusters": changed(before.Clusters, after.Clusters),
		"contexts": changed(before.Contexts, after.Contexts),
		"users":    changed(before.AuthInfos, after.AuthInfos),
	} {
		for _, name := range names {
			if err := tree.set(list, name, fresh.item(list, name)); err != nil {
				return nil, err
			}
		}
	}
	if before.CurrentContext != after.CurrentContext {
		tree.setField("current-context", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: after.CurrentContext})
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	if err := encoder.Encode(tree.document); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}

// changed are the names whose values differ, in order.
func changed[T any](before, after map[string]*T) []string {
	names := maps.Clone(after)
	maps.Copy(names, before)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(names)), func(name string) bool {
		return reflect.DeepEqual(before[name], after[name])
	})
}

// tree is a kubeconfig as it is written.
type tree struct {
	document *yaml.Node
	top      *yaml.Node // its mapping
}

func parseTree(text []byte) (tree, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return tree{}, err
	}
	if document.Kind != yaml.DocumentNode || document.Content[0].Kind != yaml.MappingNode {
		return tree{}, errShape
	}
	return tree{&document, document.Content[0]}, nil
}

// field returns the value of a key of a mapping, or nil.
func field(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

func (t tree) setField(key string, value *yaml.Node) {
	if old := field(t.top, key); old != nil {
		value.LineComment = old.LineComment
		*old = *value
		return
	}
	t.top.Content = append(t.top.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value)
}

// index is where in the list the entry of that name is, or -1.
func index(list *yaml.Node, name string) int {
	return slices.IndexFunc(list.Content, func(item *yaml.Node) bool {
		if item.Kind != yaml.MappingNode {
			return false
		}
		value := field(item, "name")
		return value != nil && value.Value == name
	})
}

// item returns the entry of that name in a list, or nil.
func (t tree) item(key, name string) *yaml.Node {
	list := field(t.top, key)
	if list == nil {
		return nil
	}
	if i := index(list, name); i >= 0 {
		return list.Content[i]
	}
	return nil
}

// set replaces, adds or, if it is nil, removes the entry of that name.
func (t tree) set(key, name string, item *yaml.Node) error {
	list := field(t.top, key)
	if list == nil || list.Tag == "!!null" {
		t.setField(key, &yaml.Node{Kind: yaml.SequenceNode})
		list = field(t.top, key)
	}
	if list.Kind != yaml.SequenceNode {
		return errShape
	}
	if len(list.Content) == 0 {
		list.Style = 0 // [] is written on one line
	}
	i := index(list, name)
	switch {
	case item == nil && i >= 0:
		list.Content = slices.Delete(list.Content, i, i+1)
	case item == nil:
		return errShape // it is there under a name that was not found
	case i >= 0:
		item.HeadComment, item.FootComment = list.Content[i].HeadComment, list.Content[i].FootComment
		list.Content[i] = item
	default:
		list.Content = append(list.Content, item)
	}
	return nil
}
