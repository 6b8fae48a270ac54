package ingest

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
)

// Get returns a job of a tenant, or a fault NotFound.
func (o *Jobs) Get(ctx context.Context, tenant string, id uuid.UUID) (*Job, error) {
	j, err := one(ctx, o.db, `SELECT `+jobColumns+` FROM job WHERE id = $1 AND (tenant_id = $2) IS TRUE`, id, tenant)
	return j, notFound(err, id)
}

// Page sizes.
const (
	defaultPage = 100
	maxPage     = 1000
)

// List returns one page of a tenant's jobs, newest first unless asked otherwise,
// and the token of the next page ("" after the last).
func (o *Jobs) List(ctx context.Context, tenant string, r *jobv1.ListJobsRequest) ([]*Job, string, error) {
	size := PageSize(r.GetPageSize())
	after, err := parseCursor(r.GetPageToken())
	if err != nil {
		return nil, "", err
	}
	if err := checkText("text", r.GetText(), maxURL); err != nil {
		return nil, "", err
	}
	compare, order := "<", "DESC"
	if r.GetOldestFirst() {
		compare, order = ">", "ASC"
	}
	conditions, args := []string{"tenant_id = $1"}, []any{tenant}
	where := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(args)), 1)
		}
		conditions = append(conditions, condition)
	}
	if after != nil {
		where("(created_at, id) "+compare+" (?, ?)", after.created, after.id)
	}
	if len(r.GetStates()) > 0 {
		states := make([]string, len(r.GetStates()))
		for i, s := range r.GetStates() {
			states[i] = string(StateFromProto(s))
		}
		where("state = ANY(?)", states)
	}
	if text := r.GetText(); text != "" {
		pattern := "%" + escapeLike(text) + "%"
		where("(label ILIKE ? OR public_url ILIKE ? OR id::text ILIKE ?)", pattern, pattern, pattern)
	}
	rows, err := o.db.Query(ctx, fmt.Sprintf(`SELECT %s FROM job WHERE %s ORDER BY created_at %s, id %s LIMIT %d`,
		jobColumns, strings.Join(conditions, " AND "), order, order, size+1), args...)
	if err != nil {
		return nil, "", fmt.Errorf("list jobs: %w", err)
	}
	jobs, err := pgx.CollectRows(rows, scanJob)
	if err != nil || len(jobs) <= size {
		return jobs, "", err
	}
	last := jobs[size-1]
	return jobs[:size], cursor{last.Created, last.ID}.String(), nil
}

// escapeLike takes their meaning from LIKE's special characters.
func escapeLike(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}

// PageSize bounds how many rows a page has.
func PageSize(asked int32) int {
	if asked <= 0 {
		return defaultPage
	}
	return int(min(asked, maxPage))
}

// cursor is a place in the list of jobs.
type cursor struct {
	created time.Time
	id      uuid.UUID
}

func (c cursor) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(c.created.Format(time.RFC3339Nano) + " " + c.id.String()))
}

func parseCursor(token string) (*cursor, error) {
	if token == "" {
		return nil, nil //nolint:nilnil // no token is the first page
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	createdText, idText, _ := strings.Cut(string(raw), " ")
	created, timeErr := time.Parse(time.RFC3339Nano, createdText)
	id, idErr := uuid.Parse(idText)
	if err != nil || timeErr != nil || idErr != nil {
		return nil, fault.Newf(fault.InvalidArgument, "page_token %q is not one that a list gave", token)
	}
	return &cursor{created, id}, nil
}

// Chunks returns the chunks of a job's present run in order, from the number after
// the given one on.
func (o *Jobs) Chunks(ctx context.Context, tenant string, id uuid.UUID, after int32, size int32) ([]*jobv1.ChunkProgress, error) {
	j, err := o.Get(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	rows, err := o.db.Query(ctx, `
		SELECT w.number, CASE WHEN w.state = 'waiting' AND o.published_at IS NOT NULL THEN 'queued' ELSE w.state END,
			w.attempts, w.bytes, w.timerange, w.failure
		FROM work w LEFT JOIN outbox o ON o.work_id = w.id
		WHERE w.job_id = $1 AND w.run = $2 AND w.layer = 'read' AND w.number > $3 ORDER BY w.number LIMIT $4`,
		id, j.Run, after, PageSize(size))
	if err != nil {
		return nil, fmt.Errorf("list chunks of job %s: %w", id, err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*jobv1.ChunkProgress, error) {
		c := &jobv1.ChunkProgress{}
		var failure []byte
		if err := row.Scan(&c.Number, &c.State, &c.Attempts, &c.BytesTotal, &c.Timerange, &failure); err != nil {
			return nil, fmt.Errorf("read a chunk: %w", err)
		}
		if c.State == string(Done) {
			c.BytesDone = c.BytesTotal
		}
		return c, decodeFailure(failure, &c.Failure)
	})
}

// decodeFailure fills a failure in if there is one.
func decodeFailure(b []byte, into **mediav1.Failure) error {
	if b == nil {
		return nil
	}
	*into = &mediav1.Failure{}
	return proto.Unmarshal(b, *into)
}

// serviceOf names the service that does the work of a layer.
var serviceOf = map[subjects.Layer]string{
	subjects.Analyse: "analyser", subjects.Chunk: "chunker", subjects.Read: "reader", subjects.Close: "media-store",
}

// Trace tells the path of a job through the services, oldest first, from what the
// rows say: of each piece of work when it was made, last started, and ended.
func (o *Jobs) Trace(ctx context.Context, j *Job) ([]*jobv1.TraceStep, error) {
	rows, err := o.db.Query(ctx, `
		SELECT id, layer, number, run, state, epoch, attempts, worker, failure, created_at, started_at, finished_at
		FROM work WHERE job_id = $1 ORDER BY run, created_at, number`, j.ID)
	if err != nil {
		return nil, fmt.Errorf("trace job %s: %w", j.ID, err)
	}
	steps := []*jobv1.TraceStep{{AtUnixNs: j.Created.UnixNano(), Service: "job-api", What: "accepted", Run: 1, Detail: publicSpec(j.Spec).GetUrl()}}
	for rows.Next() {
		var t tracedWork
		if err := rows.Scan(&t.id, &t.layer, &t.number, &t.run, &t.state, &t.epoch, &t.attempts, &t.worker, &t.failure,
			&t.created, &t.started, &t.finished); err != nil {
			return nil, fmt.Errorf("trace job %s: %w", j.ID, err)
		}
		steps = append(steps, t.steps()...)
	}
	if j.Finished != nil {
		steps = append(steps, &jobv1.TraceStep{
			AtUnixNs: j.Finished.UnixNano(), Service: "job-api", What: string(j.State), Run: j.Run,
			DurationNs: j.Finished.Sub(j.Created).Nanoseconds(), Detail: j.Failure.GetMessage(),
		})
	}
	sortSteps(steps)
	return steps, rows.Err()
}
