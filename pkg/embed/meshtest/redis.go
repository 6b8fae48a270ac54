package meshtest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed"
)

// Redis returns the URL of an empty Redis of this test's own.
func Redis(t testing.TB) string {
	t.Helper()
	server, err := embed.StartRedis(t.Context(), embed.RedisConfig{Imitate: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(context.Background())) })
	return server.URL()
}
