-- The blobs that what counts ever named, in older versions too: members of this notebook may have them. None is ever taken out.
CREATE TABLE blobs_named (
    hash BLOB PRIMARY KEY
) WITHOUT ROWID;

-- An earlier version gave any blob to any member of anything: which are named here is found out at the next start, when the
-- records are read anew.
DELETE FROM statements;
DELETE FROM knows;
