CREATE TABLE setting (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE notebook (
    id        TEXT PRIMARY KEY,
    slug      TEXT NOT NULL UNIQUE,
    name      TEXT NOT NULL,
    path      TEXT NOT NULL UNIQUE,
    workspace TEXT NOT NULL,
    added     INTEGER NOT NULL,
    -- The newest place of this device's journal, kept outside the notebook: a store that knows less was
    -- restored or copied.
    volume    INTEGER,
    seq       INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE invite (
    secret_hash BLOB PRIMARY KEY,
    notebook    TEXT NOT NULL,
    role        TEXT NOT NULL,
    created     INTEGER NOT NULL,
    expires     INTEGER NOT NULL,
    used_by     TEXT,
    used_at     INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE peer_address (
    device    TEXT PRIMARY KEY,
    addresses TEXT NOT NULL,
    seen      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    token_hash BLOB PRIMARY KEY,
    csrf       TEXT NOT NULL,
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
