-- +goose Up

-- What the collector forgets is found by its age, and not by walking through tables.
CREATE INDEX registration_run ON registration (tenant_id, job_id, run);
CREATE INDEX run_ended        ON run (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX source_updated   ON source (updated_at);
-- No statement asks for the age of a registration: it goes with its run.
DROP INDEX registration_age;

-- +goose Down
CREATE INDEX registration_age ON registration (created_at);
DROP INDEX source_updated;
DROP INDEX run_ended;
DROP INDEX registration_run;
