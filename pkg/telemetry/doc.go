// Package telemetry sets up what a process tells of itself: structured logs with
// trace ids, traces over OTLP, and Prometheus metrics. Trace context travels in
// Twirp's HTTP headers and in the headers of NATS messages by one interceptor
// each (pkg/serve, pkg/bus).
package telemetry
