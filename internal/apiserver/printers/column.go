package printers

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// column is one column's definition.
type column = metav1.TableColumnDefinition

func columns(list ...column) []column { return list }

// nameColumn is the column that clients take an object's name from.
func nameColumn() column {
	return column{Name: "Name", Type: "string", Format: "name", Description: metadataDoc("name")}
}

// ageColumn says how long ago the object was created.
func ageColumn() column { return text("Age", metadataDoc("creationTimestamp")) }

// createdColumn says when the object was created, for kinds whose tables
// show the date.
func createdColumn() column {
	return column{Name: "Created At", Type: "date", Description: metadataDoc("creationTimestamp")}
}

func text(name, description string) column {
	return column{Name: name, Type: "string", Description: description}
}

func integer(name, description string) column {
	return column{Name: name, Type: "integer", Description: description}
}

// wide makes a column one of those shown by `-o wide` only.
func wide(c column) column {
	c.Priority = 1
	return c
}

// metadataDoc is what the API's own documentation says of a metadata field.
func metadataDoc(field string) string { return metav1.ObjectMeta{}.SwaggerDoc()[field] }
