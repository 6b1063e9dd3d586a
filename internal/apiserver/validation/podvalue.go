package validation

import (
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The checks of single values that the rules of pods are made of. Each
// returns what is wrong with the value at p, in Kubernetes' words.

// invalidIf turns the messages of a checking function into errors.
func invalidIf(p *field.Path, value any, messages []string) field.ErrorList {
	var errs field.ErrorList
	for _, m := range messages {
		errs = append(errs, field.Invalid(p, value, m))
	}
	return errs
}

// present requires a value.
func present(p *field.Path, value string) field.ErrorList {
	if value == "" {
		return field.ErrorList{field.Required(p, "")}
	}
	return nil
}

// named requires a value that a checking function accepts.
func named(p *field.Path, value string, check func(string) []string) field.ErrorList {
	if value == "" {
		return field.ErrorList{field.Required(p, "")}
	}
	return invalidIf(p, value, check(value))
}

// namedIfSet accepts no value, or one that a checking function accepts.
func namedIfSet(p *field.Path, value string, check func(string) []string) field.ErrorList {
	if value == "" {
		return nil
	}
	return invalidIf(p, value, check(value))
}

// oneOf requires one of the supported values.
func oneOf[T ~string](p *field.Path, value T, supported ...T) field.ErrorList {
	if value == "" {
		return field.ErrorList{field.Required(p, "")}
	}
	return oneOfIfSet(p, &value, supported...)
}

// oneOfIfSet accepts no value, or one of the supported ones.
func oneOfIfSet[T ~string](p *field.Path, value *T, supported ...T) field.ErrorList {
	if value == nil || slices.Contains(supported, *value) {
		return nil
	}
	return field.ErrorList{field.NotSupported(p, *value, supported)}
}

// atLeastZero refuses negative numbers.
func atLeastZero[T int32 | int64](p *field.Path, value T) field.ErrorList {
	if value < 0 {
		return field.ErrorList{field.Invalid(p, value, "must be greater than or equal to 0")}
	}
	return nil
}

// portOrName requires a port number, or the name of a port.
func portOrName(p *field.Path, port intstr.IntOrString) field.ErrorList {
	if port.Type == intstr.String {
		return invalidIf(p, port.StrVal, validation.IsValidPortName(port.StrVal))
	}
	return invalidIf(p, port.IntValue(), validation.IsValidPortNum(port.IntValue()))
}

// relativePath refuses paths that lead out of where they are used.
func relativePath(p *field.Path, value string) field.ErrorList {
	if path.IsAbs(value) {
		return field.ErrorList{field.Invalid(p, value, "must be a relative path")}
	}
	return noBacksteps(p, value)
}

func noBacksteps(p *field.Path, value string) field.ErrorList {
	if slices.Contains(strings.Split(value, "/"), "..") {
		return field.ErrorList{field.Invalid(p, value, "must not contain '..'")}
	}
	return nil
}

// unique reports a value that came before as a duplicate; seen keeps them.
func unique[T comparable](p *field.Path, value T, seen map[T]bool) field.ErrorList {
	if seen[value] {
		return field.ErrorList{field.Duplicate(p, value)}
	}
	seen[value] = true
	return nil
}
