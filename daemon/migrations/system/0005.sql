-- What was said of a plugin for a workspace of this device. A hash is what was shown when it was enabled.
CREATE TABLE plugin (
    workspace TEXT NOT NULL,
    plugin    TEXT NOT NULL,
    enabled   INTEGER NOT NULL,
    hash      TEXT NOT NULL,
    -- JSON: the permissions that were shown, and those of them that were not given.
    wishes    TEXT NOT NULL,
    withheld  TEXT NOT NULL,
    PRIMARY KEY (workspace, plugin)
) STRICT, WITHOUT ROWID;

-- Notebooks that say otherwise for themselves.
CREATE TABLE plugin_notebook (
    notebook TEXT NOT NULL,
    plugin   TEXT NOT NULL,
    enabled  INTEGER NOT NULL,
    PRIMARY KEY (notebook, plugin)
) STRICT, WITHOUT ROWID;

-- JSON of its settings.
CREATE TABLE plugin_config (
    workspace TEXT NOT NULL,
    plugin    TEXT NOT NULL,
    config    TEXT NOT NULL,
    PRIMARY KEY (workspace, plugin)
) STRICT, WITHOUT ROWID;

-- Secrets: a nonce and what XChaCha20-Poly1305 made of the value.
CREATE TABLE plugin_secret (
    workspace TEXT NOT NULL,
    plugin    TEXT NOT NULL,
    name      TEXT NOT NULL,
    sealed    BLOB NOT NULL,
    PRIMARY KEY (workspace, plugin, name)
) STRICT, WITHOUT ROWID;

-- What services said: shown as of then while they do not answer.
CREATE TABLE plugin_answer (
    workspace  TEXT NOT NULL,
    plugin     TEXT NOT NULL,
    request    TEXT NOT NULL,
    at         INTEGER NOT NULL,
    etag       TEXT,
    modified   TEXT,
    media_type TEXT NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (workspace, plugin, request)
) STRICT, WITHOUT ROWID;
