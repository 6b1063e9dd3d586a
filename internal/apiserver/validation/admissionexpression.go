package validation

import (
	"strings"
	"sync"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// maxMatchConditions bounds the work that a request causes before it is known
// whether a policy applies.
const maxMatchConditions = 64

// expressions compiles the CEL of one object as the admission plugins will.
// Variables that have compiled are known to what is compiled after them.
type expressions struct {
	compiler  func() (*plugincel.CompositedCompiler, error)
	hasParams bool
	// stored are the expressions accepted before; a newer API server must
	// not refuse what an older one has let in.
	stored map[string]bool
}

// newExpressions builds its environment when it is first needed, as most
// objects have nothing to compile.
func newExpressions(hasParams bool, stored []string) *expressions {
	e := &expressions{hasParams: hasParams, stored: map[string]bool{}}
	for _, text := range stored {
		e.stored[text] = true
	}
	e.compiler = sync.OnceValues(func() (*plugincel.CompositedCompiler, error) {
		return plugincel.NewCompositedCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	})
	return e
}

// use says what an expression may refer to beside the request.
type use struct{ authorizer, patches bool }

// compile reports what is wrong with an expression.
func (e *expressions) compile(p *field.Path, x plugincel.ExpressionAccessor, u use) field.ErrorList {
	return e.compileWith(p, x, u, func(c *plugincel.CompositedCompiler, o plugincel.OptionalVariableDeclarations, t environment.Type) plugincel.CompilationResult {
		return c.CompileCELExpression(x, o, t)
	})
}

// variable compiles a variable and makes it known.
func (e *expressions) variable(p *field.Path, x plugincel.NamedExpressionAccessor) field.ErrorList {
	return e.compileWith(p, x, use{authorizer: true}, func(c *plugincel.CompositedCompiler, o plugincel.OptionalVariableDeclarations, t environment.Type) plugincel.CompilationResult {
		return c.CompileAndStoreVariable(x, o, t)
	})
}

type compileFunc func(*plugincel.CompositedCompiler, plugincel.OptionalVariableDeclarations, environment.Type) plugincel.CompilationResult

func (e *expressions) compileWith(p *field.Path, x plugincel.ExpressionAccessor, u use, run compileFunc) field.ErrorList {
	compiler, err := e.compiler()
	if err != nil {
		return field.ErrorList{field.InternalError(p, err)}
	}
	mode := environment.NewExpressions
	if e.stored[x.GetExpression()] {
		mode = environment.StoredExpressions
	}
	result := run(compiler, plugincel.OptionalVariableDeclarations{
		HasParams: e.hasParams, HasAuthorizer: u.authorizer, HasPatchTypes: u.patches,
	}, mode)
	switch {
	case result.Error == nil:
		return nil
	case result.Error.Type == apiservercel.ErrorTypeInternal:
		return field.ErrorList{field.InternalError(p, result.Error)}
	case result.Error.Type == apiservercel.ErrorTypeRequired:
		return field.ErrorList{field.Required(p, result.Error.Detail)}
	default:
		return field.ErrorList{field.Invalid(p, x.GetExpression(), result.Error.Detail)}
	}
}

// matchConditions checks the expressions that must all hold for a webhook or
// a policy to be asked.
func matchConditions(p *field.Path, list []admissionv1.MatchCondition, e *expressions) field.ErrorList {
	var errs field.ErrorList
	if len(list) > maxMatchConditions {
		return append(errs, field.TooMany(p, len(list), maxMatchConditions))
	}
	names := map[string]bool{}
	for i, c := range list {
		p := p.Index(i)
		errs = append(errs, named(p.Child("name"), c.Name, validation.IsQualifiedName)...)
		errs = append(errs, unique(p.Child("name"), c.Name, names)...)
		if strings.TrimSpace(c.Expression) == "" {
			errs = append(errs, field.Required(p.Child("expression"), ""))
			continue
		}
		condition := &matchconditions.MatchCondition{Name: c.Name, Expression: c.Expression}
		errs = append(errs, e.compile(p.Child("expression"), condition, use{authorizer: true})...)
	}
	return errs
}

func conditionTexts(list []admissionv1.MatchCondition) []string {
	var texts []string
	for _, c := range list {
		texts = append(texts, c.Expression)
	}
	return texts
}
