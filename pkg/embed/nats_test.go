package embed_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed"
)

func newIdentity(t *testing.T, name string) embed.Identity {
	t.Helper()
	id, err := embed.NewIdentity(name)
	require.NoError(t, err)
	return id
}

func startNATS(t *testing.T, dir string, users ...embed.User) *embed.NATS {
	t.Helper()
	server, err := embed.StartNATS(t.Context(), embed.NATSConfig{Dir: dir, Users: users})
	require.NoError(t, err)
	return server
}

// connect connects, and puts what the server refuses later on the channel.
func connect(t *testing.T, url string, id embed.Identity) (*nats.Conn, <-chan error) {
	t.Helper()
	refused := make(chan error, 16)
	options := append(id.Options(), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		refused <- err
	}))
	conn, err := nats.Connect(url, options...)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	return conn, refused
}

var everything = []string{">"}

func TestNATSKeepsItsStreams(t *testing.T) {
	t.Parallel()
	dir, owner := t.TempDir(), newIdentity(t, "owner")
	server := startNATS(t, dir, owner.User(everything, everything))
	conn, _ := connect(t, server.URL(), owner)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "WORK", Subjects: []string{"work.>"}, Retention: jetstream.WorkQueuePolicy,
	})
	require.NoError(t, err)
	_, err = js.Publish(t.Context(), "work.read.chunk.1", []byte("id"))
	require.NoError(t, err)
	_, err = embed.StartNATS(t.Context(), embed.NATSConfig{Dir: dir})
	require.ErrorIs(t, err, embed.ErrInUse)
	conn.Close()
	stop(t, server)

	seed, err := owner.Seed()
	require.NoError(t, err)
	owner, err = embed.IdentityOf("owner", seed)
	require.NoError(t, err)
	server = startNATS(t, dir, owner.User(everything, everything))
	defer stop(t, server)
	conn, _ = connect(t, server.URL(), owner)
	js, err = jetstream.New(conn)
	require.NoError(t, err)
	consumer, err := js.CreateConsumer(t.Context(), "WORK", jetstream.ConsumerConfig{Durable: "reader"})
	require.NoError(t, err)
	msg, err := consumer.Next(jetstream.FetchMaxWait(10 * time.Second))
	require.NoError(t, err)
	require.Equal(t, "id", string(msg.Data()))
	require.NoError(t, msg.DoubleAck(t.Context()))
}

func TestNATSIsNeverOpen(t *testing.T) {
	t.Parallel()
	known, stranger := newIdentity(t, "known"), newIdentity(t, "stranger")
	server := startNATS(t, t.TempDir(), known.User(everything, everything),
		embed.User{Name: "person", Password: "right", Publish: everything})
	defer stop(t, server)
	forged := append(stranger.Options(), func(o *nats.Options) error {
		o.Nkey = known.PublicKey // signed with another key
		return nil
	})
	for name, options := range map[string][]nats.Option{
		"nobody":         nil,
		"stranger":       stranger.Options(),
		"forged":         forged,
		"wrong password": {nats.UserInfo("person", "wrong")},
		"no password":    {nats.UserInfo("person", "")},
		"key's name":     {nats.UserInfo("known", "")},
	} {
		_, err := nats.Connect(server.URL(), options...)
		require.ErrorIs(t, err, nats.ErrAuthorization, name)
	}
	for _, options := range [][]nats.Option{known.Options(), {nats.UserInfo("person", "right")}} {
		conn, err := nats.Connect(server.URL(), options...)
		require.NoError(t, err)
		conn.Close()
	}
}

func TestNATSUsersKeepToTheirSubjects(t *testing.T) {
	t.Parallel()
	reader, chunker, mute := newIdentity(t, "reader"), newIdentity(t, "chunker"), newIdentity(t, "mute")
	server := startNATS(t, t.TempDir(),
		reader.User([]string{"event.reader.>", "$JS.API.INFO"}, []string{"ctl.reader.>"}),
		chunker.User([]string{"event.chunker.>"}, []string{"event.reader.>"}),
		mute.User(nil, nil))
	defer stop(t, server)
	conn, refused := connect(t, server.URL(), reader)
	listener, listenerRefused := connect(t, server.URL(), chunker)
	heard, err := listener.SubscribeSync("event.reader.>")
	require.NoError(t, err)
	require.NoError(t, listener.Flush())

	require.NoError(t, conn.Publish("event.chunker.1.done", nil), "refused by the server, not the client")
	require.ErrorContains(t, await(t, refused), `Permissions Violation for Publish to "event.chunker.1.done"`)
	require.NoError(t, conn.Publish("event.reader.1.done", nil))
	_, err = heard.NextMsg(10 * time.Second)
	require.NoError(t, err)

	for _, subject := range []string{"event.>", ">", embed.InboxPrefix("chunker") + ".>", "_INBOX.>", "$JS.>"} {
		_, err = conn.SubscribeSync(subject)
		require.NoError(t, err)
		require.ErrorContains(t, await(t, refused), "Permissions Violation for Subscription", subject)
	}
	_, err = listener.SubscribeSync(embed.InboxPrefix("reader") + ".>")
	require.NoError(t, err)
	require.ErrorContains(t, await(t, listenerRefused), "Permissions Violation for Subscription")

	silent, silentRefused := connect(t, server.URL(), mute)
	require.NoError(t, silent.Publish("event.reader.1.done", nil))
	require.ErrorContains(t, await(t, silentRefused), "Permissions Violation for Publish")
}

func TestNATSJetStreamOnlyAsGiven(t *testing.T) {
	t.Parallel()
	owner, some, none := newIdentity(t, "owner"), newIdentity(t, "some"), newIdentity(t, "none")
	server := startNATS(t, t.TempDir(), owner.User(everything, everything),
		some.User([]string{"work.>", "$JS.API.STREAM.INFO.WORK"}, nil),
		none.User([]string{"work.>"}, nil))
	defer stop(t, server)
	conn, _ := connect(t, server.URL(), owner)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "WORK", Subjects: []string{"work.>"}})
	require.NoError(t, err)

	conn, refused := connect(t, server.URL(), some)
	js, err = jetstream.New(conn)
	require.NoError(t, err)
	_, err = js.Publish(t.Context(), "work.read.1", nil)
	require.NoError(t, err, "publishing needs no rights on the API")
	_, err = js.Stream(t.Context(), "WORK")
	require.NoError(t, err)
	require.ErrorContains(t, call(t, func(ctx context.Context) error { return js.DeleteStream(ctx, "WORK") }, refused), "$JS.API.STREAM.DELETE.WORK")

	conn, refused = connect(t, server.URL(), none)
	js, err = jetstream.New(conn)
	require.NoError(t, err)
	require.ErrorContains(t, call(t, func(ctx context.Context) error {
		_, err := js.Stream(ctx, "WORK")
		return err
	}, refused), "$JS.API.STREAM.INFO.WORK")
}

// call runs a request that the server refuses and drops, and returns the refusal.
func call(t *testing.T, request func(context.Context) error, refused <-chan error) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- request(ctx) }()
	refusal := await(t, refused)
	cancel()
	require.Error(t, <-done)
	return refusal
}

func await(t *testing.T, errs <-chan error) error {
	t.Helper()
	select {
	case err := <-errs:
		return err
	case <-time.After(10 * time.Second):
		require.Fail(t, "the server refused nothing")
		return nil
	}
}

func TestNATSAnswersWithoutPublishRights(t *testing.T) {
	t.Parallel()
	caller, node := newIdentity(t, "caller"), newIdentity(t, "node")
	nodeUser := node.User(nil, []string{"ctl.node.1.*"})
	nodeUser.Responses = true
	server := startNATS(t, t.TempDir(), caller.User([]string{"ctl.>"}, nil), nodeUser)
	defer stop(t, server)
	conn, _ := connect(t, server.URL(), node)
	_, err := conn.Subscribe("ctl.node.1.drain", func(m *nats.Msg) { _ = m.Respond([]byte("ok")) })
	require.NoError(t, err)
	require.NoError(t, conn.Flush())
	asking, _ := connect(t, server.URL(), caller)
	answer, err := asking.Request("ctl.node.1.drain", nil, 10*time.Second)
	require.NoError(t, err)
	require.Equal(t, "ok", string(answer.Data))
}

func TestNATSAccountsAreApart(t *testing.T) {
	t.Parallel()
	a, b := newIdentity(t, "a"), newIdentity(t, "b")
	server := startNATS(t, t.TempDir())
	defer stop(t, server)
	require.NoError(t, server.AddAccount("A", a.User(everything, everything)))
	require.NoError(t, server.AddAccount("B", b.User(everything, everything)))
	listener, _ := connect(t, server.URL(), b)
	heard, err := listener.SubscribeSync(">")
	require.NoError(t, err)
	require.NoError(t, listener.Flush())
	speaker, _ := connect(t, server.URL(), a)
	require.NoError(t, speaker.Publish("x", nil))
	require.NoError(t, speaker.Flush())
	require.NoError(t, listener.Publish("own", nil))
	msg, err := heard.NextMsg(10 * time.Second)
	require.NoError(t, err)
	require.Equal(t, "own", msg.Subject)
}

func TestNATSRefusesBadUsers(t *testing.T) {
	t.Parallel()
	server := startNATS(t, t.TempDir())
	defer stop(t, server)
	key := newIdentity(t, "x").PublicKey
	for _, user := range []embed.User{
		{Name: "", Password: "x"},
		{Name: "a.b", Password: "x"},
		{Name: "a", Password: "x", PublicKey: key},
		{Name: "a"},
		{Name: "a", PublicKey: "UNOKEY"},
		{Name: "a", Password: "x", Account: "NOWHERE"},
	} {
		require.Error(t, server.AddUsers(user), "%+v", user)
	}
}

func TestNATSTellsWhyItDoesNotStart(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	_, err = embed.StartNATS(t.Context(), embed.NATSConfig{Dir: t.TempDir(), Port: port})
	require.ErrorContains(t, err, "address already in use")
}

func BenchmarkNATSAccount(b *testing.B) {
	server, err := embed.StartNATS(b.Context(), embed.NATSConfig{Dir: b.TempDir()})
	require.NoError(b, err)
	defer server.Stop(context.Background())
	for i := 0; b.Loop(); i++ {
		id, err := embed.NewIdentity("owner")
		require.NoError(b, err)
		require.NoError(b, server.AddAccount("A"+time.Duration(i).String(), id.User(everything, everything)))
	}
}
