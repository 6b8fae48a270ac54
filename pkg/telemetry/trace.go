package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracing makes spans and carries their context between processes.
type Tracing struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	shutdown   func(context.Context) error
}

// tracesPath is where collectors take spans (OTLP/HTTP).
const tracesPath = "/v1/traces"

// NewTracing sends spans to an OTLP endpoint over HTTP, such as
// "http://127.0.0.1:4318". With an empty endpoint spans only give trace ids to
// logs and jobs.
func NewTracing(ctx context.Context, process, endpoint string) (*Tracing, error) {
	options := []sdktrace.TracerProviderOption{
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", process))),
	}
	if endpoint == "" {
		options = append(options, sdktrace.WithSampler(sdktrace.NeverSample()))
	} else {
		// The exporter posts to the URL as it is, and collectors listen below it.
		traces, err := url.JoinPath(strings.TrimSuffix(endpoint, tracesPath), tracesPath)
		if err != nil {
			return nil, fmt.Errorf("trace endpoint %q: %w", endpoint, err)
		}
		exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(traces))
		if err != nil {
			return nil, fmt.Errorf("trace exporter to %s: %w", endpoint, err)
		}
		options = append(options, sdktrace.WithBatcher(exporter))
	}
	provider := sdktrace.NewTracerProvider(options...)
	return &Tracing{
		tracer:     provider.Tracer("grainmesh"),
		propagator: propagation.TraceContext{},
		shutdown:   provider.Shutdown,
	}, nil
}

// Start begins a span, a child of the one in ctx if there is one.
func (t *Tracing) Start(ctx context.Context, name string, attrs ...attribute.KeyValue) (context.Context, trace.Span) {
	return t.tracer.Start(ctx, name, trace.WithAttributes(attrs...))
}

// Inject writes the trace context of ctx into a message's headers (W3C
// traceparent).
func (t *Tracing) Inject(ctx context.Context, headers propagation.TextMapCarrier) {
	t.propagator.Inject(ctx, headers)
}

// Extract returns ctx with the trace context of a message's headers.
func (t *Tracing) Extract(ctx context.Context, headers propagation.TextMapCarrier) context.Context {
	return t.propagator.Extract(ctx, headers)
}

// Shutdown sends what is left.
func (t *Tracing) Shutdown(ctx context.Context) error {
	if err := t.shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("shut tracing down: %w", err)
	}
	return nil
}

// TraceID returns the id of the trace in ctx, "" if there is none.
func TraceID(ctx context.Context) string {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		return span.TraceID().String()
	}
	return ""
}

// TraceParent returns the trace context of ctx as one W3C header value, to be kept
// in a row until the work that it caused is done.
func (t *Tracing) TraceParent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	t.propagator.Inject(ctx, carrier)
	return carrier["traceparent"]
}

// WithTraceParent returns ctx within the trace that TraceParent wrote.
func (t *Tracing) WithTraceParent(ctx context.Context, parent string) context.Context {
	return t.propagator.Extract(ctx, propagation.MapCarrier{"traceparent": parent})
}
