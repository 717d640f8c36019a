-- Which attachments this device fetches. `wanted`: fetched by the policy, or because somebody asked.

ALTER TABLE blobs_missing ADD COLUMN wanted INTEGER NOT NULL DEFAULT 1;

-- The live entries that need a missing blob.
CREATE TABLE blob_needs (
    hash  BLOB NOT NULL,
    entry BLOB NOT NULL,
    PRIMARY KEY (hash, entry)
) WITHOUT ROWID;

-- One row. `below` is the largest size that is fetched unasked, in bytes; NULL for all, -1 for none.
CREATE TABLE fetch_policy (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    below INTEGER
);
INSERT INTO fetch_policy VALUES (1, NULL);
