package printers_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/causeway-access/causeway/internal/apiserver/printers"
)

// shown draws objects as kubectl prints them with `-o wide`: a line of
// columns, those of wide output in brackets, and a line per object.
func shown(t *testing.T, resource schema.GroupResource, obj runtime.Object) string {
	t.Helper()
	table, err := printers.TableConvertor(resource).ConvertToTable(context.Background(), obj, &metav1.TableOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var lines, header []string
	for _, c := range table.ColumnDefinitions {
		name := strings.ToUpper(c.Name)
		if c.Priority > 0 {
			name = "[" + name + "]"
		}
		header = append(header, name)
	}
	lines = append(lines, strings.Join(header, " | "))
	for _, row := range table.Rows {
		if len(row.Cells) != len(table.ColumnDefinitions) {
			t.Fatalf("%d cells for %d columns", len(row.Cells), len(table.ColumnDefinitions))
		}
		var cells []string
		for i, cell := range row.Cells {
			if _, number := cell.(int64); table.ColumnDefinitions[i].Type == "integer" && !number {
				t.Errorf("column %s says integer, its cell is %T", table.ColumnDefinitions[i].Name, cell)
			}
			cells = append(cells, fmt.Sprint(cell))
		}
		lines = append(lines, strings.Join(cells, " | "))
	}
	return strings.Join(lines, "\n")
}

// looks compares a table at a fixed time: an hour after `born`.
func looks(t *testing.T, resource schema.GroupResource, obj func() runtime.Object, want ...string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := obj()
		time.Sleep(time.Hour)
		if diff := cmp.Diff(strings.Join(want, "\n"), shown(t, resource, o)); diff != "" {
			t.Errorf("table (-want +got):\n%s", diff)
		}
	})
}

// born is the metadata of an object that is an hour old when looked at.
func born(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: "default", CreationTimestamp: metav1.Now()}
}

func in(group, resource string) schema.GroupResource {
	return schema.GroupResource{Group: group, Resource: resource}
}

func TestListKeepsWhatAClientContinuesFrom(t *testing.T) {
	remaining := int64(7)
	list := &corev1.SecretList{
		ListMeta: metav1.ListMeta{ResourceVersion: "12", Continue: "c", RemainingItemCount: &remaining},
		Items:    []corev1.Secret{{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, {ObjectMeta: metav1.ObjectMeta{Name: "b"}}},
	}
	table, err := printers.TableConvertor(in("", "secrets")).ConvertToTable(context.Background(), list, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(list.ListMeta, table.ListMeta); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	if len(table.Rows) != 2 || len(table.ColumnDefinitions) != 4 {
		t.Fatalf("got %d rows, %d columns", len(table.Rows), len(table.ColumnDefinitions))
	}
	for i, row := range table.Rows {
		if row.Object.Object != runtime.Object(&list.Items[i]) {
			t.Errorf("row %d holds %v, not its object", i, row.Object.Object)
		}
	}
}

func TestEmptyListHasTheColumnsOfItsResource(t *testing.T) {
	got := shown(t, in("", "namespaces"), &corev1.NamespaceList{})
	if got != "NAME | STATUS | AGE" {
		t.Errorf("got %q", got)
	}
}

func TestSingleObjectKeepsItsVersion(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", ResourceVersion: "3"}}
	table, err := printers.TableConvertor(in("", "pods")).ConvertToTable(context.Background(), pod, nil)
	if err != nil {
		t.Fatal(err)
	}
	if table.ResourceVersion != "3" || len(table.Rows) != 1 {
		t.Errorf("got version %q, %d rows", table.ResourceVersion, len(table.Rows))
	}
}

func TestHeadersCanBeLeftOut(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}}
	table, err := printers.TableConvertor(in("", "pods")).ConvertToTable(context.Background(), pod, &metav1.TableOptions{NoHeaders: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(table.ColumnDefinitions) != 0 || len(table.Rows) != 1 || len(table.Rows[0].Cells) != 9 {
		t.Errorf("got %d columns, rows %v", len(table.ColumnDefinitions), table.Rows)
	}
}

func TestUnknownOptionsAreRefused(t *testing.T) {
	_, err := printers.TableConvertor(in("", "pods")).ConvertToTable(context.Background(), &corev1.Pod{}, &metav1.ListOptions{})
	if err == nil {
		t.Error("options of another type were taken")
	}
}

func TestObjectsOfOtherTypesAreShownByNameAndAge(t *testing.T) {
	looks(t, in("", "pods"), func() runtime.Object {
		return &metav1.PartialObjectMetadata{ObjectMeta: born("p")}
	}, "NAME | AGE", "p | 60m")
	looks(t, in("example.org", "things"), func() runtime.Object {
		return &metav1.PartialObjectMetadataList{Items: []metav1.PartialObjectMetadata{{ObjectMeta: born("a")}}}
	}, "NAME | AGE", "a | 60m")
}

func TestStatusIsShownAsSuch(t *testing.T) {
	got := shown(t, in("", "pods"), &metav1.Status{Status: "Failure", Reason: metav1.StatusReasonNotFound, Message: "gone"})
	if diff := cmp.Diff("STATUS | REASON | MESSAGE\nFailure | NotFound | gone", got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatHasNoMetadataIsNotAcceptable(t *testing.T) {
	_, err := printers.TableConvertor(in("", "pods")).ConvertToTable(context.Background(), &metav1.APIVersions{}, nil)
	status, ok := err.(interface{ Status() metav1.Status })
	if !ok || status.Status().Code != 406 {
		t.Errorf("got %v, want a 406", err)
	}
}
