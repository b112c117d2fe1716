-- +goose Up
CREATE TABLE documents (
    app        text   COLLATE "C" NOT NULL,
    collection text   COLLATE "C" NOT NULL,
    id         text   COLLATE "C" NOT NULL,
    version    bigint NOT NULL,
    doc        text   NOT NULL, -- as it was written: JSONB loses the order of keys
    body       jsonb  NOT NULL, -- the same, for queries
    PRIMARY KEY (app, collection, id)
);
CREATE INDEX documents_body ON documents USING gin (body jsonb_path_ops);

CREATE TABLE outbox (
    seq       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    app       text  NOT NULL,
    service   text  NOT NULL,
    operation text  NOT NULL,
    phase     text  NOT NULL,
    payload   bytea NOT NULL
);

-- +goose Down
DROP TABLE outbox;
DROP TABLE documents;
