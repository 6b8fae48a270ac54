package ingest_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/services/job-api/ingest"
	"github.com/grainmesh/grainmesh/services/job-api/migrations"
)

// The arrows of the drawings in doc.go.
func jobArrows() map[ingest.State][]ingest.State {
	return map[ingest.State][]ingest.State{
		ingest.Analysing:  {ingest.Chunking, ingest.Failed, ingest.Cancelled},
		ingest.Chunking:   {ingest.Reading, ingest.Closing, ingest.Discarding},
		ingest.Reading:    {ingest.Closing, ingest.Discarding},
		ingest.Closing:    {ingest.Completed},
		ingest.Completed:  nil,
		ingest.Discarding: {ingest.Failed, ingest.Cancelled},
		ingest.Failed:     {ingest.Analysing},
		ingest.Cancelled:  {ingest.Analysing},
	}
}

func workArrows() map[ingest.WorkState][]ingest.WorkState {
	return map[ingest.WorkState][]ingest.WorkState{
		ingest.Waiting:       {ingest.Running, ingest.WorkCancelled, ingest.Dead},
		ingest.Running:       {ingest.Waiting, ingest.Done, ingest.Dead, ingest.WorkCancelled},
		ingest.Done:          nil,
		ingest.Dead:          nil,
		ingest.WorkCancelled: nil,
	}
}

// try runs a statement and takes it back.
func (b *bundle) try(sql string, args ...any) error {
	b.t.Helper()
	tx, err := b.db.Begin(b.t.Context())
	require.NoError(b.t, err)
	_, err = tx.Exec(b.t.Context(), sql, args...)
	require.NoError(b.t, tx.Rollback(b.t.Context()))
	return err
}

func requireArrow[S ~string](t *testing.T, arrows map[S][]S, from, to S, err error) {
	t.Helper()
	if from == to || slices.Contains(arrows[from], to) {
		require.NoError(t, err, "%s -> %s", from, to)
		return
	}
	require.ErrorContains(t, err, fmt.Sprintf("may not go from %s to %s", from, to))
}

func TestTheDatabaseRefusesWhatTheDrawingOfJobsLacks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	arrows := jobArrows()
	for from, stand := range b.stands() {
		id := stand().ID
		for to := range arrows {
			// All that other constraints ask of the new state is given.
			err := b.try(`UPDATE job SET state = $2::text, outcome = 'failed', plan_complete = true, chunks_remaining = 0,
				finished_at = CASE WHEN $2 IN ('completed', 'failed', 'cancelled') THEN now() END WHERE id = $1`, id, to)
			requireArrow(t, arrows, from, to, err)
		}
	}
}

func TestTheDatabaseRefusesWhatTheDrawingOfWorkLacks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	arrows := workArrows()
	job, number := b.submit().ID, 0
	for from := range arrows {
		id := uuid.New()
		number++
		_, err := b.db.Exec(t.Context(), `INSERT INTO work (id, job_id, tenant_id, run, layer, number, state, finished_at)
			VALUES ($1, $2, 'alpha', 1, 'read', $3, $4::text, CASE WHEN $4 IN ('done', 'dead', 'cancelled') THEN now() END)`,
			id, job, number, from)
		require.NoError(t, err)
		for to := range arrows {
			err := b.try(`UPDATE work SET state = $2::text, finished_at = CASE WHEN $2 IN ('done', 'dead', 'cancelled') THEN now() END WHERE id = $1`, id, to)
			requireArrow(t, arrows, from, to, err)
		}
	}
}

func TestTheDatabaseRefusesRowsThatContradictThemselves(t *testing.T) {
	t.Parallel()
	b := setup(t)
	job := b.planned(2).ID
	for name, set := range map[string]string{
		"unknown state":            "state = 'lost'",
		"more left than there are": "chunks_remaining = 3",
		"fewer than none left":     "chunks_remaining = -1",
		"finished, not ended":      "finished_at = now()",
		"discarding, no outcome":   "state = 'discarding'",
		"run 0":                    "run = 0",
		"unknown outcome":          "outcome = 'completed'",
		"no tenant":                "tenant_id = ''",
		"no spec":                  "spec = NULL",
		"no sizes":                 "sizes = NULL",
	} {
		require.Error(t, b.try(`UPDATE job SET `+set+` WHERE id = $1`, job), name)
	}
	closing := b.planned(0).ID
	require.ErrorContains(t, b.try(`UPDATE job SET state = 'completed', finished_at = now(), plan_complete = false WHERE id = $1`, closing), "check")
	require.ErrorContains(t, b.try(`UPDATE work SET attempts = -1 WHERE job_id = $1`, job), "check")
	require.ErrorContains(t, b.try(`UPDATE work SET attempts = epoch + 2 WHERE job_id = $1`, job), "check")
	require.ErrorContains(t, b.try(`UPDATE work SET layer = 'play' WHERE job_id = $1`, job), "check")
}

func TestMigrationsGoUpDownAndUp(t *testing.T) {
	t.Parallel()
	db := openDB(t, meshtest.Database(t, meshtest.Template{}))
	objects := func() []string {
		rows, err := db.Query(t.Context(), `
			SELECT c.relkind::text || ' ' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = 'job' AND c.relname NOT LIKE 'migration%'
			UNION ALL SELECT 'f ' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'job' ORDER BY 1`)
		require.NoError(t, err)
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		return names
	}
	require.NoError(t, db.Migrate(t.Context(), migrations.FS))
	up := objects()
	require.Contains(t, up, "r job")
	require.Contains(t, up, "r work")
	require.Contains(t, up, "r outbox")
	require.True(t, slices.ContainsFunc(up, func(name string) bool { return strings.HasPrefix(name, "f ") }))
	require.NoError(t, db.MigrateDown(t.Context(), migrations.FS))
	require.Empty(t, objects(), "the way down leaves nothing")
	require.NoError(t, db.Migrate(t.Context(), migrations.FS))
	require.Equal(t, up, objects())
	require.NoError(t, db.Migrate(t.Context(), migrations.FS), "a second instance finds it done")
}

// Jobs from before the column of public URLs are found by what is not secret in theirs.
func TestOldJobsGetAPublicURL(t *testing.T) {
	t.Parallel()
	db := openDB(t, meshtest.Database(t, meshtest.Template{}))
	first, err := fs.ReadFile(migrations.FS, "0001_jobs.sql")
	require.NoError(t, err)
	require.NoError(t, db.Migrate(t.Context(), fstest.MapFS{"0001_jobs.sql": {Data: first}}))
	urls := map[string]string{
		"https://media.example/a/clip.wav":                 "https://media.example/a/clip.wav",
		"https://ada:hush@media.example:8443/clip@2.wav?a": "https://media.example:8443/clip@2.wav",
		"s3://bucket/clip.wav?X-Amz-Signature=c0ffee":      "s3://bucket/clip.wav",
		"https://media.example?to=http://x@y/#hush":        "https://media.example",
		"https://ada@hush@media.example#hush":              "https://media.example",
	}
	for url := range urls {
		_, err := db.Exec(t.Context(), `INSERT INTO job (id, tenant_id, state, region, kind, label, url, spec, sizes, request_hash)
			VALUES ($1, 'alpha', 'analysing', '', 'any', '', $2, '', '', '')`, uuid.New(), url)
		require.NoError(t, err)
	}
	require.NoError(t, db.Migrate(t.Context(), migrations.FS))
	for url, want := range urls {
		var got string
		require.NoError(t, db.QueryRow(t.Context(), `SELECT public_url FROM job WHERE url = $1`, url).Scan(&got))
		require.Equal(t, want, got)
	}
}
