package service

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/config"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/objstore"
	"github.com/grainmesh/grainmesh/pkg/pg"
	"github.com/grainmesh/grainmesh/pkg/rangereader"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/sources"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
	"github.com/grainmesh/grainmesh/pkg/urlguard"
)

// Env is where a service finds its settings and its neighbours. A neighbour is
// opened when asked for, checked by /readyz from then on, and closed by the process.
type Env struct {
	Name     string
	Settings Settings
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	process  *process
}

// Config reads the service's own settings, GRAINMESH_<SERVICE>_*.
func (e *Env) Config(into config.Validator) error {
	prefix := "GRAINMESH_" + strings.ToUpper(strings.ReplaceAll(e.Name, "-", "_"))
	if err := config.Load(prefix, into); err != nil {
		return err
	}
	if e.process.options.Adjust != nil {
		e.process.options.Adjust(into)
	}
	return nil
}

// Twirp is what the service's Twirp servers are made with.
func (e *Env) Twirp() *serve.TwirpServer { return e.process.twirp }

// Trace makes spans.
func (e *Env) Trace() *telemetry.Tracing { return e.process.trace }

// Signer signs tokens in the name of an identity whose key this process holds.
func (e *Env) Signer(name string) (*auth.Signer, error) { return e.process.keyring.Signer(name) }

// Verifier checks tokens that reach the service by another way than its listeners,
// such as in a path.
func (e *Env) Verifier() *auth.Verifier { return auth.NewVerifier(e.process.issuers, e.Name) }

// maxConns bounds the database connections of one service in one process.
const maxConns = 16

// Database opens the service's schema and brings it up to date.
func (e *Env) Database(ctx context.Context, schema string, migrations fs.FS) (*pg.DB, error) {
	if e.Settings.DatabaseURL == "" {
		return nil, missing("GRAINMESH_DATABASE_URL", "postgres://user:password@host/database")
	}
	db, err := pg.Open(ctx, e.Settings.DatabaseURL.Reveal(), schema, maxConns)
	if err != nil {
		return nil, err
	}
	e.process.closeWith(db.Close)
	e.process.health.Need(e.Name+" database", db.Ping)
	if err := db.Migrate(ctx, migrations); err != nil {
		return nil, err
	}
	return db, nil
}

// Bus connects to NATS as the service.
func (e *Env) Bus(context.Context) (*bus.Bus, error) {
	option, err := e.process.keyring.NATSOption(e.Name)
	if err != nil {
		return nil, err
	}
	b, err := bus.Connect(bus.Config{URL: e.Settings.NATSURL, Name: e.Name, Option: option}, e.process.trace, e.Log)
	if err != nil {
		return nil, err
	}
	e.process.closeWith(b.Close)
	e.process.health.Need(e.Name+" nats", func(context.Context) error { return b.Healthy() })
	return b, nil
}

// cacheTimeout bounds every step of a call to the cache.
const cacheTimeout = 500 * time.Millisecond

// Redis opens the cache.
func (e *Env) Redis(context.Context) (*redis.Client, error) {
	if e.Settings.RedisURL == "" {
		return nil, missing("GRAINMESH_REDIS_URL", "redis://:password@host:6379")
	}
	options, err := redis.ParseURL(e.Settings.RedisURL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("GRAINMESH_REDIS_URL: %w", err)
	}
	// It is a cache: what it does not answer at once is done without it.
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout, options.MaxRetries = cacheTimeout, cacheTimeout, cacheTimeout, -1
	client := redis.NewClient(options)
	e.process.closeWith(func() { _ = client.Close() })
	e.process.health.Use(e.Name+" redis", func(ctx context.Context) error { return client.Ping(ctx).Err() })
	return client, nil
}

// Objects opens the object store.
func (e *Env) Objects(context.Context) (*objstore.Store, error) {
	if e.Settings.S3URL == "" {
		return nil, missing("GRAINMESH_S3_URL", "http://KEY:SECRET@host:9000")
	}
	store, err := objstore.Open(objstore.Config{URL: e.Settings.S3URL, PublicURL: e.Settings.S3PublicURL})
	if err != nil {
		return nil, fmt.Errorf("GRAINMESH_S3_URL: %w", err)
	}
	e.process.closeWith(store.Close)
	e.process.health.Need(e.Name+" object store", store.Ping)
	return store, nil
}

// Bucket opens the bucket of the mesh. Making it is the media store's part.
func (e *Env) Bucket(ctx context.Context) (*objstore.Bucket, error) {
	store, err := e.Objects(ctx)
	if err != nil {
		return nil, err
	}
	return store.Bucket(e.Settings.S3Bucket), nil
}

// Sources makes the way to the files that jobs name, with the guard that the settings
// say.
func (e *Env) Sources(ctx context.Context) (*sources.Sources, error) {
	guard, err := urlguard.New(urlguard.Config{Allow: e.Settings.AllowHosts})
	if err != nil {
		return nil, fmt.Errorf("GRAINMESH_ALLOW_HOSTS: %w", err)
	}
	store, err := e.Objects(ctx)
	if err != nil {
		return nil, err
	}
	opener, err := rangereader.New(rangereader.Config{Guard: guard, Store: store})
	if err != nil {
		return nil, err
	}
	e.process.closeWith(opener.Close)
	return sources.New(opener, e.Settings.S3Bucket), nil
}

// Neighbour returns the internal address of another service and a client that
// calls it in this one's name.
func (e *Env) Neighbour(name string) (string, *http.Client, error) {
	url := e.Settings.Neighbours[name]
	if url == "" {
		return "", nil, missing("GRAINMESH_NEIGHBOURS", name+"=http://host:8081")
	}
	signer, err := e.Signer(e.Name)
	if err != nil {
		return "", nil, err
	}
	token := func(ctx context.Context) (string, error) { return signer.Service(ctx, name) }
	return url, serve.NewHTTPClient(token), nil
}

func missing(variable, example string) error {
	return fault.Newf(fault.InvalidArgument, "%s is not set, want something such as %s", variable, example)
}

// Instance names this process among those of the same service: host and process id.
func (e *Env) Instance() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s@%s:%d", e.Name, host, os.Getpid())
}
