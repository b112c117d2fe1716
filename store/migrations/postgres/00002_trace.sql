-- +goose Up
ALTER TABLE outbox ADD COLUMN trace text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE outbox DROP COLUMN trace;
