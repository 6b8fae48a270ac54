package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/protobuf/proto"

	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
)

// Bus is a connection to NATS as one identity.
type Bus struct {
	conn  *nats.Conn
	js    jetstream.JetStream
	trace *telemetry.Tracing
	log   *slog.Logger
}

// Config says where NATS is and who connects.
type Config struct {
	URL string
	// Name is the identity, shown in the server's list of connections.
	Name string
	// Option proves the identity; nil for a URL that carries user and password.
	Option nats.Option
}

// ErrQueued says that this piece of work is queued or in flight already.
var ErrQueued = errors.New("work is queued already")

// ErrTooLarge says that the server takes no message of this size.
var ErrTooLarge = errors.New("message is too large")

// The server's refusal to store, and its words where that is because of a second
// message on a subject (nats-server: errors.json, JSStreamStoreFailedF; store.go,
// ErrMaxMsgsPerSubject). A full disk has the same code.
const (
	jsErrStoreFailed jetstream.ErrorCode = 10077
	secondOnSubject                      = "maximum messages per subject exceeded"
)

const (
	connectTimeout = 10 * time.Second
	publishTimeout = 5 * time.Second
)

// Connect opens a connection that is kept up until Close.
func Connect(config Config, trace *telemetry.Tracing, log *slog.Logger) (*Bus, error) {
	options := []nats.Option{
		nats.Name(config.Name), nats.CustomInboxPrefix(subjects.InboxPrefix(config.Name)), nats.MaxReconnects(-1), nats.Timeout(connectTimeout),
		nats.RetryOnFailedConnect(true), nats.ReconnectWait(100 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, time.Second),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("lost the connection to NATS", "err", err)
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			log.Warn("NATS reports an error", "subject", subjectOf(sub), "err", err)
		}),
	}
	if config.Option != nil {
		options = append(options, config.Option)
	}
	conn, err := nats.Connect(config.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS as %s: %w", config.Name, err)
	}
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncTimeout(publishTimeout))
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("JetStream as %s: %w", config.Name, err)
	}
	return &Bus{conn, js, trace, log}, nil
}

func subjectOf(sub *nats.Subscription) string {
	if sub == nil {
		return ""
	}
	return sub.Subject
}

// Close sends what is buffered and closes the connection.
func (b *Bus) Close() {
	_ = b.conn.FlushTimeout(time.Second)
	b.conn.Close()
}

// Healthy says whether the connection is up.
func (b *Bus) Healthy() error {
	if !b.conn.IsConnected() {
		return fmt.Errorf("NATS is %s", b.conn.Status())
	}
	return nil
}

// eventsMaxAge is how long facts are kept for those who catch up.
const eventsMaxAge = 72 * time.Hour

// EnsureStreams makes the stream of events and those of the given layers, or brings
// them up to date. Only who publishes to a stream makes it.
func (b *Bus) EnsureStreams(ctx context.Context, layers ...subjects.Layer) error {
	configs := []jetstream.StreamConfig{{
		Name: subjects.EventStream, Subjects: []string{subjects.AllEvents},
		Retention: jetstream.LimitsPolicy, MaxAge: eventsMaxAge, Discard: jetstream.DiscardOld,
	}}
	for _, layer := range layers {
		configs = append(configs, jetstream.StreamConfig{
			Name: layer.Stream(), Subjects: []string{layer.All()},
			Retention: jetstream.WorkQueuePolicy, MaxMsgsPerSubject: 1,
			Discard: jetstream.DiscardNew, DiscardNewPerSubject: true,
		})
	}
	for _, config := range configs {
		if _, err := b.js.CreateOrUpdateStream(ctx, config); err != nil {
			return fmt.Errorf("stream %s: %w", config.Name, err)
		}
	}
	return nil
}

// Outgoing is a message for a stream.
type Outgoing struct {
	Subject     string
	Tenant      string
	TraceParent string // W3C trace context of what caused it; may be empty
	Data        []byte
}

// Publish sends messages in order, all under way at once, and waits until each is
// stored or refused. It returns an error for each: nil, ErrQueued for work that is
// queued or in flight, or what went wrong.
func (b *Bus) Publish(ctx context.Context, messages []Outgoing) []error {
	failures := make([]error, len(messages))
	futures := make([]jetstream.PubAckFuture, len(messages))
	for i, m := range messages {
		futures[i], failures[i] = b.js.PublishMsgAsync(m.message())
	}
	for i, future := range futures {
		if future == nil {
			failures[i] = refused(messages[i].Subject, failures[i])
			continue
		}
		select {
		case <-future.Ok():
		case err := <-future.Err():
			failures[i] = refused(messages[i].Subject, err)
		case <-ctx.Done():
			failures[i] = ctx.Err()
		}
	}
	return failures
}

func refused(subject string, err error) error {
	var apiErr *jetstream.APIError
	if errors.As(err, &apiErr) && apiErr.ErrorCode == jsErrStoreFailed && strings.Contains(apiErr.Description, secondOnSubject) {
		return ErrQueued
	}
	if errors.Is(err, nats.ErrMaxPayload) {
		return fmt.Errorf("publish %s: %w", subject, ErrTooLarge)
	}
	return fmt.Errorf("publish %s: %w", subject, err)
}

func (m *Outgoing) message() *nats.Msg {
	msg := nats.NewMsg(m.Subject)
	msg.Data = m.Data
	msg.Header.Set(TenantHeader, m.Tenant)
	if m.TraceParent != "" {
		msg.Header.Set("traceparent", m.TraceParent)
	}
	return msg
}

// Progress tells whoever listens of a number that changed; nobody keeps it.
func Progress[T proto.Message](b *Bus, event subjects.Event[T], id string, m T) error {
	payload, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode progress of %s: %w", id, err)
	}
	if err := b.conn.Publish(event.Subject(id), payload); err != nil {
		return fmt.Errorf("publish %s: %w", event.Subject(id), err)
	}
	return nil
}

// OnProgress calls handle for each message of an event that is not kept, until ctx
// ends. What cannot be decoded is logged and left.
func OnProgress[T proto.Message](ctx context.Context, b *Bus, event subjects.Event[T], handle func(T)) error {
	sub, err := b.conn.Subscribe(event.Wildcard(), func(msg *nats.Msg) {
		m := event.New()
		if err := proto.Unmarshal(msg.Data, m); err != nil {
			b.log.WarnContext(ctx, "progress message makes no sense", "subject", msg.Subject, "err", err)
			return
		}
		handle(m)
	})
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", event.Wildcard(), err)
	}
	<-ctx.Done()
	if err := sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("unsubscribe from %s: %w", event.Wildcard(), err)
	}
	return nil
}

// TenantHeader says whose event a message is.
const TenantHeader = "Grainmesh-Tenant"

// headerCarrier lets trace context travel in NATS headers.
type headerCarrier nats.Header

var _ propagation.TextMapCarrier = headerCarrier{}

func (h headerCarrier) Get(key string) string { return nats.Header(h).Get(key) }
func (h headerCarrier) Set(key, value string) { nats.Header(h).Set(key, value) }
func (h headerCarrier) Keys() []string {
	keys := make([]string, 0, len(h))
	for key := range h {
		keys = append(keys, key)
	}
	return keys
}
