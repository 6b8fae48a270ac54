package migrations_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/outbox"
	"github.com/grainmesh/grainmesh/services/job-api/migrations"
)

// The publisher's statements are written for the table that pkg/outbox names.
func TestTheOutboxIsThatOfThePackage(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(migrations.FS, "*.sql")
	require.NoError(t, err)
	var all strings.Builder
	for _, name := range names {
		text, err := fs.ReadFile(migrations.FS, name)
		require.NoError(t, err)
		_, _ = all.Write(text)
	}
	require.Contains(t, all.String(), strings.TrimSpace(outbox.Schema))
}
