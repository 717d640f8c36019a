-- A request belongs to the invitation that was shown: its answer holds for that one alone, however often it is shown. Whoever waits
-- knocks again and is noted anew.
DROP TABLE request;
CREATE TABLE request (
    id          INTEGER PRIMARY KEY,
    secret_hash BLOB NOT NULL UNIQUE,
    notebook    TEXT NOT NULL,
    device      TEXT NOT NULL,
    name        TEXT NOT NULL,
    role        TEXT NOT NULL,
    -- Whose further device it is; NULL for a person of its own.
    person      TEXT,
    asked       INTEGER NOT NULL,
    approved    INTEGER
) STRICT;
