-- Which seals the timestamps name. Which of these count is seen from `quarantine`; the token lies in the record.
CREATE TABLE timestamps (
    seal     BLOB NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (seal, position)
) WITHOUT ROWID;
CREATE INDEX timestamps_by_position ON timestamps (position);

-- An earlier version carried timestamps without looking into them: the records are read anew at the next start.
DELETE FROM statements;
DELETE FROM knows;
