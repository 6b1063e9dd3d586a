// Package clusterroleaggregation fills ClusterRoles that have an aggregation
// rule with the rules of the ClusterRoles it selects; `admin`, `edit` and
// `view` grow in this way when somebody adds a role for a new kind.
//
// Floor 2: a client of the API only.
package clusterroleaggregation

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	rbaclisters "k8s.io/client-go/listers/rbac/v1"

	"github.com/causeway-access/causeway/internal/controller"
)

type reconciler struct {
	client kubernetes.Interface
	roles  rbaclisters.ClusterRoleLister
}

// New makes the controller.
func New(config controller.Config) (controller.Controller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	roles := config.Informers.Rbac().V1().ClusterRoles()
	r := &reconciler{client: config.Client, roles: roles.Lister()}
	loop := controller.NewLoop("clusterroleaggregation", 1, config.For("clusterroleaggregation"), r.reconcile)
	if err := controller.Watch(loop, roles.Informer(), r.aggregating); err != nil {
		return nil, err
	}
	return loop, nil
}

// aggregating is all roles that aggregate: any role may be one that they
// select, or may have been one until now. They are few.
func (r *reconciler) aggregating(changed *rbacv1.ClusterRole) []string {
	var names []string
	if changed.AggregationRule != nil {
		names = append(names, changed.Name)
	}
	roles, err := r.roles.List(labels.Everything())
	if err != nil {
		return names // a cache's list with no selector cannot fail
	}
	for _, role := range roles {
		if role.AggregationRule != nil {
			names = append(names, role.Name)
		}
	}
	return names
}

func (r *reconciler) reconcile(ctx context.Context, name string) error {
	role, err := r.roles.Get(name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading cluster role %s: %w", name, err)
	}
	if role.AggregationRule == nil || role.DeletionTimestamp != nil {
		return nil
	}
	rules, err := r.rules(role)
	if err != nil {
		return err
	}
	if apiequality.Semantic.DeepEqual(role.Rules, rules) {
		return nil
	}
	filled := role.DeepCopy()
	filled.Rules = rules
	if _, err := r.client.RbacV1().ClusterRoles().Update(ctx, filled, metav1.UpdateOptions{}); err != nil {
		return controller.IgnoreGone(fmt.Errorf("writing the aggregated rules of cluster role %s: %w", name, err))
	}
	return nil
}

// rules is the rules of all roles that role selects, each rule once, in the
// order of the roles' names.
func (r *reconciler) rules(role *rbacv1.ClusterRole) ([]rbacv1.PolicyRule, error) {
	rules := []rbacv1.PolicyRule{}
	for i := range role.AggregationRule.ClusterRoleSelectors {
		selector, err := metav1.LabelSelectorAsSelector(&role.AggregationRule.ClusterRoleSelectors[i])
		if err != nil {
			return nil, fmt.Errorf("reading selector %d of cluster role %s: %w", i, role.Name, err)
		}
		selected, err := r.roles.List(selector)
		if err != nil {
			return nil, fmt.Errorf("listing the cluster roles that %s selects: %w", role.Name, err)
		}
		slices.SortFunc(selected, func(a, b *rbacv1.ClusterRole) int { return cmp.Compare(a.Name, b.Name) })
		for _, source := range selected {
			if source.Name == role.Name {
				continue
			}
			for _, rule := range source.Rules {
				if !slices.ContainsFunc(rules, func(have rbacv1.PolicyRule) bool {
					return apiequality.Semantic.DeepEqual(have, rule)
				}) {
					rules = append(rules, rule)
				}
			}
		}
	}
	return rules, nil
}
