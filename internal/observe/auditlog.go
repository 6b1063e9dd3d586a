package observe

import (
	"io"
	"log/slog"
	"strconv"

	"k8s.io/apimachinery/pkg/runtime"
	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authentication/user"
)

// AuditLog is an audit backend that writes events as lines of JSON, in batches
// off the way of the requests. No event is dropped: when the writer cannot
// follow, those who have something to record wait. Events of the same moment
// may change places.
//
// The API server's events are encoded by its own library; those of the gateway
// directly, which costs a tenth of it. Both can be read as audit.k8s.io/v1.
type AuditLog struct {
	lines   *batch
	log     *slog.Logger
	encoder runtime.Encoder
}

var _ audit.Backend = (*AuditLog)(nil)

// NewAuditLog returns a log that writes to out, one call at a time. What goes
// wrong is told to log. Close ends it.
func NewAuditLog(out io.Writer, log *slog.Logger) *AuditLog {
	return &AuditLog{
		lines: newBatch(out, log, "audit events"), log: log,
		encoder: audit.Codecs.LegacyCodec(auditv1.SchemeGroupVersion),
	}
}

// Run implements [audit.Backend]. The log takes events from the beginning.
func (*AuditLog) Run(<-chan struct{}) error { return nil }

// Shutdown implements [audit.Backend]. It ends nothing: the API server calls
// it when its own requests are over, and the gateway may still have some.
func (*AuditLog) Shutdown() {}

// Close writes what is left. Nothing may be recorded afterwards.
func (a *AuditLog) Close() { a.lines.close() }

func (*AuditLog) String() string { return "log" }

// ProcessEvents implements [audit.Backend]. The events are not kept.
func (a *AuditLog) ProcessEvents(events ...*auditinternal.Event) bool {
	done := true
	for _, ev := range events {
		line, err := runtime.Encode(a.encoder, ev) // ends with a line feed
		if err != nil {
			a.log.Error("encoding an audit event: it is lost", "auditID", ev.AuditID, "error", err)
			done = false
			continue
		}
		s := a.lines.take()
		s.buf = append(s.buf, line...)
		a.lines.give(s)
	}
	return done
}

// record writes the event of a request.
func (a *AuditLog) record(l *Line, stage auditinternal.Stage) {
	s := a.lines.take()
	s.buf = l.appendEvent(s.buf, &s.now, stage)
	a.lines.give(s)
}

// appendEvent appends what event returns, encoded as audit.k8s.io/v1.
func (l *Line) appendEvent(b []byte, now *clock, stage auditinternal.Stage) []byte {
	a := &l.about
	b = append(b, `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata"`...)
	b = appendField(b, "auditID", l.ID)
	b = appendField(b, "stage", string(stage))
	b = append(b, `,"requestURI":`...)
	b = l.appendURI(b)
	b = appendField(b, "verb", a.verb)
	asked, served := l.users()
	b = append(b, `,"user":`...)
	b = appendUser(b, asked)
	if served != nil {
		b = append(b, `,"impersonatedUser":`...)
		b = appendUser(b, served)
	}
	b = append(b, `,"sourceIPs":[`...)
	b = appendString(b, l.Client)
	b = append(b, ']')
	b = appendField(b, "userAgent", l.UserAgent)
	b = a.append(b)
	b = append(b, `,"responseStatus":{"metadata":{},"code":`...)
	b = strconv.AppendInt(b, int64(l.Status), 10)
	b = append(b, `},"requestReceivedTimestamp":`...)
	b = now.append(b, l.Start)
	b = append(b, `,"stageTimestamp":`...)
	b = now.append(b, l.End)
	b = l.appendAnnotations(b)
	return append(b, '}', '\n')
}

// append appends which object it was about, if it was about one.
func (a *about) append(b []byte) []byte {
	if a.resource == "" {
		return b
	}
	b = append(b, `,"objectRef":{"resource":`...)
	b = appendString(b, a.resource)
	b = appendField(b, "namespace", a.namespace)
	b = appendField(b, "name", a.name)
	b = appendField(b, "apiGroup", a.group)
	b = appendField(b, "apiVersion", a.version)
	b = appendField(b, "subresource", a.subresource)
	return append(b, '}')
}

// appendAnnotations appends them sorted by name, as the library does.
func (l *Line) appendAnnotations(b []byte) []byte {
	b = append(b, `,"annotations":{`...)
	if l.Decision != "" {
		b = append(b, `"`+annotationDecision+`":`...)
		b = append(appendString(b, l.Decision), ',')
	}
	if l.Backend != "" {
		b = append(b, `"`+annotationBackend+`":`...)
		b = append(appendString(b, l.Backend), ',')
	}
	b = append(b, `"`+annotationReceived+`":"`...)
	b = strconv.AppendInt(b, l.Received, 10)
	b = append(b, `","`+annotationSent+`":"`...)
	b = strconv.AppendInt(b, l.Sent, 10)
	b = append(b, '"')
	if l.Retries > 0 {
		b = append(b, `,"`+annotationRetries+`":"`...)
		b = strconv.AppendInt(b, int64(l.Retries), 10)
		b = append(b, '"')
	}
	return append(b, '}')
}

// appendUser appends a user; nobody is an empty one.
func appendUser(b []byte, u user.Info) []byte {
	if u == nil {
		return append(b, '{', '}')
	}
	b = append(b, `{"username":`...)
	b = appendString(b, u.GetName())
	b = appendField(b, "uid", u.GetUID())
	if groups := u.GetGroups(); len(groups) > 0 {
		b = append(b, `,"groups":`...)
		b = appendStrings(b, groups)
	}
	if extra := u.GetExtra(); len(extra) > 0 {
		b = append(b, `,"extra":`...)
		mark := byte('{')
		for name, values := range extra {
			b = append(b, mark)
			b = appendString(b, name)
			b = append(b, ':')
			b = appendStrings(b, values)
			mark = ','
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

func appendStrings(b []byte, list []string) []byte {
	mark := byte('[')
	for _, s := range list {
		b = append(b, mark)
		b = appendString(b, s)
		mark = ','
	}
	if mark == '[' {
		b = append(b, mark)
	}
	return append(b, ']')
}
