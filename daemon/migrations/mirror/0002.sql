-- Version of an entry's content: what a task was read at.
ALTER TABLE entries ADD COLUMN version TEXT NOT NULL DEFAULT '';

-- Boxes in texts (`- [ ]`), and entries that are tasks themselves (`type: task`, line 0).
CREATE TABLE tasks (
    entry    INTEGER NOT NULL,
    line     INTEGER NOT NULL,             -- from 1 in the whole text; 0 for the entry itself
    place    INTEGER NOT NULL,             -- of its `[`, in UTF-16 code units of the whole text
    text     TEXT NOT NULL,                -- as it is written behind the box; the title of the entry
    title    TEXT NOT NULL,                -- the same without what says when and who
    done     INTEGER NOT NULL,
    due      TEXT,                         -- as a date or a date with time
    assignee TEXT,
    tags     TEXT NOT NULL                 -- JSON
);
CREATE INDEX tasks_entry ON tasks (entry);
CREATE INDEX tasks_due ON tasks (done, due);

-- Texts of attachments, by the hash of their bytes; NULL for what has none. Kept when nobody has them any more: they may come back.
CREATE TABLE extracts (hash BLOB PRIMARY KEY, text TEXT) WITHOUT ROWID;
CREATE INDEX entries_hash ON entries (hash) WHERE kind = 'blob';
