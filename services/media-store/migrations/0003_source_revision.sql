-- +goose Up
CREATE SEQUENCE source_revision;

-- Grows with every change that is published, also past a deletion: events of a Source
-- that come out of order can be told apart.
ALTER TABLE source ADD COLUMN revision bigint NOT NULL DEFAULT nextval('source_revision');

-- +goose Down
ALTER TABLE source DROP COLUMN revision;
DROP SEQUENCE source_revision;
