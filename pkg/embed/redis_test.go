package embed_test

import (
	"errors"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed"
)

// listens tells whether somebody accepts connections at a URL.
func listens(t *testing.T, address string) bool {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", u.Host)
	if err != nil {
		return false
	}
	require.NoError(t, conn.Close())
	return true
}

func TestRedis(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		imitate bool
	}{{"server", false}, {"imitation", true}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, err := embed.StartRedis(t.Context(), embed.RedisConfig{Imitate: tt.imitate})
			require.NoError(t, err)
			options, err := redis.ParseURL(server.URL())
			require.NoError(t, err)
			client := redis.NewClient(options)
			defer client.Close()
			require.NoError(t, client.Set(t.Context(), "progress", 7, 50*time.Millisecond).Err())
			require.NoError(t, client.Set(t.Context(), "session", 7, time.Hour).Err())
			require.Eventually(t, func() bool {
				return errors.Is(client.Get(t.Context(), "progress").Err(), redis.Nil)
			}, 10*time.Second, 5*time.Millisecond, "the key does not expire")
			require.Equal(t, "7", client.Get(t.Context(), "session").Val())

			options.Password = ""
			stranger := redis.NewClient(options)
			defer stranger.Close()
			require.ErrorContains(t, stranger.Ping(t.Context()).Err(), "NOAUTH")

			stop(t, server)
			require.False(t, listens(t, server.URL()))
		})
	}
}

func TestRedisTellsWhyItDoesNotStart(t *testing.T) {
	t.Parallel()
	_, err := embed.StartRedis(t.Context(), embed.RedisConfig{Password: "two words"})
	require.ErrorContains(t, err, "requirepass")
	_, err = embed.StartRedis(t.Context(), embed.RedisConfig{Program: "/no/such/redis"})
	require.Error(t, err)

	first, err := embed.StartRedis(t.Context(), embed.RedisConfig{})
	require.NoError(t, err)
	defer stop(t, first)
	options, err := redis.ParseURL(first.URL())
	require.NoError(t, err)
	require.NotEmpty(t, options.Password)
}
