package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/propagation"

	"github.com/grainmesh/grainmesh/pkg/telemetry"
)

func newTracing(t *testing.T, endpoint string) *telemetry.Tracing {
	t.Helper()
	trace, err := telemetry.NewTracing(t.Context(), "test", endpoint)
	require.NoError(t, err)
	t.Cleanup(func() { _ = trace.Shutdown(context.WithoutCancel(t.Context())) })
	return trace
}

// lines decodes what was logged.
func lines(t *testing.T, out *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	decoder := json.NewDecoder(out)
	for decoder.More() {
		var line map[string]any
		require.NoError(t, decoder.Decode(&line))
		all = append(all, line)
	}
	return all
}

func TestLogWritesDurationsWithTheirUnit(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, slog.LevelInfo)
	log.With("every", time.Minute).Info("done", "took", 1500*time.Millisecond, slog.Group("layer", "waited", 12*time.Microsecond), "bytes", 7)
	require.Subset(t, lines(t, &out)[0], map[string]any{
		"every": "1m0s", "took": "1.5s", "layer": map[string]any{"waited": "12µs"}, "bytes": 7.0,
	})
}

// Ids ride in the context, also through loggers that were made from this one.
func TestLogCarriesIDs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, slog.LevelInfo)
	trace := newTracing(t, "")
	ctx, span := trace.Start(t.Context(), "job")
	defer span.End()
	ctx = telemetry.With(ctx, slog.String("job_id", "j1"))
	inner := telemetry.With(ctx, slog.String("tenant", "acme"))
	other := telemetry.With(ctx, slog.String("tenant", "umbrella"))

	log.With("service", "reader").InfoContext(inner, "read", "bytes", 7)
	log.InfoContext(other, "read")
	log.WithGroup("g").InfoContext(t.Context(), "bare")
	log.DebugContext(ctx, "below the level")
	got := lines(t, &out)
	require.Len(t, got, 3)
	require.Subset(t, got[0], map[string]any{
		"msg": "read", "service": "reader", "bytes": 7.0, "job_id": "j1", "tenant": "acme", "trace_id": telemetry.TraceID(ctx),
	})
	require.Equal(t, "umbrella", got[1]["tenant"], "contexts beside one another share nothing")
	require.NotContains(t, got[2], "trace_id")
	telemetry.Discard().ErrorContext(ctx, "nobody hears it")
}

// Without an endpoint there are trace ids all the same, and they travel.
func TestTraceTravels(t *testing.T) {
	t.Parallel()
	here, there := newTracing(t, ""), newTracing(t, "")
	ctx, span := here.Start(t.Context(), "here")
	defer span.End()
	id := telemetry.TraceID(ctx)
	require.Len(t, id, 32)
	require.Empty(t, telemetry.TraceID(t.Context()))

	headers := propagation.MapCarrier{}
	here.Inject(ctx, headers)
	require.Equal(t, id, telemetry.TraceID(there.Extract(t.Context(), headers)))

	parent := here.TraceParent(ctx)
	require.Equal(t, id, telemetry.TraceID(there.WithTraceParent(t.Context(), parent)))
	require.Empty(t, here.TraceParent(t.Context()))
	require.Empty(t, telemetry.TraceID(there.WithTraceParent(t.Context(), "")))
	require.Empty(t, telemetry.TraceID(there.WithTraceParent(t.Context(), "00-nonsense-01")))

	var served string
	server := httptest.NewServer(there.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		served = telemetry.TraceID(r.Context())
	})))
	defer server.Close()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	telemetry.InjectHTTP(request)
	response, err := server.Client().Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, id, served)
}

// With an endpoint, spans are sent there at the latest when the process stops.
func TestSpansAreExported(t *testing.T) {
	t.Parallel()
	got := make(chan string, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.URL.Path }))
	defer collector.Close()
	trace, err := telemetry.NewTracing(t.Context(), "test", collector.URL)
	require.NoError(t, err)
	_, span := trace.Start(t.Context(), "work")
	span.End()
	require.NoError(t, trace.Shutdown(t.Context()))
	require.Equal(t, "/v1/traces", <-got)
}
