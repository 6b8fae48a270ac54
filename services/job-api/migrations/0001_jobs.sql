-- +goose Up
CREATE TABLE job (
    id               uuid PRIMARY KEY,
    tenant_id        text        NOT NULL CHECK (tenant_id <> ''),
    state            text        NOT NULL CHECK (state IN ('analysing', 'chunking', 'reading', 'closing', 'completed', 'discarding', 'failed', 'cancelled')),
    run              int         NOT NULL DEFAULT 1 CHECK (run > 0),
    revision         bigint      NOT NULL DEFAULT 1,
    priority         int         NOT NULL DEFAULT 0,
    region           text        NOT NULL,
    kind             text        NOT NULL, -- the format's name, "any" until it is known
    label            text        NOT NULL,
    url              text        NOT NULL,
    spec             bytea       NOT NULL, -- grainmesh.job.v1.IngestSpec
    idempotency_key  text,
    request_hash     bytea       NOT NULL,
    analysis         bytea,                -- grainmesh.media.v1.Analysis
    sizes            bytea       NOT NULL, -- grainmesh.job.v1.Sizes: the same for every plan of the job
    flows            bytea[]     NOT NULL DEFAULT '{}', -- grainmesh.media.v1.Flow each; the multi Flow is the last
    flow_ids         uuid[]      NOT NULL DEFAULT '{}',
    flow_id          uuid,                 -- the multi Flow
    plan_complete    boolean     NOT NULL DEFAULT false,
    chunks_total     int         NOT NULL DEFAULT 0,
    chunks_remaining int         NOT NULL DEFAULT 0,
    bytes_total      bigint      NOT NULL DEFAULT 0,
    bytes_done       bigint      NOT NULL DEFAULT 0,
    outcome          text        CHECK (outcome IN ('failed', 'cancelled')),
    failure          bytea,                -- grainmesh.media.v1.Failure
    trace_parent     text        NOT NULL DEFAULT '',
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    finished_at      timestamptz,
    UNIQUE (tenant_id, idempotency_key),
    CHECK (chunks_remaining BETWEEN 0 AND chunks_total),
    CHECK (state <> 'completed' OR (plan_complete AND chunks_remaining = 0)),
    CHECK (state NOT IN ('discarding', 'failed', 'cancelled') OR outcome IS NOT NULL),
    CHECK ((finished_at IS NOT NULL) = (state IN ('completed', 'failed', 'cancelled')))
);
CREATE INDEX job_list ON job (tenant_id, created_at DESC, id DESC);
CREATE INDEX job_open ON job (state) WHERE finished_at IS NULL;
CREATE INDEX job_finished ON job (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE work (
    id          uuid PRIMARY KEY,
    job_id      uuid        NOT NULL REFERENCES job ON DELETE CASCADE,
    tenant_id   text        NOT NULL,
    run         int         NOT NULL,
    layer       text        NOT NULL CHECK (layer IN ('analyse', 'chunk', 'read', 'close')),
    number      int         NOT NULL,
    state       text        NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'dead', 'cancelled')),
    epoch       int         NOT NULL DEFAULT 0,
    attempts    int         NOT NULL DEFAULT 0,
    document    bytea,                -- of read: grainmesh.media.v1.Chunk
    bytes       bigint      NOT NULL DEFAULT 0,
    timerange   text        NOT NULL DEFAULT '',
    worker      text        NOT NULL DEFAULT '',
    failure     bytea,                -- of the last attempt that failed
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at  timestamptz,
    finished_at timestamptz,
    UNIQUE (job_id, run, layer, number),
    CHECK (attempts >= 0 AND epoch >= attempts - 1),
    CHECK ((finished_at IS NOT NULL) = (state IN ('done', 'dead', 'cancelled')))
);

-- The state machines, as ingest/doc.go draws them. What they allow costs no more than
-- a comparison; only what they refuse calls the function.
-- +goose StatementBegin
CREATE FUNCTION refuse_state_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% % may not go from % to %', TG_TABLE_NAME, OLD.id, OLD.state, NEW.state USING ERRCODE = 'check_violation';
END $$;
-- +goose StatementEnd
CREATE TRIGGER job_state BEFORE UPDATE OF state ON job FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND (OLD.state || ' > ' || NEW.state) NOT IN (
        'analysing > chunking', 'analysing > failed', 'analysing > cancelled',
        'chunking > reading', 'chunking > closing', 'chunking > discarding',
        'reading > closing', 'reading > discarding',
        'closing > completed', 'discarding > failed', 'discarding > cancelled',
        'failed > analysing', 'cancelled > analysing'))
    EXECUTE FUNCTION refuse_state_change();
CREATE TRIGGER work_state BEFORE UPDATE OF state ON work FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND (OLD.state || ' > ' || NEW.state) NOT IN (
        'waiting > running', 'waiting > cancelled', 'waiting > dead',
        'running > waiting', 'running > done', 'running > dead', 'running > cancelled'))
    EXECUTE FUNCTION refuse_state_change();

CREATE TABLE outbox (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id     text        NOT NULL,
    subject       text        NOT NULL,
    payload       bytea       NOT NULL,
    trace_parent  text        NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL DEFAULT now(),
    lease_until   timestamptz,
    -- of work only:
    lane          text,
    work_id       uuid UNIQUE,
    group_id      uuid,
    priority      int         NOT NULL DEFAULT 0,
    ready         boolean     NOT NULL DEFAULT true,
    not_before    timestamptz, -- of delayed work: when it becomes ready again
    published_at  timestamptz,
    CHECK ((lane IS NULL) = (work_id IS NULL) AND (lane IS NULL) = (group_id IS NULL))
);
CREATE INDEX outbox_facts       ON outbox (id) WHERE lane IS NULL;
CREATE INDEX outbox_ready       ON outbox (lane, tenant_id, priority DESC, id) WHERE ready AND published_at IS NULL;
CREATE INDEX outbox_waiting     ON outbox (group_id, lane, id) WHERE NOT ready AND not_before IS NULL;
CREATE INDEX outbox_delayed     ON outbox (not_before) WHERE not_before IS NOT NULL;
CREATE INDEX outbox_outstanding ON outbox (lane, tenant_id) WHERE published_at IS NOT NULL;
CREATE INDEX outbox_group       ON outbox (group_id) WHERE group_id IS NOT NULL;

-- +goose Down
DROP TABLE outbox;
DROP TABLE work;
DROP TABLE job;
DROP FUNCTION refuse_state_change;
