package meshtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/pg"
)

// schemaConns is how many connections a test has to its schema.
const schemaConns = 8

// Schema returns a database of this test in which a schema is up to date. It is
// migrated once for all tests, and cloned.
func Schema(t testing.TB, schema string, migrations fs.FS) *pg.DB {
	t.Helper()
	hash, err := hashOf(migrations)
	require.NoError(t, err)
	template := Template{Name: schema, Hash: hash, Migrate: func(ctx context.Context, url string) error {
		db, err := pg.Open(ctx, url, schema, schemaConns)
		if err != nil {
			return err
		}
		defer db.Close()
		return db.Migrate(ctx, migrations)
	}}
	db, err := pg.Open(t.Context(), Database(t, template), schema, schemaConns)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

// hashOf tells sets of files apart.
func hashOf(files fs.FS) (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(sum, "%s %d\n%s", path, len(content), content)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)[:8]), err
}
