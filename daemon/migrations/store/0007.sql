-- What happened is shown by time, the latest first, over several notebooks.
CREATE INDEX records_by_time ON records (time);

-- Comments, by the entry that they are about. Which of them count is seen from `quarantine`.
CREATE TABLE comments (
    position INTEGER PRIMARY KEY,
    entry    BLOB NOT NULL,
    row      BLOB NOT NULL
);
CREATE INDEX comments_by_entry ON comments (entry, position);

-- An earlier version carried comments of others without knowing them: they are found at the next start, when the statements are
-- read anew.
DELETE FROM statements;
DELETE FROM knows;
