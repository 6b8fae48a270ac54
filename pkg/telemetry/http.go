package telemetry

import (
	"net/http"

	"go.opentelemetry.io/otel/propagation"
)

// Handler puts each request into the trace that its traceparent header names, and
// begins a span for it. The usual instrumentation does more, and took a tenth of the
// time of a small call.
func (t *Tracing) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := t.propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := t.tracer.Start(ctx, r.URL.Path)
		defer span.End()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// InjectHTTP writes the trace context of a request's context into its headers.
func InjectHTTP(r *http.Request) {
	propagation.TraceContext{}.Inject(r.Context(), propagation.HeaderCarrier(r.Header))
}
