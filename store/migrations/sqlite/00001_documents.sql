-- +goose Up
CREATE TABLE documents (
    app        TEXT    NOT NULL,
    collection TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    doc        TEXT    NOT NULL,
    PRIMARY KEY (app, collection, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    app       TEXT NOT NULL,
    service   TEXT NOT NULL,
    operation TEXT NOT NULL,
    phase     TEXT NOT NULL,
    payload   BLOB NOT NULL
) STRICT;

-- +goose Down
DROP TABLE outbox;
DROP TABLE documents;
