-- +goose Up

-- The URL as APIs show it, which is what they search: whoever may list jobs could else
-- find out its secrets letter by letter. Rows that a version before this one writes
-- have none, and are found by label and id.
ALTER TABLE job ADD COLUMN public_url text;
-- Without user, password, query and fragment; newer rows keep the keys of the query.
UPDATE job SET public_url = regexp_replace(regexp_replace(url, '[?#].*$', ''), '^([^/]*//)[^/]*@', '\1');

-- +goose Down
ALTER TABLE job DROP COLUMN public_url;
