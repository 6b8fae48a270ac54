package mesh

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/grainmesh/grainmesh/pkg/config"
	"github.com/grainmesh/grainmesh/pkg/embed"
	"github.com/grainmesh/grainmesh/pkg/service"
)

// Options say how a mesh runs.
type Options struct {
	// Dir holds all its data.
	Dir string
	// Settings are the process's, see [LoadSettings]; neighbours whose URL is set are not
	// embedded.
	Settings service.Settings
	Log      *slog.Logger
	// Locked, if set, is called once, when the folder is this process's and nothing has
	// been started yet. Its error ends the run.
	Locked func() error
	// Ready, if set, is called once, when every service is ready.
	Ready func(Running)
}

// LoadSettings reads the settings of a mesh from the environment. A NATS that nobody
// named is to be embedded, and not looked for where services look that run apart.
func LoadSettings() (service.Settings, error) {
	settings, err := service.LoadSettings()
	if _, set := os.LookupEnv("GRAINMESH_NATS_URL"); !set {
		settings.NATSURL = ""
	}
	return settings, err
}

// Run runs a mesh until ctx ends.
func Run(ctx context.Context, options Options) error {
	lock, err := embed.LockDir(options.Dir)
	if err != nil {
		return err
	}
	if options.Locked != nil {
		if err := options.Locked(); err != nil {
			return errors.Join(err, lock.Release())
		}
	}
	m := &mesh{dir: options.Dir, log: options.Log, settings: options.Settings}
	err = m.run(ctx, options)
	return errors.Join(err, m.stop(), lock.Release())
}

// mesh is the embedded neighbours of one process.
type mesh struct {
	dir      string
	log      *slog.Logger
	settings service.Settings
	stops    []func(context.Context) error
	ended    []<-chan struct{} // closed when a neighbour ended by itself
}

func (m *mesh) run(ctx context.Context, options Options) error {
	if err := m.embed(ctx); err != nil {
		return err
	}
	// When the context ends because a neighbour did, say which.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for _, ended := range m.ended {
		go func() {
			select {
			case <-ended:
				cancel(errNeighbourEnded)
			case <-ctx.Done():
			}
		}()
	}
	ready := func(publicURL, internalURL string) {
		if options.Ready != nil {
			options.Ready(running(&m.settings, publicURL, internalURL))
		}
	}
	err := service.Run(ctx, service.Options{Settings: m.settings, Log: m.log, Ready: ready}, Services()...)
	if cause := context.Cause(ctx); errors.Is(cause, errNeighbourEnded) {
		return errors.Join(err, cause)
	}
	return err
}

var errNeighbourEnded = errors.New("an embedded neighbour ended by itself")

// embed starts, side by side, the neighbours that the settings do not name.
func (m *mesh) embed(ctx context.Context) error {
	keys := filepath.Join(m.dir, "keys")
	_, users, err := EnsureKeys(keys)
	if err != nil {
		return err
	}
	m.settings.Keys = keys
	group, ctx := errgroup.WithContext(ctx)
	var parts [4]part
	starts := []func(context.Context) (part, error){
		m.postgres, func(ctx context.Context) (part, error) { return m.nats(ctx, users) }, m.redis, m.s3,
	}
	for i, start := range starts {
		group.Go(func() (err error) {
			parts[i], err = start(ctx)
			return err
		})
	}
	err = group.Wait()
	for _, p := range parts {
		if p.apply == nil {
			continue
		}
		p.apply(&m.settings)
		m.stops = append(m.stops, p.stop)
		if p.ended != nil {
			m.ended = append(m.ended, p.ended)
		}
	}
	return err
}

// part is one neighbour that was started. The zero part is one that was not needed.
type part struct {
	apply func(*service.Settings)
	stop  func(context.Context) error
	ended <-chan struct{}
}

func (m *mesh) postgres(ctx context.Context) (part, error) {
	if m.settings.DatabaseURL != "" {
		return part{}, nil
	}
	pg, err := embed.StartPostgres(ctx, embed.PostgresConfig{Dir: filepath.Join(m.dir, "postgres"), Logger: m.log})
	if err != nil {
		return part{}, fmt.Errorf("start the embedded Postgres: %w", err)
	}
	return part{func(s *service.Settings) { s.DatabaseURL = config.Secret(pg.URL()) }, pg.Stop, pg.Done()}, nil
}

func (m *mesh) nats(ctx context.Context, users []embed.User) (part, error) {
	if m.settings.NATSURL != "" {
		return part{}, nil
	}
	server, err := embed.StartNATS(ctx, embed.NATSConfig{Dir: filepath.Join(m.dir, "nats"), Users: users, Logger: m.log})
	if err != nil {
		return part{}, fmt.Errorf("start the embedded NATS: %w", err)
	}
	return part{func(s *service.Settings) { s.NATSURL = server.URL() }, server.Stop, nil}, nil
}

func (m *mesh) redis(ctx context.Context) (part, error) {
	if m.settings.RedisURL != "" {
		return part{}, nil
	}
	server, err := embed.StartRedis(ctx, embed.RedisConfig{Logger: m.log})
	if err != nil {
		return part{}, fmt.Errorf("start the embedded Redis: %w", err)
	}
	return part{func(s *service.Settings) { s.RedisURL = config.Secret(server.URL()) }, server.Stop, nil}, nil
}

func (m *mesh) s3(ctx context.Context) (part, error) {
	if m.settings.S3URL != "" {
		return part{}, nil
	}
	access, secret, err := m.s3Keys()
	if err != nil {
		return part{}, err
	}
	server, err := embed.StartS3(ctx, embed.S3Config{
		Dir: filepath.Join(m.dir, "s3"), AccessKey: access, SecretKey: secret, AllowOrigins: []string{"*"},
	})
	if err != nil {
		return part{}, fmt.Errorf("start the embedded S3: %w", err)
	}
	endpoint, err := url.Parse(server.URL())
	if err != nil {
		return part{}, fmt.Errorf("address of the embedded S3: %w", err)
	}
	endpoint.User = url.UserPassword(access, secret)
	return part{func(s *service.Settings) { s.S3URL = config.Secret(endpoint.String()) }, server.Stop, server.Done()}, nil
}

// stopTimeout bounds the stop of one neighbour.
const stopTimeout = 20 * time.Second

func (m *mesh) stop() error {
	var err error
	for _, stop := range slices.Backward(m.stops) {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		err = errors.Join(err, stop(ctx))
		cancel()
	}
	return err
}
