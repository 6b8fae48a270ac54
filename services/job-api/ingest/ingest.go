package ingest

import (
	"time"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/outbox"
	"github.com/grainmesh/grainmesh/pkg/pg"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// Config says how jobs are driven.
type Config struct {
	Region string
	// PerJob is how many chunks of one job may be outstanding. Not above the number
	// of reader slots in the fleet, or a large job makes small ones wait.
	PerJob int
	// MaxAttempts is after how many attempts work is dead.
	MaxAttempts int32
	// RetryBase is how long a failed piece of work waits the first time; each further
	// time doubles it.
	RetryBase time.Duration
	// Sizes are given to each new job, and stay with it.
	Sizes *jobv1.Sizes
}

// Jobs is the owner of ingest jobs.
type Jobs struct {
	db      *pg.DB
	writer  *pg.Writer // of changes
	starter *pg.Writer // of attempts
	outbox  *outbox.Publisher
	trace   *telemetry.Tracing
	formats *formats.Registry
	config  Config
}

// New makes the owner, whose facts and work go out through publisher.
func New(db *pg.DB, publisher *outbox.Publisher, trace *telemetry.Tracing, registry *formats.Registry, config Config) *Jobs {
	return &Jobs{db, db.NewWriter(pg.OnDisk), db.NewWriter(pg.InMemory), publisher, trace, registry, config}
}
