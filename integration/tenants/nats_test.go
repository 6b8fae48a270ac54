package tenants_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/embed"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
)

// harmful are subjects that no identity may publish to, whatever else it may.
var harmful = []string{
	"anything", "work", "event.other.id.made", "$SYS.REQ.SERVER.PING", "$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.CREATE.OTHER",
	"$JS.API.STREAM.DELETE.EVENTS", "$JS.API.STREAM.PURGE.EVENTS", "$JS.API.STREAM.MSG.GET.EVENTS", "$JS.API.STREAM.MSG.DELETE.EVENTS", "$JS.API.DIRECT.GET.EVENTS",
	"$JS.API.STREAM.DELETE.WORK_READ", "$JS.API.STREAM.PURGE.WORK_READ", "$JS.API.STREAM.MSG.GET.WORK_READ", "$JS.API.CONSUMER.DELETE.WORK_READ.read",
	"$JS.API.CONSUMER.LIST.WORK_READ", "$JS.API.CONSUMER.CREATE.WORK_READ.mine", "$JS.API.CONSUMER.DURABLE.CREATE.WORK_READ.mine", "$JS.API.CONSUMER.MSG.NEXT.WORK_READ.mine",
}

// TestNATS tries every identity on every subject that some identity may use, on others'
// inboxes and on what nobody may.
func TestNATS(t *testing.T) {
	t.Parallel()
	w := setup(t)
	permissions := subjects.Permissions()
	require.Subset(t, mesh.Names(), slices.Collect(maps.Keys(permissions)), "only services connect")
	publish, subscribe := everySubject(permissions)
	require.Greater(t, len(publish), 50)
	for name, may := range permissions {
		t.Run(name, func(t *testing.T) {
			c := w.connect(t, name)
			for _, subject := range publish {
				require.Equal(t, subjects.Allows(may.Publish, subject), c.mayPublish(t, subject), "publish to %s", subject)
			}
			for _, subject := range subscribe {
				require.Equal(t, subjects.Allows(may.Subscribe, subject), c.maySubscribe(t, subject), "subscribe to %s", subject)
			}
			for _, subject := range harmful {
				require.False(t, c.mayPublish(t, subject), "publish to %s", subject)
			}
			for other := range permissions {
				require.Equal(t, other == name, c.maySubscribe(t, subjects.InboxPrefix(other)+".>"), "the inbox of %s", other)
				require.False(t, c.mayPublish(t, subjects.InboxPrefix(other)+".x"), "publish to the inbox of %s", other)
			}
			for _, subject := range []string{">", "*", "_INBOX.>", "$JS.>", "$SYS.>", subjects.AllEvents, "work.>", "progress.>"} {
				require.False(t, c.maySubscribe(t, subject), "subscribe to %s", subject)
			}
		})
	}
}

// everySubject lists what all identities together may publish and subscribe to, with a
// token in place of each wildcard of what is published.
func everySubject(permissions map[string]subjects.Permission) (publish, subscribe []string) {
	some := strings.NewReplacer(".>", ".x.y", ".*", ".x")
	for _, may := range permissions {
		for _, subject := range may.Publish {
			publish = append(publish, some.Replace(subject))
		}
		subscribe = append(subscribe, may.Subscribe...)
	}
	for _, layer := range subjects.Layers() {
		publish = append(publish, layer.Work("wav", "x"))
		subscribe = append(subscribe, layer.All())
	}
	for _, row := range subjects.Table() {
		publish = append(publish, strings.NewReplacer("<", "", ">", "").Replace(row.Subject))
	}
	slices.Sort(publish)
	slices.Sort(subscribe)
	return slices.Compact(publish), slices.Compact(subscribe)
}

// connection is one of an identity, which says what the server refuses.
type connection struct{ *nats.Conn }

func (w *world) connect(t *testing.T, name string) *connection {
	t.Helper()
	option, err := auth.OpenKeyring(w.Settings.Keys).NATSOption(name)
	require.NoError(t, err)
	c, err := nats.Connect(w.Settings.NATSURL, option, nats.CustomInboxPrefix(subjects.InboxPrefix(name)),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // LastError has it
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return &connection{c}
}

func (c *connection) mayPublish(t *testing.T, subject string) bool {
	t.Helper()
	require.NoError(t, c.Publish(subject, nil))
	return !c.refused(t, `publish to "`+subject+`"`)
}

func (c *connection) maySubscribe(t *testing.T, subject string) bool {
	t.Helper()
	subscription, err := c.SubscribeSync(subject)
	require.NoError(t, err)
	refused := c.refused(t, `subscription to "`+subject+`"`)
	if !refused {
		require.NoError(t, subscription.Unsubscribe())
	}
	return !refused
}

// refused says whether the server has refused what was done just now.
func (c *connection) refused(t *testing.T, what string) bool {
	t.Helper()
	require.NoError(t, c.Flush()) // what the server says of it arrives before its answer to this
	err := c.LastError()
	return err != nil && strings.Contains(strings.ToLower(err.Error()), strings.ToLower(what))
}

// NATS lets in nobody whom the mesh does not know.
func TestNATSKnowsItsOwn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	stranger, err := embed.NewIdentity("job-api")
	require.NoError(t, err)
	for name, options := range map[string][]nats.Option{
		"without credentials":       nil,
		"by a name and no password": {nats.UserInfo("job-api", "")},
		"by a token":                {nats.Token("job-api")},
		"by a name and another key": stranger.Options(),
		"by the name of an issuer":  {nats.UserInfo(mesh.UserIssuer, "x")},
	} {
		c, err := nats.Connect(w.Settings.NATSURL, options...)
		if err == nil {
			c.Close()
		}
		require.ErrorIs(t, err, nats.ErrAuthorization, name)
	}
}
