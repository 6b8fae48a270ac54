package pg_test

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/pg"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

const (
	patience = 10 * time.Second
	tick     = 5 * time.Millisecond
)

// items is a schema with one table, which notes by which transaction a row came.
var items = fstest.MapFS{"0001_item.sql": {Data: []byte(`
-- +goose Up
CREATE TABLE item (id int PRIMARY KEY, n int NOT NULL CHECK (n >= 0), tx bigint NOT NULL DEFAULT txid_current());
-- +goose Down
DROP TABLE item;
`)}}

func open(t *testing.T) *pg.DB {
	t.Helper()
	db, err := pg.Open(t.Context(), meshtest.Database(t, meshtest.Template{}), "things", 12)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	require.NoError(t, db.Migrate(t.Context(), items))
	return db
}

// query reads one value.
func query[T any](t *testing.T, db *pg.DB, sql string, args ...any) (v T) {
	t.Helper()
	require.NoError(t, db.QueryRow(t.Context(), sql, args...).Scan(&v))
	return v
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	db := open(t)
	require.Equal(t, "things", query[string](t, db, "SELECT schemaname FROM pg_tables WHERE tablename = 'item'"))
	require.NoError(t, db.Migrate(t.Context(), items), "a second time there is nothing to do")
	require.NoError(t, db.MigrateDown(t.Context(), items))
	require.Zero(t, query[int](t, db, "SELECT count(*) FROM pg_tables WHERE tablename = 'item'"))
	broken := fstest.MapFS{"0001_bad.sql": {Data: []byte("-- +goose Up\nCREATE TABEL item ();")}}
	require.ErrorContains(t, db.Migrate(t.Context(), broken), "migrate schema things")
}

func TestOpenNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := pg.Open(t.Context(), "postgres://host:port/db", "things", 1)
	require.ErrorContains(t, err, "database url")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = pg.Open(ctx, "postgres://nobody@127.0.0.1:1/db", "things", 1)
	require.ErrorContains(t, err, "schema things")
}

// A signal reaches other processes, and not the one that raised it.
func TestSignal(t *testing.T) {
	t.Parallel()
	db := open(t)
	here, there := db.NewSignal("changed"), db.NewSignal("changed")
	for _, s := range []*pg.Signal{here, there} {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			require.NoError(t, <-done)
		})
		<-s.C() // it listens
	}
	here.Raise()
	select {
	case <-there.C():
	case <-time.After(patience):
		t.Fatal("the other process heard nothing")
	}
	require.Empty(t, here.C())
}

// add queues a row.
func add(u *pg.Unit, id, n int) { u.Exec(`INSERT INTO item (id, n) VALUES ($1, $2)`, id, n) }

func TestWrite(t *testing.T) {
	t.Parallel()
	db := open(t)
	for _, durability := range []pg.Durability{pg.OnDisk, pg.InMemory} {
		var told bool
		err := db.Write(t.Context(), durability, func(u *pg.Unit) error {
			u.OnCommitted(func() { told = true })
			add(u, 1, 7)
			var n int
			u.QueryRow(func(row pgx.Row) error { return row.Scan(&n) }, `SELECT n FROM item WHERE id = 1`)
			if err := u.Send(); err != nil {
				return err
			}
			var relaxed bool
			u.QueryRow(func(row pgx.Row) error { return row.Scan(&relaxed) },
				`SELECT setting = 'off' AND source = 'session' FROM pg_settings WHERE name = 'synchronous_commit'`)
			if err := u.Send(); err != nil {
				return err
			}
			require.Equal(t, durability == pg.InMemory, relaxed)
			add(u, 2, n+1)
			return nil
		})
		require.NoError(t, err)
		require.True(t, told)
		require.Equal(t, 8, query[int](t, db, `SELECT n FROM item WHERE id = 2`))
		require.NoError(t, db.Write(t.Context(), pg.OnDisk, func(u *pg.Unit) error {
			u.Exec(`DELETE FROM item`)
			return nil
		}))
	}
}
