package validation

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

const (
	maxRestartRules     = 20
	maxRestartExitCodes = 255
)

// checkContainerRestart checks the restart policy of one container and its
// rules by exit code (KEP-5307).
func checkContainerRestart(c *corev1.Container, p *field.Path) field.ErrorList {
	errs := oneOfIfSet(p.Child("restartPolicy"), c.RestartPolicy,
		corev1.ContainerRestartPolicyAlways, corev1.ContainerRestartPolicyNever, corev1.ContainerRestartPolicyOnFailure)
	if len(c.RestartPolicyRules) == 0 {
		return errs
	}
	if c.RestartPolicy == nil {
		errs = append(errs, field.Required(p.Child("restartPolicy"), "must specify restartPolicy when restart rules are used"))
	}
	p = p.Child("restartPolicyRules")
	if len(c.RestartPolicyRules) > maxRestartRules {
		errs = append(errs, field.TooLong(p, c.RestartPolicyRules, maxRestartRules))
	}
	for i, rule := range c.RestartPolicyRules {
		errs = append(errs, checkRestartRule(rule, p.Index(i))...)
	}
	return errs
}

func checkRestartRule(rule corev1.ContainerRestartRule, p *field.Path) field.ErrorList {
	errs := oneOf(p.Child("action"), rule.Action,
		corev1.ContainerRestartRuleActionRestart, corev1.ContainerRestartRuleActionRestartAllContainers)
	if rule.ExitCodes == nil {
		return append(errs, field.Required(p.Child("exitCodes"), "must be specified"))
	}
	p = p.Child("exitCodes")
	errs = append(errs, oneOf(p.Child("operator"), rule.ExitCodes.Operator,
		corev1.ContainerRestartRuleOnExitCodesOpIn, corev1.ContainerRestartRuleOnExitCodesOpNotIn)...)
	p = p.Child("values")
	if len(rule.ExitCodes.Values) > maxRestartExitCodes {
		return append(errs, field.TooLong(p, rule.ExitCodes.Values, maxRestartExitCodes))
	}
	seen := map[int32]bool{}
	for i, code := range rule.ExitCodes.Values {
		errs = append(errs, unique(p.Index(i), code, seen)...)
	}
	return errs
}
