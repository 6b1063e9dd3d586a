package clusterroleaggregation_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/controller/clusterroleaggregation"
	"github.com/causeway-access/causeway/internal/controller/controllertest"
)

func TestRulesFollowTheRolesThatAreSelected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rule := func(resource string) rbacv1.PolicyRule {
			return rbacv1.PolicyRule{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{resource}}
		}
		part := func(name string, labels map[string]string, rules ...rbacv1.PolicyRule) *rbacv1.ClusterRole {
			return &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, Rules: rules}
		}
		in := map[string]string{"to-whole": "true"}
		whole := part("whole", nil, rule("written-by-hand"))
		whole.AggregationRule = &rbacv1.AggregationRule{ClusterRoleSelectors: []metav1.LabelSelector{{MatchLabels: in}}}
		client := controllertest.NewClient(whole, part("b", in, rule("pods")), part("a", in, rule("services"), rule("pods")),
			part("other", nil, rule("secrets")))
		controllertest.Run(t, client, func(ctx context.Context) {
			roles := client.RbacV1().ClusterRoles()
			expect := func(step string, err error, want ...rbacv1.PolicyRule) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				got, err := roles.Get(ctx, "whole", metav1.GetOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got.Rules); diff != "" {
					t.Errorf("%s: rules (-want +got):\n%s", step, diff)
				}
			}
			expect("at the start", nil, rule("services"), rule("pods"))
			_, err := roles.Create(ctx, part("c", in, rule("nodes")), metav1.CreateOptions{})
			expect("a role came", err, rule("services"), rule("pods"), rule("nodes"))
			_, err = roles.Update(ctx, part("a", nil, rule("services")), metav1.UpdateOptions{})
			expect("another lost its label", err, rule("pods"), rule("nodes"))
			expect("and one went", roles.Delete(ctx, "b", metav1.DeleteOptions{}), rule("nodes"))
		}, clusterroleaggregation.New)
	})
}
