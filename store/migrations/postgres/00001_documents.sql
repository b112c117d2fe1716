-- +goose Up
CREATE TABLE documents (
    app        text   COLLATE "C" NOT NULL,
    collection text   COLLATE "C" NOT NULL,
    id         text   COLLATE "C" NOT NULL,
    version    bigint NOT NULL,
    doc        text   NOT NULL, -- as it was written: JSONB loses the order of keys
    body       jsonb  NOT NULL, -- the same, for queries
    PRIMARY KEY (app, collection, id)
) WITH (autovacuum_analyze_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);
-- A short pending list: lookups read all of it. Inserts gain as much from 256 kB as from the default of 4 MB.
CREATE INDEX documents_body ON documents USING gin (body jsonb_path_ops) WITH (gin_pending_list_limit = 256);

CREATE TABLE outbox (
    seq       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    app       text  NOT NULL,
    service   text  NOT NULL,
    operation text  NOT NULL,
    phase     text  NOT NULL,
    payload   bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000); -- rows come and go

-- +goose Down
DROP TABLE outbox;
DROP TABLE documents;
