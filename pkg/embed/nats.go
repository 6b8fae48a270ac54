package embed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Names of the two accounts that every embedded NATS has.
const (
	// MainAccount holds the mesh: its streams and the identities of services.
	MainAccount = "GRAINMESH"
	// SystemAccount sees the server's own events.
	SystemAccount = "SYS"
)

const (
	// natsStartTimeout bounds how long the server may take until it accepts
	// clients.
	natsStartTimeout = 60 * time.Second
	natsReadyStep    = 100 * time.Millisecond
)

// NATSConfig describes an embedded NATS server.
type NATSConfig struct {
	// Dir keeps the JetStream store. Required.
	Dir string
	// Port on 127.0.0.1; 0 takes a free one.
	Port int
	// Users who may connect. There is no anonymous access, with or without.
	Users []User
	// SyncAlways makes JetStream sync each message to disk. It costs nine
	// tenths of the publish rate; false is right where losing the store loses
	// no work.
	SyncAlways bool
	// MaxMemory and MaxStore bound JetStream in bytes; 0 lets the server choose
	// by the machine.
	MaxMemory, MaxStore int64
	// MaxPayload is the largest message in bytes; 0 means 1 MiB.
	MaxPayload int32
	// Logger gets the server's notices and errors; nil drops them.
	Logger *slog.Logger
}

// NATS is a running embedded NATS server.
type NATS struct {
	server *server.Server
	lock   *Lock
	auth   *authenticator
}

// StartNATS starts a NATS server with JetStream and returns when it accepts
// clients. ctx bounds the start alone.
func StartNATS(ctx context.Context, cfg NATSConfig) (*NATS, error) {
	if cfg.Dir == "" {
		return nil, errors.New("start nats: no folder given")
	}
	lock, err := LockDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("start nats: %w", err)
	}
	n := &NATS{lock: lock, auth: newAuthenticator()}
	if err := n.start(ctx, cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("start nats: %w", err), n.Stop(context.WithoutCancel(ctx)))
	}
	return n, nil
}

func (n *NATS) start(ctx context.Context, cfg NATSConfig) error {
	srv, err := server.NewServer(n.options(cfg))
	if err != nil {
		return err
	}
	n.server = srv
	log := natsLogger{log: logger(cfg.Logger), fatal: make(chan error, 1)}
	srv.SetLoggerV2(log, false, false, false)
	srv.Start()
	if err := awaitNATS(ctx, srv, log.fatal); err != nil {
		return err
	}
	n.auth.setAccount(SystemAccount, srv.SystemAccount())
	if err := n.AddAccount(MainAccount); err != nil {
		return err
	}
	return n.AddUsers(cfg.Users...)
}

func (n *NATS) options(cfg NATSConfig) *server.Options {
	port := cfg.Port
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return &server.Options{
		ServerName:                 "grainmesh",
		Host:                       loopback,
		Port:                       port,
		NoSigs:                     true,
		DisableJetStreamBanner:     true,
		Accounts:                   []*server.Account{server.NewAccount(SystemAccount)},
		SystemAccount:              SystemAccount,
		CustomClientAuthentication: n.auth,
		AlwaysEnableNonce:          true,
		MaxPayload:                 cmp.Or(cfg.MaxPayload, int32(server.MAX_PAYLOAD_SIZE)),
		JetStream:                  true,
		StoreDir:                   filepath.Join(cfg.Dir, "store"),
		SyncAlways:                 cfg.SyncAlways,
		JetStreamMaxMemory:         cfg.MaxMemory,
		JetStreamMaxStore:          cfg.MaxStore,
	}
}

// awaitNATS waits until the server accepts clients.
func awaitNATS(ctx context.Context, srv *server.Server, fatal <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, natsStartTimeout)
	defer cancel()
	for !srv.ReadyForConnections(natsReadyStep) {
		select {
		case err := <-fatal:
			return err
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
	}
	if !srv.JetStreamEnabled() {
		return errors.New("jetstream did not start")
	}
	return nil
}

// URL is where clients connect; it holds no credentials.
func (n *NATS) URL() string { return n.server.ClientURL() }

// AddAccount makes an account with a JetStream of its own, apart from all
// others, and its users. Streams kept by a former run are there again.
func (n *NATS) AddAccount(name string, users ...User) error {
	account, _ := n.server.LookupOrRegisterAccount(name)
	if account == nil {
		return fmt.Errorf("register account %s", name)
	}
	if err := account.EnableJetStream(nil, nil); err != nil {
		return fmt.Errorf("enable jetstream for account %s: %w", name, err)
	}
	n.auth.setAccount(name, account)
	for _, user := range users {
		user.Account = name
		if err := n.AddUsers(user); err != nil {
			return err
		}
	}
	return nil
}

// AddUsers lets users in from now on. A name or key known already is replaced;
// connections stay as they are.
func (n *NATS) AddUsers(users ...User) error {
	for _, user := range users {
		if err := n.auth.add(user); err != nil {
			return fmt.Errorf("add user %q: %w", user.Name, err)
		}
	}
	return nil
}

// Stop ends the server and gives its folder back. It returns ctx's error when
// that takes longer than ctx allows; the server goes on ending then.
func (n *NATS) Stop(ctx context.Context) error {
	if n.server == nil {
		return n.lock.Release()
	}
	ended := make(chan error, 1)
	go func() {
		n.server.Shutdown()
		n.server.WaitForShutdown()
		ended <- n.lock.Release()
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return fmt.Errorf("stop nats: %w", ctx.Err())
	}
}

// natsLogger takes the server's log to slog. The server as a library tells of
// a failed start only here.
type natsLogger struct {
	log   *slog.Logger
	fatal chan error
}

var _ server.Logger = natsLogger{}

func (l natsLogger) say(level slog.Level, format string, v []any) {
	l.log.Log(context.Background(), level, "nats server", "notice", fmt.Sprintf(format, v...))
}

// Fatalf keeps the first failure for [awaitNATS].
func (l natsLogger) Fatalf(format string, v ...any) {
	l.say(slog.LevelError, format, v)
	select {
	case l.fatal <- fmt.Errorf(format, v...):
	default:
	}
}

func (l natsLogger) Noticef(format string, v ...any) { l.say(slog.LevelDebug, format, v) }
func (l natsLogger) Warnf(format string, v ...any)   { l.say(slog.LevelWarn, format, v) }
func (l natsLogger) Errorf(format string, v ...any)  { l.say(slog.LevelError, format, v) }
func (l natsLogger) Debugf(format string, v ...any)  { l.say(slog.LevelDebug, format, v) }
func (l natsLogger) Tracef(format string, v ...any)  { l.say(slog.LevelDebug, format, v) }
