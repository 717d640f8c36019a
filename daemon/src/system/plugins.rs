//! What was said of plugins on this device: enabled or not, with which permissions, their settings, their secrets.

use codex_crdt_model::ids::UnixMs;
use rusqlite::{OptionalExtension, params};

use super::{System, SystemError, doing};

/// What was said of a plugin for a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginRow {
    /// Whether it is on.
    pub enabled: bool,
    /// The content that was shown when it was enabled.
    pub hash: String,
    /// The permissions that were shown: JSON.
    pub wishes: String,
    /// Those of them that were not given: JSON.
    pub withheld: String,
}

/// What a service said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginAnswer {
    /// When.
    pub at: UnixMs,
    /// Its name for just this.
    pub etag: Option<String>,
    /// When it last changed, as it says.
    pub modified: Option<String>,
    /// What it is.
    pub media_type: String,
    /// JSON.
    pub body: String,
}

/// A secret of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginSecret {
    /// Its name.
    pub name: String,
    /// Encrypted.
    pub sealed: Vec<u8>,
    /// Where it may go: JSON. None: that was not said yet when it was given.
    pub hosts: Option<String>,
}

/// Answers of a plugin that are kept.
const ANSWERS: i64 = 200;
/// Places of a notebook for which a plugin keeps something.
const PLACES: i64 = 500;

impl System {
    /// What was said of a plugin for a workspace.
    pub fn plugin(&self, workspace: &str, plugin: &str) -> Result<Option<PluginRow>, SystemError> {
        let sql = "SELECT enabled, hash, wishes, withheld FROM plugin WHERE workspace = ?1 AND plugin = ?2";
        self.db()
            .query_row(sql, [workspace, plugin], |row| {
                Ok(PluginRow {
                    enabled: row.get(0)?,
                    hash: row.get(1)?,
                    wishes: row.get(2)?,
                    withheld: row.get(3)?,
                })
            })
            .optional()
            .map_err(doing("read what is said of a plugin"))
    }

    /// Whether just this content is enabled somewhere.
    pub fn is_pinned(&self, plugin: &str, hash: &str) -> Result<bool, SystemError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM plugin WHERE plugin = ?1 AND hash = ?2 AND (enabled = 1
                   OR EXISTS (SELECT 1 FROM plugin_notebook WHERE plugin = ?1 AND enabled = 1)))";
        self.db()
            .query_row(sql, [plugin, hash], |row| row.get(0))
            .map_err(doing("read what is said of a plugin"))
    }

    /// Notes it.
    pub fn set_plugin(&self, workspace: &str, plugin: &str, row: &PluginRow) -> Result<(), SystemError> {
        let sql = "INSERT INTO plugin (workspace, plugin, enabled, hash, wishes, withheld) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                   ON CONFLICT (workspace, plugin) DO UPDATE SET enabled = excluded.enabled, hash = excluded.hash,
                   wishes = excluded.wishes, withheld = excluded.withheld";
        let values = params![workspace, plugin, row.enabled, row.hash, row.wishes, row.withheld];
        self.db().execute(sql, values).map_err(doing("note what is said of a plugin"))?;
        Ok(())
    }

    /// Notebooks that say otherwise of a plugin: their ids.
    pub fn plugin_notebooks(&self, plugin: &str) -> Result<Vec<(String, bool)>, SystemError> {
        let db = self.db();
        let read = |sql: &str| {
            let mut query = db.prepare(sql)?;
            let rows = query.query_map([plugin], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read("SELECT notebook, enabled FROM plugin_notebook WHERE plugin = ?1 ORDER BY notebook")
            .map_err(doing("read what notebooks say of a plugin"))
    }

    /// Notes what a notebook says; nothing: as its workspace.
    pub fn set_plugin_notebook(
        &self,
        notebook: &str,
        plugin: &str,
        enabled: Option<bool>,
    ) -> Result<(), SystemError> {
        let db = self.db();
        let done = match enabled {
            Some(enabled) => db.execute(
                "INSERT INTO plugin_notebook (notebook, plugin, enabled) VALUES (?1, ?2, ?3)
                 ON CONFLICT (notebook, plugin) DO UPDATE SET enabled = excluded.enabled",
                params![notebook, plugin, enabled],
            ),
            None => db.execute(
                "DELETE FROM plugin_notebook WHERE notebook = ?1 AND plugin = ?2",
                [notebook, plugin],
            ),
        };
        done.map_err(doing("note what a notebook says of a plugin"))?;
        Ok(())
    }

    /// A plugin's settings: JSON.
    pub fn plugin_config(&self, workspace: &str, plugin: &str) -> Result<Option<String>, SystemError> {
        let sql = "SELECT config FROM plugin_config WHERE workspace = ?1 AND plugin = ?2";
        self.db()
            .query_row(sql, [workspace, plugin], |row| row.get(0))
            .optional()
            .map_err(doing("read a plugin's settings"))
    }

    /// Notes them.
    pub fn set_plugin_config(&self, workspace: &str, plugin: &str, config: &str) -> Result<(), SystemError> {
        let sql = "INSERT INTO plugin_config (workspace, plugin, config) VALUES (?1, ?2, ?3)
                   ON CONFLICT (workspace, plugin) DO UPDATE SET config = excluded.config";
        self.db().execute(sql, [workspace, plugin, config]).map_err(doing("note a plugin's settings"))?;
        Ok(())
    }

    /// A plugin's secrets, by name.
    pub fn plugin_secrets(&self, workspace: &str, plugin: &str) -> Result<Vec<PluginSecret>, SystemError> {
        let db = self.db();
        let read = || {
            let sql = "SELECT name, sealed, hosts FROM plugin_secret WHERE workspace = ?1 AND plugin = ?2 ORDER BY name";
            let mut query = db.prepare(sql)?;
            let rows = query.query_map([workspace, plugin], |row| {
                Ok(PluginSecret { name: row.get(0)?, sealed: row.get(1)?, hosts: row.get(2)? })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(doing("read a plugin's secrets"))
    }

    /// Notes one.
    pub fn set_plugin_secret(
        &self,
        workspace: &str,
        plugin: &str,
        secret: &PluginSecret,
    ) -> Result<(), SystemError> {
        let sql = "INSERT INTO plugin_secret (workspace, plugin, name, sealed, hosts) VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT (workspace, plugin, name) DO UPDATE SET sealed = excluded.sealed, hosts = excluded.hosts";
        let values = params![workspace, plugin, secret.name, secret.sealed, secret.hosts];
        self.db().execute(sql, values).map_err(doing("note a plugin's secret"))?;
        Ok(())
    }

    /// Forgets one.
    pub fn forget_plugin_secret(&self, workspace: &str, plugin: &str, name: &str) -> Result<(), SystemError> {
        let sql = "DELETE FROM plugin_secret WHERE workspace = ?1 AND plugin = ?2 AND name = ?3";
        self.db().execute(sql, [workspace, plugin, name]).map_err(doing("forget a plugin's secret"))?;
        Ok(())
    }

    /// What a service said to a request: workspace, plugin, request.
    pub fn plugin_answer(
        &self,
        (workspace, plugin, request): &(String, String, String),
    ) -> Result<Option<PluginAnswer>, SystemError> {
        let sql = "SELECT at, etag, modified, media_type, body FROM plugin_answer
                   WHERE workspace = ?1 AND plugin = ?2 AND request = ?3";
        self.db()
            .query_row(sql, [workspace, plugin, request], |row| {
                Ok(PluginAnswer {
                    at: row.get(0)?,
                    etag: row.get(1)?,
                    modified: row.get(2)?,
                    media_type: row.get(3)?,
                    body: row.get(4)?,
                })
            })
            .optional()
            .map_err(doing("read what a service said"))
    }

    /// Keeps it; the oldest of a plugin's go.
    pub fn keep_plugin_answer(
        &self,
        (workspace, plugin, request): &(String, String, String),
        answer: &PluginAnswer,
    ) -> Result<(), SystemError> {
        let db = self.db();
        let keep = "INSERT OR REPLACE INTO plugin_answer (workspace, plugin, request, at, etag, modified, media_type, body)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let values = params![
            workspace,
            plugin,
            request,
            answer.at,
            answer.etag,
            answer.modified,
            answer.media_type,
            answer.body
        ];
        let sweep = "DELETE FROM plugin_answer WHERE workspace = ?1 AND plugin = ?2 AND request NOT IN
                     (SELECT request FROM plugin_answer WHERE workspace = ?1 AND plugin = ?2 ORDER BY at DESC LIMIT ?3)";
        db.execute(keep, values)
            .and_then(|_| db.execute(sweep, params![workspace, plugin, ANSWERS]))
            .map_err(doing("keep what a service said"))?;
        Ok(())
    }

    /// Forgets what a service said to a request; whether there was something.
    pub fn forget_plugin_answer(
        &self,
        (workspace, plugin, request): &(String, String, String),
    ) -> Result<bool, SystemError> {
        let sql = "DELETE FROM plugin_answer WHERE workspace = ?1 AND plugin = ?2 AND request = ?3";
        let gone = self.db().execute(sql, [workspace, plugin, request]);
        Ok(gone.map_err(doing("forget what a service said"))? > 0)
    }

    /// Forgets what services said to a plugin: somebody else asks from now on.
    pub fn forget_plugin_answers(&self, workspace: &str, plugin: &str) -> Result<(), SystemError> {
        let sql = "DELETE FROM plugin_answer WHERE workspace = ?1 AND plugin = ?2";
        self.db().execute(sql, [workspace, plugin]).map_err(doing("forget what a service said"))?;
        Ok(())
    }

    /// What a plugin keeps for a place in a notebook: notebook, plugin, place. JSON.
    pub fn plugin_kept(
        &self,
        (notebook, plugin, place): (&str, &str, &str),
    ) -> Result<Option<String>, SystemError> {
        let sql = "SELECT kept FROM plugin_kept WHERE notebook = ?1 AND plugin = ?2 AND place = ?3";
        self.db()
            .query_row(sql, [notebook, plugin, place], |row| row.get(0))
            .optional()
            .map_err(doing("read what a plugin keeps"))
    }

    /// Keeps it; of many places, those go that were changed the longest ago.
    pub fn keep_for_plugin(
        &self,
        (notebook, plugin, place): (&str, &str, &str),
        at: UnixMs,
        kept: &str,
    ) -> Result<(), SystemError> {
        let db = self.db();
        let keep = "INSERT OR REPLACE INTO plugin_kept (notebook, plugin, place, at, kept) VALUES (?1, ?2, ?3, ?4, ?5)";
        let sweep = "DELETE FROM plugin_kept WHERE notebook = ?1 AND plugin = ?2 AND place NOT IN
                     (SELECT place FROM plugin_kept WHERE notebook = ?1 AND plugin = ?2 ORDER BY at DESC, place = ?4 DESC LIMIT ?3)";
        db.execute(keep, params![notebook, plugin, place, at, kept])
            .and_then(|_| db.execute(sweep, params![notebook, plugin, PLACES, place]))
            .map_err(doing("keep what a plugin says"))?;
        Ok(())
    }

    /// Forgets all that was said of a plugin that is removed.
    pub fn forget_plugin(&self, plugin: &str) -> Result<(), SystemError> {
        let mut db = self.db();
        let forget = |db: &mut rusqlite::Connection| {
            let step = db.transaction()?;
            for table in [
                "plugin",
                "plugin_notebook",
                "plugin_config",
                "plugin_secret",
                "plugin_answer",
                "plugin_kept",
            ] {
                step.execute(&format!("DELETE FROM {table} WHERE plugin = ?1"), [plugin])?;
            }
            step.commit()
        };
        forget(&mut db).map_err(doing("forget a plugin"))
    }
}
