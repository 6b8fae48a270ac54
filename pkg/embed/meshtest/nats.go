package meshtest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed"
)

// The servers of this test binary. They are package state because tests have
// no other place in common.
var (
	natsServer = shared[*embed.NATS]{start: func(ctx context.Context, dir string) (*embed.NATS, error) {
		return embed.StartNATS(ctx, embed.NATSConfig{Dir: dir})
	}}
	natsAccounts atomic.Int64
)

// Account is a NATS account of one test: nobody else sees its subjects and
// streams.
type Account struct {
	// URL of the server, without credentials.
	URL string
	// Name of the account.
	Name string
	// Owner may do everything in the account.
	Owner embed.Identity

	server *embed.NATS
}

// NATS returns a new account with a JetStream of its own on the test binary's
// server.
func NATS(t testing.TB) *Account {
	t.Helper()
	server := natsServer.use(t)
	name := fmt.Sprintf("TEST%d", natsAccounts.Add(1))
	owner, err := embed.NewIdentity("owner")
	require.NoError(t, err)
	everything := []string{">"}
	require.NoError(t, server.AddAccount(name, owner.User(everything, everything)))
	return &Account{URL: server.URL(), Name: name, Owner: owner, server: server}
}

// AddUser lets another identity into the account, with what it may do.
func (a *Account) AddUser(t testing.TB, user embed.User) {
	t.Helper()
	user.Account = a.Name
	require.NoError(t, a.server.AddUsers(user))
}

// Connect connects as an identity of the account; the connection ends with the
// test.
func (a *Account) Connect(t testing.TB, as embed.Identity, options ...nats.Option) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect(a.URL, append(as.Options(), options...)...)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	return conn
}

// Option proves the owner to the server, for who makes the connection itself.
func (a *Account) Option() nats.Option {
	return func(o *nats.Options) error {
		for _, set := range a.Owner.Options() {
			if err := set(o); err != nil {
				return err
			}
		}
		return nil
	}
}

// JetStream connects as the owner.
func (a *Account) JetStream(t testing.TB) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(a.Connect(t, a.Owner))
	require.NoError(t, err)
	return js
}
