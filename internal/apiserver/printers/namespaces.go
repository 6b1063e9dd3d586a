package printers

import (
	corev1 "k8s.io/api/core/v1"
)

func namespaces() view {
	return viewOf(columns(
		nameColumn(),
		text("Status", "The status of the namespace"),
		ageColumn(),
	), func(n *corev1.Namespace) []any {
		return []any{n.Name, string(n.Status.Phase), age(n.CreationTimestamp)}
	})
}

// secrets shows how many keys there are, never what they hold.
func secrets() view {
	doc := corev1.Secret{}.SwaggerDoc()
	return viewOf(columns(
		nameColumn(), text("Type", doc["type"]), text("Data", doc["data"]), ageColumn(),
	), func(s *corev1.Secret) []any {
		return []any{s.Name, string(s.Type), int64(len(s.Data)), age(s.CreationTimestamp)}
	})
}

func configMaps() view {
	return viewOf(columns(
		nameColumn(), text("Data", corev1.ConfigMap{}.SwaggerDoc()["data"]), ageColumn(),
	), func(c *corev1.ConfigMap) []any {
		return []any{c.Name, int64(len(c.Data) + len(c.BinaryData)), age(c.CreationTimestamp)}
	})
}

func serviceAccounts() view {
	return viewOf(columns(
		nameColumn(), text("Secrets", corev1.ServiceAccount{}.SwaggerDoc()["secrets"]), ageColumn(),
	), func(a *corev1.ServiceAccount) []any {
		return []any{a.Name, int64(len(a.Secrets)), age(a.CreationTimestamp)}
	})
}
