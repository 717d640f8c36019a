-- A notebook's store. Columns hold what is looked up by; `row` holds the whole row as postcard.
-- A published migration is never edited: a change of the schema is a new file.

CREATE TABLE meta (
    id  INTEGER PRIMARY KEY CHECK (id = 1),
    row BLOB NOT NULL
);

-- The fold's cache and the derived tree.
CREATE TABLE entries (
    id           BLOB PRIMARY KEY,
    place_parent BLOB NOT NULL,
    place_name   TEXT NOT NULL,
    name         TEXT NOT NULL,
    alive        INTEGER NOT NULL,
    revision     INTEGER NOT NULL,
    row          BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX entries_by_name ON entries (place_parent, name);
CREATE INDEX entries_by_place ON entries (place_parent, place_name) WHERE alive;
CREATE INDEX entries_by_revision ON entries (revision);

-- Kept in step by every write of `entries`, so that counting does not walk them.
CREATE TABLE tally (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    alive INTEGER NOT NULL
);
INSERT INTO tally VALUES (1, 0);

-- Saved documents: number 0 is the whole, the others are changes after it.
CREATE TABLE documents (
    entry  BLOB NOT NULL,
    number INTEGER NOT NULL,
    bytes  BLOB NOT NULL
);
CREATE UNIQUE INDEX documents_by_entry ON documents (entry, number);

-- What is on disk.
CREATE TABLE bases (
    entry  BLOB PRIMARY KEY,
    parent BLOB NOT NULL,
    name   TEXT NOT NULL,
    row    BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX bases_by_place ON bases (parent, name);

CREATE TABLE pending (
    entry BLOB PRIMARY KEY
) WITHOUT ROWID;

-- The journals. Payloads lie apart, in pieces: the journals are walked without them, and one birth is read
-- without its whole record.
CREATE TABLE records (
    position  INTEGER PRIMARY KEY,
    device    BLOB NOT NULL,
    volume    INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    time      INTEGER NOT NULL,
    signature BLOB NOT NULL,
    header    BLOB NOT NULL
);
CREATE UNIQUE INDEX records_by_journal ON records (device, volume, seq);

-- `piece` is the record's position times 4,096, plus the piece's number.
CREATE TABLE payloads (
    piece INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
);

CREATE TABLE tips (
    device BLOB NOT NULL,
    volume INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    hash   BLOB NOT NULL,
    PRIMARY KEY (device, volume)
) WITHOUT ROWID;

-- Which items of a record took effect, and on what. `change` is NULL for a birth; where that lies in the
-- payload is in `start` and `length`.
CREATE TABLE items (
    position INTEGER NOT NULL,
    item     INTEGER NOT NULL,
    entry    BLOB NOT NULL,
    change   BLOB,
    start    INTEGER,
    length   INTEGER,
    PRIMARY KEY (position, item, entry)
) WITHOUT ROWID;
CREATE INDEX items_by_entry ON items (entry);

CREATE TABLE members (
    device BLOB PRIMARY KEY,
    row    BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE receipts (
    device BLOB PRIMARY KEY,
    row    BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE blobs_missing (
    hash BLOB PRIMARY KEY,
    size INTEGER NOT NULL
) WITHOUT ROWID;

-- `row` is JSON here: the kinds of conflict are tagged by name.
CREATE TABLE conflicts (
    number  INTEGER PRIMARY KEY,
    entry   BLOB NOT NULL,
    settled INTEGER NOT NULL,
    row     TEXT NOT NULL
);
CREATE INDEX conflicts_open ON conflicts (entry) WHERE NOT settled;

-- Two records that claim one place in one journal: the proof.
CREATE TABLE forks (
    device BLOB NOT NULL,
    volume INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    hash   BLOB NOT NULL,
    other  BLOB NOT NULL,
    record BLOB NOT NULL,
    PRIMARY KEY (device, volume, seq, hash, other)
) WITHOUT ROWID;
