-- Invitations that somebody has to say yes to, and those for another device of one's own.
ALTER TABLE invite ADD COLUMN attended INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invite ADD COLUMN own_device INTEGER NOT NULL DEFAULT 0;

-- Who showed an attended invitation, and what was answered.
CREATE TABLE request (
    id       INTEGER PRIMARY KEY,
    notebook TEXT NOT NULL,
    device   TEXT NOT NULL,
    name     TEXT NOT NULL,
    role     TEXT NOT NULL,
    asked    INTEGER NOT NULL,
    approved INTEGER,
    UNIQUE (notebook, device)
) STRICT;
