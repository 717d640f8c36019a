-- Seals and their confirmations, by the entry that is sealed. Which of them count is seen from `quarantine`.
CREATE TABLE seals (
    position INTEGER PRIMARY KEY,
    entry    BLOB NOT NULL,
    row      BLOB NOT NULL
);
CREATE INDEX seals_by_entry ON seals (entry, position);
