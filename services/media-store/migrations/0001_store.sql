-- +goose Up

-- A Source is an abstract piece of content. It appears with the first Flow that
-- names it. Ids are unique over all tenants, as UUIDs are.
CREATE TABLE source (
    id          uuid PRIMARY KEY,
    tenant_id   text        NOT NULL,
    format      text        NOT NULL,
    label       text        NOT NULL DEFAULT '',
    description text        NOT NULL DEFAULT '',
    tags        jsonb       NOT NULL DEFAULT '{}',
    created_by  text        NOT NULL DEFAULT '',
    updated_by  text        NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX source_list ON source (tenant_id, created_at DESC, id DESC);
CREATE INDEX source_tags ON source USING gin (tags);

-- A run is one attempt of a job to fill Flows. Once it has ended, nothing more of
-- it is taken in, however late it arrives.
CREATE TABLE run (
    tenant_id  text        NOT NULL,
    job_id     text        NOT NULL,
    run        int         NOT NULL,
    state      text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'discarded')),
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz,
    PRIMARY KEY (tenant_id, job_id, run),
    CHECK ((state = 'open') = (ended_at IS NULL))
);

CREATE SEQUENCE flow_revision;

CREATE TABLE flow (
    id                  uuid PRIMARY KEY,
    tenant_id           text        NOT NULL,
    source_id           uuid        NOT NULL REFERENCES source (id),
    format              text        NOT NULL,
    codec               text        NOT NULL DEFAULT '',
    container           text        NOT NULL DEFAULT '',
    label               text        NOT NULL DEFAULT '',
    description         text        NOT NULL DEFAULT '',
    tags                jsonb       NOT NULL DEFAULT '{}',
    status              text        NOT NULL DEFAULT '' CHECK (status IN
                            ('', 'awaiting_content', 'ingesting', 'replication_in_progress', 'closed_complete')),
    read_only           boolean     NOT NULL DEFAULT false,
    avg_bit_rate        bigint, -- in 1000 bit/s
    max_bit_rate        bigint, -- in 1000 bit/s
    -- Essence parameters and codec configurations: media.v1.Flow in protobuf's JSON.
    essence             jsonb       NOT NULL DEFAULT '{}',
    -- What a TAMS client said of the Flow that has no column, as it said it.
    document            jsonb       NOT NULL DEFAULT '{}',
    -- The run that fills it; none for Flows that TAMS clients make.
    job_id              text,
    run                 int,
    -- Sums over its segments, kept under the row's lock.
    segments            bigint      NOT NULL DEFAULT 0 CHECK (segments >= 0),
    bytes               bigint      NOT NULL DEFAULT 0,
    grains              bigint      NOT NULL DEFAULT 0,
    -- Grows with every change that is published, also past a deletion.
    revision            bigint      NOT NULL DEFAULT nextval('flow_revision'),
    created_by          text        NOT NULL DEFAULT '',
    updated_by          text        NOT NULL DEFAULT '',
    created_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    metadata_updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    segments_updated_at timestamptz,
    -- A deleted Flow leaves its row for a while, so that what comes late is refused.
    deleted_at          timestamptz,
    CHECK ((job_id IS NULL) = (run IS NULL)),
    CHECK (deleted_at IS NULL OR segments = 0),
    FOREIGN KEY (tenant_id, job_id, run) REFERENCES run (tenant_id, job_id, run)
);
CREATE INDEX flow_list    ON flow (tenant_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX flow_source  ON flow (source_id);
CREATE INDEX flow_run     ON flow (tenant_id, job_id, run);
CREATE INDEX flow_tags    ON flow USING gin (tags);
CREATE INDEX flow_deleted ON flow (deleted_at) WHERE deleted_at IS NOT NULL;

-- Members of a multi Flow, in order.
CREATE TABLE flow_member (
    flow_id   uuid  NOT NULL REFERENCES flow (id) ON DELETE CASCADE,
    position  int   NOT NULL,
    member_id uuid  NOT NULL REFERENCES flow (id) ON DELETE CASCADE,
    role      text  NOT NULL DEFAULT '',
    mapping   jsonb, -- TAMS container_mapping
    PRIMARY KEY (flow_id, position),
    UNIQUE (flow_id, member_id),
    CHECK (flow_id <> member_id)
);
CREATE INDEX flow_member_of ON flow_member (member_id);

-- Numbers objects, so that their keys fan out: at most 1,000 to a prefix.
CREATE SEQUENCE object_number MINVALUE 0 START 0;

-- An object is some immutable bytes. Its row exists before its bytes do and goes
-- after them:
--
--   allocated -> registered -> condemned -> (no row)
--       +----------------------^
CREATE TABLE object (
    tenant_id     text        NOT NULL,
    id            text        NOT NULL,
    key           text        UNIQUE, -- in our bucket; none for bytes that are elsewhere only
    state         text        NOT NULL DEFAULT 'allocated' CHECK (state IN ('allocated', 'registered', 'condemned')),
    -- For whom it was allocated.
    flow_id       uuid        NOT NULL,
    work_id       uuid,
    content_type  text        NOT NULL,
    -- Known once it is registered.
    size          bigint CHECK (size >= 0),
    sha256        bytea,
    etag          text        NOT NULL DEFAULT '',
    start_ns      bigint, -- the time line of the object itself
    end_ns        bigint,
    grains        int         NOT NULL DEFAULT 0,
    key_frames    int         NOT NULL DEFAULT 0,
    grain_index   bytea, -- media.Index; none for objects whose inside is not known
    created_at    timestamptz NOT NULL DEFAULT now(),
    registered_at timestamptz,
    condemned_at  timestamptz,
    PRIMARY KEY (tenant_id, id),
    CHECK (state <> 'registered' OR (size IS NOT NULL AND registered_at IS NOT NULL AND start_ns < end_ns)),
    CHECK ((state = 'condemned') = (condemned_at IS NOT NULL)),
    CHECK ((state = 'allocated') = (registered_at IS NULL AND condemned_at IS NULL))
);
-- By another name of the state allocated, so that no statement takes it for object_work.
CREATE INDEX object_allocated ON object (created_at) WHERE registered_at IS NULL AND condemned_at IS NULL;
CREATE INDEX object_condemned ON object (condemned_at) WHERE state = 'condemned';
CREATE INDEX object_work      ON object (work_id) WHERE state = 'allocated';

-- Where else the bytes of an object are, as TAMS clients say. Nobody here controls
-- or fetches them.
CREATE TABLE object_instance (
    tenant_id text NOT NULL,
    object_id text NOT NULL,
    label     text NOT NULL,
    url       text NOT NULL,
    PRIMARY KEY (tenant_id, object_id, label),
    FOREIGN KEY (tenant_id, object_id) REFERENCES object (tenant_id, id) ON DELETE CASCADE
);

-- A segment places an object, or a part of it, on a Flow's time line. Segments of a
-- Flow do not overlap: the only function that writes them holds the Flow's row and
-- looks at the neighbours.
CREATE TABLE segment (
    flow_id       uuid   NOT NULL REFERENCES flow (id),
    start_ns      bigint NOT NULL,
    end_ns        bigint NOT NULL,
    tenant_id     text   NOT NULL,
    object_id     text   NOT NULL,
    ts_offset_ns  bigint NOT NULL DEFAULT 0, -- segment time = object time + offset
    last_duration bigint,                    -- ns
    key_frames    int,
    sample_offset bigint,
    sample_count  bigint,
    PRIMARY KEY (flow_id, start_ns),
    CHECK (start_ns < end_ns),
    FOREIGN KEY (tenant_id, object_id) REFERENCES object (tenant_id, id)
);
CREATE INDEX segment_object ON segment (tenant_id, object_id);

-- Pieces of work whose segments are stored. The first registration of a piece wins.
CREATE TABLE registration (
    work_id    uuid PRIMARY KEY,
    tenant_id  text        NOT NULL,
    job_id     text        NOT NULL,
    run        int         NOT NULL,
    epoch      int         NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX registration_age ON registration (created_at);

-- What pkg/outbox wants (outbox.Schema).
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
DROP TABLE registration;
DROP TABLE segment;
DROP TABLE object_instance;
DROP TABLE object;
DROP SEQUENCE object_number;
DROP TABLE flow_member;
DROP TABLE flow;
DROP SEQUENCE flow_revision;
DROP TABLE run;
DROP TABLE source;
