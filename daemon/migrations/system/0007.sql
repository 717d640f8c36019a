-- What a plugin keeps for a place where it is shown: JSON.
CREATE TABLE plugin_kept (
    notebook TEXT NOT NULL,
    plugin   TEXT NOT NULL,
    place    TEXT NOT NULL,
    at       INTEGER NOT NULL,
    kept     TEXT NOT NULL,
    PRIMARY KEY (notebook, plugin, place)
) STRICT, WITHOUT ROWID;
