package observe

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// tracerName is the name of what makes the spans.
const tracerName = "github.com/causeway-access/causeway/internal/observe"

// trace begins the span of a request, below the one that the caller names in
// traceparent (W3C Trace Context). If it is sampled, the backend is told of
// it; else it is told what the caller said, as of any other header.
func (o *Observer) trace(l *Line, h http.Header) {
	format := propagation.TraceContext{}
	carrier := propagation.HeaderCarrier(h)
	ctx := format.Extract(context.Background(), carrier)
	ctx, span := o.tracer.Start(ctx, "proxy", trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(l.Start))
	if !span.IsRecording() {
		return
	}
	h.Del("Tracestate") // it is the caller's trace's, which may not be this one
	format.Inject(ctx, carrier)
	l.span = span
}

// endSpan ends the span with what is known of the request now.
func (l *Line) endSpan() {
	l.span.SetAttributes(
		attribute.String("audit-id", l.ID),
		attribute.String("http.request.method", l.Method),
		attribute.String("url.path", l.Path),
		attribute.Int("http.response.status_code", l.Status),
		attribute.Int64("http.request.body.size", l.Received),
		attribute.Int64("http.response.body.size", l.Sent),
		attribute.Int("causeway.retries", l.Retries),
	)
	if l.Backend != "" {
		l.span.SetAttributes(attribute.String("server.address", l.Backend))
	}
	if a := &l.about; l.Attributes != nil {
		l.span.SetName(a.verb + " " + a.resource + "/" + a.subresource)
		l.span.SetAttributes(
			attribute.String("causeway.resource", a.resource),
			attribute.String("causeway.namespace", a.namespace),
			attribute.String("causeway.name", a.name),
		)
	}
	if l.Status >= http.StatusInternalServerError {
		l.span.SetStatus(codes.Error, http.StatusText(l.Status))
	}
	l.span.End(trace.WithTimestamp(l.End))
}
