-- Who belongs, and what of the journals does not count.

-- Membership records, read apart from the others.
CREATE TABLE statements (
    position INTEGER PRIMARY KEY,
    row      BLOB NOT NULL
);

-- What the last record of a journal had seen of journals with membership records.
CREATE TABLE knows (
    device BLOB NOT NULL,
    volume INTEGER NOT NULL,
    row    BLOB NOT NULL,
    PRIMARY KEY (device, volume)
) WITHOUT ROWID;

-- Records without effect, because their authors might not write them.
CREATE TABLE quarantine (
    position INTEGER PRIMARY KEY,
    row      BLOB NOT NULL
);
