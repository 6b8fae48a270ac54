package pg_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/pg"
)

var errRefused = errors.New("refused")

// What fails in any way leaves nothing, and does not spoil its connection.
func TestWriteTakesBack(t *testing.T) {
	t.Parallel()
	db := open(t)
	refuse := func(pgx.Rows) error { return errRefused }
	cases := map[string]func(u *pg.Unit) error{
		"an error":                   func(u *pg.Unit) error { add(u, 1, 1); return errors.Join(u.Send(), errRefused) },
		"a constraint":               func(u *pg.Unit) error { add(u, 1, 1); add(u, 2, -1); return nil },
		"a constraint before a turn": func(u *pg.Unit) error { add(u, 1, 1); add(u, 2, -1); return u.Send() },
		"an answer":                  func(u *pg.Unit) error { add(u, 1, 1); u.Query(refuse, `SELECT 1`); return u.Send() },
		"the last answer":            func(u *pg.Unit) error { add(u, 1, 1); u.Query(refuse, `SELECT 1`); return nil },
		"no row": func(u *pg.Unit) error {
			add(u, 1, 1)
			u.QueryRow(func(row pgx.Row) error { return row.Scan(new(int)) }, `SELECT 1 WHERE false`)
			return nil
		},
		"no SQL": func(u *pg.Unit) error { add(u, 1, 1); u.Exec(`INSERT TO item`); return nil },
	}
	for name, fn := range cases {
		err := db.Write(t.Context(), pg.OnDisk, func(u *pg.Unit) error {
			u.OnCommitted(func() { t.Error(name + " was committed") })
			return fn(u)
		})
		require.Error(t, err, name)
		require.Zero(t, query[int](t, db, `SELECT count(*) FROM item`), name)
	}
	require.EqualValues(t, 1, db.Stat().TotalConns())
}

// What notes an answer cannot take it back: it is told, and stays.
func TestNote(t *testing.T) {
	t.Parallel()
	db := open(t)
	err := db.Write(t.Context(), pg.OnDisk, func(u *pg.Unit) error {
		u.Note(func(pgx.Rows) error { return errRefused }, `INSERT INTO item (id, n) VALUES (1, 1) RETURNING id`)
		return nil
	})
	require.ErrorIs(t, err, errRefused)
	require.Equal(t, 1, query[int](t, db, `SELECT count(*) FROM item`))
}

// held makes a writer's transactions wait until release is called, so that units
// gather behind them.
func held(t *testing.T, db *pg.DB, w *pg.Writer) (release func()) {
	t.Helper()
	lock, err := db.Begin(t.Context())
	require.NoError(t, err)
	_, err = lock.Exec(t.Context(), `LOCK TABLE item`)
	require.NoError(t, err)
	done := make(chan error, pg.MaxFlying)
	for i := range pg.MaxFlying {
		go func() {
			done <- w.Do(context.Background(), fmt.Sprint("held ", i), func(u *pg.Unit) error {
				u.Exec(`SELECT count(*) FROM item`)
				return u.Send()
			})
		}()
		require.Eventually(t, func() bool { return pg.Flying(w) == i+1 }, patience, tick)
	}
	return func() {
		require.NoError(t, lock.Rollback(t.Context()))
		for range pg.MaxFlying {
			require.NoError(t, <-done)
		}
	}
}

// together runs units that wait behind one another, and returns their errors.
func together(t *testing.T, db *pg.DB, w *pg.Writer, keys []string, fn func(i int, u *pg.Unit) error) []error {
	t.Helper()
	release := held(t, db, w)
	errs := make([]error, len(keys))
	var all sync.WaitGroup
	for i, key := range keys {
		all.Go(func() { errs[i] = w.Do(t.Context(), key, func(u *pg.Unit) error { return fn(i, u) }) })
		require.Eventually(t, func() bool { return pg.Waiting(w) == i+1 }, patience, tick)
	}
	release()
	all.Wait()
	return errs
}

// Units that arrive together share a transaction and take turns in the order of
// their keys; each has its own answers.
func TestTogether(t *testing.T) {
	t.Parallel()
	db := open(t)
	w := db.NewWriter(pg.OnDisk)
	var order []string
	told := make([]bool, 3)
	errs := together(t, db, w, []string{"c", "a", "b"}, func(i int, u *pg.Unit) error {
		order = append(order, fmt.Sprint(i, " begins"))
		u.OnCommitted(func() { told[i] = true })
		var n int
		u.QueryRow(func(row pgx.Row) error { return row.Scan(&n) }, `SELECT $1::int * 10`, i)
		if err := u.Send(); err != nil {
			return err
		}
		order = append(order, fmt.Sprint(i, " goes on"))
		add(u, i, n)
		return nil
	})
	require.NoError(t, errors.Join(errs...))
	require.Equal(t, []string{"1 begins", "2 begins", "0 begins", "1 goes on", "2 goes on", "0 goes on"}, order)
	require.Equal(t, []bool{true, true, true}, told)
	require.Equal(t, 1, query[int](t, db, `SELECT count(DISTINCT tx) FROM item`))
	require.Equal(t, 3, query[int](t, db, `SELECT count(*) FROM item WHERE n = 10 * id`))
}

// A unit that waits for a lock holds up none of another key, however many arrive with
// it, and gets what it waits for.
func TestStuckUnit(t *testing.T) {
	t.Parallel()
	db := open(t)
	w := db.NewWriter(pg.OnDisk)
	lock, err := db.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = lock.Rollback(context.Background()) }()
	_, err = lock.Exec(t.Context(), `INSERT INTO item (id, n) VALUES (0, 0)`)
	require.NoError(t, err)
	const units = 3 * pg.MaxTogether
	done := make([]chan error, units)
	for i := range units {
		done[i] = make(chan error, 1)
		go func() {
			done[i] <- w.Do(t.Context(), fmt.Sprint("key ", i), func(u *pg.Unit) error { add(u, i, i); return u.Send() })
		}()
	}
	for i := 1; i < units; i++ {
		select {
		case err := <-done[i]:
			require.NoError(t, err)
		case <-time.After(patience):
			t.Fatalf("unit %d waits for a lock that it does not need", i)
		}
	}
	require.Empty(t, done[0])
	require.NoError(t, lock.Rollback(t.Context()))
	require.NoError(t, <-done[0])
}

// Units of one key stand in one order, each sees what the one before did.
func TestOneKey(t *testing.T) {
	t.Parallel()
	db := open(t)
	w := db.NewWriter(pg.OnDisk)
	errs := together(t, db, w, []string{"k", "k", "k", "other"}, func(i int, u *pg.Unit) error {
		var n int
		u.QueryRow(func(row pgx.Row) error { return row.Scan(&n) }, `SELECT count(*) FROM item WHERE id < 3`)
		if err := u.Send(); err != nil {
			return err
		}
		if i == 3 {
			n = 100
		}
		add(u, i, n)
		return nil
	})
	require.NoError(t, errors.Join(errs...))
	require.Equal(t, 3, query[int](t, db, `SELECT count(DISTINCT tx) FROM item`))
	require.Equal(t, 3, query[int](t, db, `SELECT count(*) FROM item WHERE n = id`))
	require.Equal(t, 1, query[int](t, db, `SELECT count(*) FROM item a JOIN item b ON a.tx = b.tx WHERE a.id = 0 AND b.id = 3`))
}

// One that fails, in whatever way, fails alone.
func TestFailsAlone(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(u *pg.Unit) error{
		"by itself":     func(*pg.Unit) error { return errRefused },
		"by an answer":  func(u *pg.Unit) error { u.Query(func(pgx.Rows) error { return errRefused }, `SELECT 1`); return nil },
		"in the middle": func(u *pg.Unit) error { add(u, 9, 9); return errors.Join(u.Send(), errRefused) },
		"by the server": func(u *pg.Unit) error { add(u, 9, 9); add(u, 10, -1); return u.Send() },
		"at the end":    func(u *pg.Unit) error { add(u, 9, 9); add(u, 10, -1); return nil },
		"by another":    func(u *pg.Unit) error { add(u, 0, 9); return nil },
	} {
		db := open(t)
		w := db.NewWriter(pg.OnDisk)
		errs := together(t, db, w, []string{"a", "b", "c"}, func(i int, u *pg.Unit) error {
			if i == 1 {
				return fail(u)
			}
			add(u, i, i)
			return u.Send()
		})
		require.NoError(t, errs[2], name)
		if name == "by another" { // two want the same row: one gets it
			require.NotEqual(t, errs[0] == nil, errs[1] == nil, "%v", errs)
			require.Equal(t, 2, query[int](t, db, `SELECT count(*) FROM item`), name)
			continue
		}
		require.NoError(t, errs[0], name)
		require.Error(t, errs[1], name)
		require.Equal(t, 2, query[int](t, db, `SELECT count(*) FROM item WHERE id IN (0, 2)`), name)
		require.Equal(t, 2, query[int](t, db, `SELECT count(*) FROM item`), name)
	}
}

// A panic is an error of the unit whose it is, and of no other, wherever it happens.
func TestPanic(t *testing.T) {
	t.Parallel()
	for name, fn := range map[string]func(u *pg.Unit) error{
		"in the unit":     func(*pg.Unit) error { panic("oh") },
		"over an answer":  func(u *pg.Unit) error { u.Query(func(pgx.Rows) error { panic("oh") }, `SELECT 1`); return u.Send() },
		"over the last":   func(u *pg.Unit) error { u.Query(func(pgx.Rows) error { panic("oh") }, `SELECT 1`); return nil },
		"over a note":     func(u *pg.Unit) error { u.Note(func(pgx.Rows) error { panic("oh") }, `SELECT 1`); return nil },
		"when it is told": func(u *pg.Unit) error { u.OnCommitted(func() { panic("oh") }); return nil },
	} {
		db := open(t)
		errs := together(t, db, db.NewWriter(pg.OnDisk), []string{"a", "b"}, func(i int, u *pg.Unit) error {
			if i == 0 {
				return fn(u)
			}
			add(u, 1, 1)
			return nil
		})
		require.ErrorContains(t, errs[0], "oh", name)
		require.NoError(t, errs[1], name)
		require.Equal(t, 1, query[int](t, db, `SELECT count(*) FROM item`), name)
	}
}

// Who gives up before the turn has come leaves nothing.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	db := open(t)
	w := db.NewWriter(pg.OnDisk)
	release := held(t, db, w)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Do(ctx, "a", func(u *pg.Unit) error { add(u, 1, 1); return nil }) }()
	require.Eventually(t, func() bool { return pg.Waiting(w) == 1 }, patience, tick)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	release()
	require.Zero(t, query[int](t, db, `SELECT count(*) FROM item`))
}

// Without a database each caller is told.
func TestNoDatabase(t *testing.T) {
	t.Parallel()
	db := open(t)
	w := db.NewWriter(pg.OnDisk)
	db.Close()
	require.Error(t, w.Do(t.Context(), "a", func(u *pg.Unit) error { add(u, 1, 1); return nil }))
}

// Many at a time, some of which fail, end as each should.
func TestMany(t *testing.T) {
	t.Parallel()
	db := open(t)
	w := db.NewWriter(pg.InMemory)
	var all sync.WaitGroup
	for i := range 300 {
		all.Go(func() {
			err := w.Do(t.Context(), fmt.Sprint("key", i%50), func(u *pg.Unit) error {
				add(u, i, i)
				if i%30 == 7 {
					return errors.Join(u.Send(), errRefused)
				}
				return u.Send()
			})
			require.Equal(t, i%30 == 7, errors.Is(err, errRefused), "%d: %v", i, err)
		})
	}
	all.Wait()
	require.Equal(t, 290, query[int](t, db, `SELECT count(*) FROM item`))
}
