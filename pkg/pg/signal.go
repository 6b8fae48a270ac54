package pg

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// notifyEvery bounds how often one process notifies the others. A NOTIFY inside
// each business transaction halves the commit rate; one per 5 ms costs nothing.
const notifyEvery = 5 * time.Millisecond

// Signal says "something was committed" to other processes, by a debounced NOTIFY
// outside any business transaction. It may be lost: whoever waits for it polls as well.
type Signal struct {
	db      *DB
	channel string
	self    string // tells our own notifications from others'
	heard   chan struct{}
	raised  chan struct{}
}

// NewSignal makes a signal for one topic of the schema.
func (db *DB) NewSignal(topic string) *Signal {
	return &Signal{db: db, channel: db.schema + "_" + topic, self: rand.Text(), heard: make(chan struct{}, 1), raised: make(chan struct{}, 1)}
}

// C receives at least once after a Raise in another process.
func (s *Signal) C() <-chan struct{} { return s.heard }

// Raise is called after a commit. It does not block.
func (s *Signal) Raise() { offer(s.raised) }

func offer(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run carries the signal between processes until ctx ends.
func (s *Signal) Run(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.notify(ctx)
	}()
	for ctx.Err() == nil {
		// A lost listener is no error: those who wait poll meanwhile.
		_ = s.listen(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	<-done
	return nil
}

func (s *Signal) notify(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.raised:
		}
		_, _ = s.db.Exec(ctx, `SELECT pg_notify($1, $2)`, s.channel, s.self)
		select {
		case <-ctx.Done():
			return
		case <-time.After(notifyEvery):
		}
	}
}

func (s *Signal) listen(ctx context.Context) error {
	conn, err := s.db.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.channel, err)
	}
	// A connection that listens must not go back to the pool.
	raw := conn.Hijack()
	defer func() { _ = raw.Close(context.WithoutCancel(ctx)) }()
	if _, err := raw.Exec(ctx, "LISTEN "+pgx.Identifier{s.channel}.Sanitize()); err != nil {
		return fmt.Errorf("listen on %s: %w", s.channel, err)
	}
	offer(s.heard)
	for {
		notification, err := raw.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("wait on %s: %w", s.channel, err)
		}
		if notification.Payload != s.self {
			offer(s.heard)
		}
	}
}
