-- The mirror: what the pages, search and queries read. Derived from store.db, safe to delete.

-- `revision`: last store revision shown here. `store`: notebook and volume that the rows came from.
CREATE TABLE state (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

-- One row per entry that ever was, and one for the notebook's own folder (id all zero, parent empty).
-- A path is found by walking up `parent`: moving a folder rewrites one row.
CREATE TABLE entries (
    num        INTEGER PRIMARY KEY,
    id         BLOB NOT NULL UNIQUE,
    parent     BLOB NOT NULL,
    name       TEXT NOT NULL,
    sort       BLOB NOT NULL,              -- order key of `name`: any case, numbers by value
    kind       TEXT NOT NULL,              -- text | blob | folder | symlink
    media_type TEXT NOT NULL,
    title      TEXT NOT NULL,
    size       INTEGER NOT NULL,
    hash       BLOB NOT NULL,
    created    INTEGER NOT NULL,           -- milliseconds since 1970
    modified   INTEGER NOT NULL,
    author     BLOB NOT NULL,
    changed    INTEGER NOT NULL,           -- whether it is more than its birth
    birth_position INTEGER NOT NULL,
    birth_item INTEGER NOT NULL,
    alive      INTEGER NOT NULL,
    sidecar_of BLOB,                       -- the entry whose properties this one holds; such a one is not listed
    unread     INTEGER NOT NULL DEFAULT 0, -- an image whose bytes were not on disk yet
    properties TEXT NOT NULL DEFAULT '{}', -- merged with those of its sidecars, as JSON
    warnings   TEXT NOT NULL DEFAULT '[]'  -- what is wrong with its or its sidecars' properties, as JSON
);
CREATE INDEX entries_place ON entries (parent, name);
CREATE INDEX entries_listed ON entries (parent, (kind <> 'folder'), sort, id)
    WHERE alive = 1 AND sidecar_of IS NULL;
CREATE INDEX entries_modified ON entries (modified) WHERE alive = 1 AND sidecar_of IS NULL;
CREATE INDEX entries_name ON entries (name COLLATE NOCASE);
CREATE INDEX entries_title ON entries (title COLLATE NOCASE);
CREATE INDEX entries_sidecar ON entries (sidecar_of) WHERE sidecar_of IS NOT NULL;
CREATE INDEX entries_unread ON entries (num) WHERE unread = 1;

-- One row per scalar: a list has several rows of one key, a nested value has keys `outer.inner`.
CREATE TABLE properties (
    entry  INTEGER NOT NULL,
    key    TEXT NOT NULL,
    value  TEXT NOT NULL,                  -- JSON
    text   TEXT NOT NULL,                  -- as people write it
    number REAL,
    moment INTEGER                         -- milliseconds since 1970, if it reads as a date
);
CREATE INDEX properties_entry ON properties (entry);
CREATE INDEX properties_text ON properties (key, text COLLATE NOCASE);

CREATE TABLE tags (entry INTEGER NOT NULL, tag TEXT NOT NULL);
CREATE INDEX tags_entry ON tags (entry);
CREATE INDEX tags_tag ON tags (tag COLLATE NOCASE);

-- `key`: last name of the target in lower case, without `.md`: narrows down who may be meant.
CREATE TABLE links (entry INTEGER NOT NULL, target TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL);
CREATE INDEX links_entry ON links (entry);
CREATE INDEX links_key ON links (key);

CREATE VIRTUAL TABLE words USING fts5 (
    title, name, body, properties,
    content = '', contentless_delete = 1, prefix = '3', tokenize = 'unicode61 remove_diacritics 2'
);
CREATE VIRTUAL TABLE terms USING fts5vocab (words, row);
