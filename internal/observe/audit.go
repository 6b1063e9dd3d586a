package observe

import (
	"slices"
	"strconv"

	authnv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/authentication/user"
)

// The annotations that the gateway adds to audit events.
const (
	annotationDecision = "authorization.k8s.io/decision"
	annotationBackend  = "causeway.io/backend"
	annotationSent     = "causeway.io/bytes-sent"
	annotationReceived = "causeway.io/bytes-received"
	annotationRetries  = "causeway.io/retries"
)

// audit records a finished request, if the policy asks for it. Bodies are the
// application's: whatever the policy says, no level above Metadata is recorded
// for what is proxied.
func (o *Observer) audit(l *Line) {
	if o.cfg.Audit == nil || l.Attributes == nil {
		return
	}
	rule := o.cfg.Policy.EvaluatePolicyRule(l.Attributes)
	stage := auditinternal.StageResponseComplete
	if l.Panicked {
		stage = auditinternal.StagePanic
	}
	if rule.Level.Less(auditinternal.LevelMetadata) || slices.Contains(rule.OmitStages, stage) {
		return
	}
	if o.log != nil {
		o.log.record(l, stage)
		return
	}
	o.cfg.Audit.ProcessEvents(l.event(stage))
}

// event returns the request in the API's audit format.
func (l *Line) event(stage auditinternal.Stage) *auditinternal.Event {
	a := &l.about
	ev := &auditinternal.Event{
		Level:                    auditinternal.LevelMetadata,
		AuditID:                  types.UID(l.ID),
		Stage:                    stage,
		RequestURI:               l.Path + redact(l.Query),
		Verb:                     a.verb,
		UserAgent:                l.UserAgent,
		SourceIPs:                []string{l.Client},
		ResponseStatus:           &metav1.Status{Code: int32(l.Status)},
		RequestReceivedTimestamp: metav1.NewMicroTime(l.Start),
		StageTimestamp:           metav1.NewMicroTime(l.End),
		Annotations:              l.annotations(),
	}
	if a.resource != "" { // else it was about no object
		ev.ObjectRef = &auditinternal.ObjectReference{
			Resource: a.resource, Subresource: a.subresource,
			Namespace: a.namespace, Name: a.name,
			APIGroup: a.group, APIVersion: a.version,
		}
	}
	asked, served := l.users()
	if asked != nil {
		ev.User = *userInfo(asked)
	}
	if served != nil {
		ev.ImpersonatedUser = userInfo(served)
	}
	return ev
}

// users returns who asked and, if that is another, as whom he was served.
func (l *Line) users() (asked, served user.Info) {
	if l.Caller != nil {
		return l.Caller, l.User
	}
	return l.User, nil
}

func (l *Line) annotations() map[string]string {
	m := map[string]string{
		annotationSent:     strconv.FormatInt(l.Sent, 10),
		annotationReceived: strconv.FormatInt(l.Received, 10),
	}
	if l.Decision != "" {
		m[annotationDecision] = l.Decision
	}
	if l.Backend != "" {
		m[annotationBackend] = l.Backend
	}
	if l.Retries > 0 {
		m[annotationRetries] = strconv.Itoa(l.Retries)
	}
	return m
}

func userInfo(u user.Info) *authnv1.UserInfo {
	out := &authnv1.UserInfo{Username: u.GetName(), UID: u.GetUID(), Groups: u.GetGroups()}
	if extra := u.GetExtra(); len(extra) > 0 {
		out.Extra = make(map[string]authnv1.ExtraValue, len(extra))
		for k, v := range extra {
			out.Extra[k] = v
		}
	}
	return out
}
