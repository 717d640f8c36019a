-- Seals and their confirmations, by the entry that is sealed. Which of them count is seen from `quarantine`.
CREATE TABLE seals (
    position INTEGER PRIMARY KEY,
    entry    BLOB NOT NULL,
    row      BLOB NOT NULL
);
CREATE INDEX seals_by_entry ON seals (entry, position);

-- What the records say of who belongs is read from them anew at the next start: an earlier version took no notice of rules for
-- seals, and kept recoveries in another form.
DELETE FROM statements;
DELETE FROM knows;
