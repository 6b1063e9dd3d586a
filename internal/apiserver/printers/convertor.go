// Package printers draws the tables that kubectl shows: for each served
// kind its columns, and for each object a row of cells, as Kubernetes' users
// know them.
//
// It is a part of the API server (floor 2) and pure: a row depends on the
// object and on the clock alone. Wide columns are always computed; clients
// hide those of priority 1 unless asked with `-o wide`.
package printers

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"
)

// TableConvertor gives the convertor of a resource. Objects of another type
// than the resource's own (the Scale of a controller, partial metadata, a
// status) are shown by what they are, anything unknown by name and age.
func TableConvertor(gr schema.GroupResource) rest.TableConvertor {
	v, ok := views()[gr]
	if !ok {
		v = plain()
	}
	return convertor{resource: gr, view: v}
}

// convertor implements rest.TableConvertor for one resource.
type convertor struct {
	resource schema.GroupResource
	view     view
}

// ConvertToTable implements rest.TableConvertor. Each row holds its whole
// object; the caller reduces it to what the client asked for (includeObject).
func (c convertor) ConvertToTable(_ context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	headers, err := wantsHeaders(options)
	if err != nil {
		return nil, err
	}
	items, err := itemsOf(obj)
	if err != nil {
		return nil, fmt.Errorf("listing the rows of a table of %s: %w", c.resource, err)
	}
	view := c.viewOf(items)
	table := &metav1.Table{}
	describeList(table, obj)
	if headers {
		table.ColumnDefinitions = view.columns
	}
	table.Rows = make([]metav1.TableRow, 0, len(items))
	for _, item := range items {
		row, err := view.row(item)
		if err != nil {
			return nil, notAcceptable(c.resource, err)
		}
		table.Rows = append(table.Rows, row)
	}
	return table, nil
}

// viewOf picks the one view that fits all items, as the rows of a table
// share their columns. An empty list has the columns of its resource.
func (c convertor) viewOf(items []runtime.Object) view {
	for _, v := range []view{c.view, scale(), status()} {
		if v.fitsAll(items) {
			return v
		}
	}
	return plain()
}

// wantsHeaders reads the options, which the generic server has decoded; nil
// means the defaults.
func wantsHeaders(options runtime.Object) (bool, error) {
	switch o := options.(type) {
	case nil:
		return true, nil
	case *metav1.TableOptions:
		return o == nil || !o.NoHeaders, nil
	default:
		return false, fmt.Errorf("unrecognized type %T for table options, can't display tabular output", options)
	}
}

// itemsOf returns the members of a list, or the object alone.
func itemsOf(obj runtime.Object) ([]runtime.Object, error) {
	if !meta.IsListType(obj) {
		return []runtime.Object{obj}, nil
	}
	var items []runtime.Object
	err := meta.EachListItem(obj, func(item runtime.Object) error {
		items = append(items, item)
		return nil
	})
	return items, err
}

// describeList carries over what a client needs to watch from here or to
// fetch the next chunk.
func describeList(table *metav1.Table, obj runtime.Object) {
	if m, err := meta.ListAccessor(obj); err == nil {
		table.ResourceVersion = m.GetResourceVersion()
		table.Continue = m.GetContinue()
		table.RemainingItemCount = m.GetRemainingItemCount()
		return
	}
	if m, err := meta.CommonAccessor(obj); err == nil {
		table.ResourceVersion = m.GetResourceVersion()
	}
}
