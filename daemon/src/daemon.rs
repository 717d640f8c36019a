//! The running daemon: registry of notebooks, wiring of the shells, what pages and commands ask for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context, bail};
use codex_crdt_model::core::Origin;
use codex_crdt_model::event::Event;
use codex_crdt_model::ids::{ContentHash, DeviceId, NotebookId};
use codex_crdt_model::store::Source;
use ed25519_dalek::SigningKey;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::blobs::Blobs;
use crate::clock::now_ms;
use crate::driver::{self, Notebook, NotebookNotice, Shells};
use crate::git::Git;
use crate::home::Home;
use crate::live::{Talk, Word};
use crate::net::{Net, NetConfig, NetEvent, RelayChoice, Route};
use crate::plugins::Plugins;
use crate::store::Store;
use crate::system::{Meant, NotebookRow};
use crate::watch::Watcher;

mod admission;
mod bundles;
mod names;
mod timestamps;

pub use admission::{find_person, membership_of};
pub(crate) use bundles::each_blob;
pub use bundles::{DamagedBlob, Export, Exported, ImportError, Imported, Refused};
pub use names::{Names, fingerprint, fingerprint_of};
pub use timestamps::{TimestampStanding, Timestamps};

/// Notices kept for a slow listener; what is older is gone and the listener is told to reload.
const NOTICES: usize = 4096;

/// Everything that runs in one home.
#[derive(Debug)]
pub struct Daemon {
    home: Home,
    shells: Shells,
    watcher: Watcher,
    notebooks: RwLock<BTreeMap<NotebookId, State>>,
    /// Counts answers to those who wait to be let in.
    answers: watch::Sender<u64>,
    /// What is being typed right now.
    talk: Talk,
    timestamps: Timestamps,
    plugins: Plugins,
    runtime: tokio::runtime::Handle,
}

/// A registered notebook, and whether it runs.
#[derive(Debug)]
struct State {
    row: NotebookRow,
    running: Result<Notebook, String>,
}

/// How to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where iroh listens; `None` for any.
    pub p2p_listen: Option<std::net::SocketAddr>,
    /// Relays.
    pub relay: RelayChoice,
    /// mDNS.
    pub discovery: bool,
}

/// One registered notebook, running or not.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Registered {
    /// Its id, hex.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its slug, unique in this home.
    pub slug: String,
    /// Its folder.
    pub path: String,
    /// Workspace slug.
    pub workspace: String,
    /// Why it could not be started, if it could not.
    pub failed: Option<String>,
}

impl Daemon {
    /// Opens the shells and every registered notebook of a home.
    pub async fn start(home: Home, options: Options) -> anyhow::Result<Arc<Self>> {
        let blobs = Blobs::open(home.blobs_dir()).await?;
        let (net_events, from_net) = mpsc::unbounded_channel();
        let config = NetConfig {
            secret: home.secret(),
            listen: options.p2p_listen,
            relay: options.relay,
            discovery: options.discovery,
            device_name: home.config().device_name.clone(),
        };
        let net = Net::start(config, blobs.clone(), net_events).await.context("cannot start the network")?;
        for (peer, addresses) in home.system().peer_addresses()? {
            net.remember(peer, addresses);
        }
        let (notices, _) = broadcast::channel(NOTICES);
        let git = Git::start(home.config().device_name.clone()).context("cannot start the git thread")?;
        let shells = Shells { key: SigningKey::from_bytes(&home.secret()), net, blobs, git, notices };
        let watcher = Watcher::start().context("cannot watch files")?;
        let (timestamps, orders) = Timestamps::open(home.timestamps())?;
        let plugins = Plugins::new(home.dir.join("plugins"), home.system().clone());
        let daemon = Arc::new(Self {
            home,
            shells,
            watcher,
            notebooks: RwLock::default(),
            answers: watch::Sender::new(0),
            talk: Talk::default(),
            timestamps,
            plugins,
            runtime: tokio::runtime::Handle::current(),
        });
        tokio::spawn(Arc::clone(&daemon).listen(from_net));
        for row in daemon.home.system().notebooks()? {
            match daemon.open(&row) {
                Ok((notebook, go)) => daemon.run(row, notebook, go),
                Err(error) => {
                    let reason = format!("{error:#}");
                    tracing::error!(notebook = row.name, reason, "a notebook could not be started");
                    daemon.insert(State { row, running: Err(reason) });
                }
            }
        }
        daemon.home.settle()?;
        tokio::spawn(Arc::clone(&daemon).stamp_times(orders));
        Ok(daemon)
    }

    /// Opens a registered notebook. It runs when the sender is used or dropped.
    fn open(&self, row: &NotebookRow) -> anyhow::Result<(Notebook, oneshot::Sender<()>)> {
        let root = PathBuf::from(&row.path);
        let path = root.join(".codex/store.db");
        if !path.exists() {
            bail!(
                "`{path}` has no store: the folder or `.codex` in it is gone. Nothing is deleted elsewhere. If the folder \
                 should be there, bring it back and start again; to go on with the files in it, `codexd join TICKET \
                 {path}` with a new ticket of a colleague's, or `codexd notebook add {path}` for a history that begins anew",
                path = row.path
            );
        }
        let id = row.id;
        let mark = self.home.system().high_water(&id)?;
        let fresh = self.home.copied() || tokio::task::block_in_place(|| is_behind(&path, mark))?;
        let (go, may_go) = oneshot::channel();
        Ok((Notebook::start(root, self.shells.clone(), fresh, may_go)?, go))
    }

    /// Lets an opened notebook run: first whoever carries events knows it, then it meets peers. Watching its folder
    /// takes a while if it is large; only the scan waits for that.
    fn run(self: &Arc<Self>, row: NotebookRow, notebook: Notebook, go: oneshot::Sender<()>) {
        let (id, root, disk) = (row.id, notebook.root.clone(), notebook.disk.clone());
        self.insert(State { row, running: Ok(notebook) });
        self.timestamps.opened(id);
        // A notebook that was stopped meanwhile no longer listens.
        let _ = go.send(());
        let daemon = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = daemon.watcher.add(&root, disk.clone()) {
                tracing::error!("{error:#}; changes are found only by scans");
            }
            if daemon.running(&id).is_none() {
                daemon.watcher.remove(&root);
            }
            disk.hold_scans(false);
        });
    }

    /// Registers a folder: begins a notebook there, or takes up the one whose marker it has.
    pub async fn add(
        self: &Arc<Self>,
        path: &Path,
        name: Option<String>,
        workspace: Option<String>,
    ) -> anyhow::Result<Registered> {
        let root = self.usable_root(path)?;
        make_folder(&root)?;
        self.forget_lost(|row| Path::new(&row.path) == root).await?;
        let name = name.unwrap_or_else(|| name_of(&root));
        let marker = std::fs::read_to_string(root.join(".codex/notebook")).ok();
        let known = marker.as_deref().map(str::trim).map(str::parse::<NotebookId>).transpose();
        let known =
            known.with_context(|| format!("the marker `{}/.codex/notebook` is damaged", root.display()))?;
        let id = match known {
            Some(id) if root.join(".codex/store.db").exists() => id,
            Some(notebook) => {
                let origin = Origin::Join { notebook, name: name.clone() };
                driver::create(&root, &self.shells.key, origin, None)?
            }
            None => {
                let device_name = self.home.config().device_name.clone();
                driver::create(
                    &root,
                    &self.shells.key,
                    Origin::Found { name: name.clone(), device_name },
                    None,
                )
                .with_context(|| format!("cannot make a notebook in `{}`", root.display()))?
            }
        };
        self.register(id, name, root, workspace)
    }

    fn register(
        self: &Arc<Self>,
        id: NotebookId,
        name: String,
        root: PathBuf,
        workspace: Option<String>,
    ) -> anyhow::Result<Registered> {
        let path = root.to_str().context("the path of a notebook must be valid UTF-8")?.to_owned();
        if let Some(other) = self.registered(&id) {
            bail!("this notebook is registered already, at `{}`; remove that one first", other.path);
        }
        let system = self.home.system();
        let row = NotebookRow {
            id,
            slug: system.free_slug(&name)?,
            name,
            path,
            workspace: workspace.unwrap_or_else(|| "default".into()),
            added: now_ms(),
        };
        system.add_notebook(&row)?;
        let (notebook, go) = match self.open(&row) {
            Ok(opened) => opened,
            Err(error) => {
                system.remove_notebook(&id)?;
                return Err(error);
            }
        };
        self.run(row, notebook, go);
        self.registered(&id).context("the notebook was removed while it was being added")
    }

    /// The real path of a folder that may be a notebook, or may be made to be one. Makes nothing.
    fn usable_root(&self, path: &Path) -> anyhow::Result<PathBuf> {
        let shown = path.display();
        let root = resolved(path)
            .with_context(|| format!("cannot use `{shown}` as a notebook; give another folder"))?;
        if root.exists() && !root.is_dir() {
            bail!("`{shown}` is not a folder; a notebook is a folder");
        }
        if let Some(reason) = unusable(&root) {
            bail!("`{shown}` cannot be a notebook: {reason}; give another folder");
        }
        let home = self.home.dir.canonicalize().unwrap_or_else(|_| self.home.dir.clone());
        let own_notebooks = self.home.notebooks_dir();
        let inside_home =
            root.starts_with(&home) && !(root.starts_with(&own_notebooks) && root != own_notebooks);
        if inside_home || home.starts_with(&root) {
            bail!(
                "`{shown}` and the program's own folder `{}` lie in one another; choose another folder",
                home.display()
            );
        }
        for state in self.lock_read().values() {
            let other = Path::new(&state.row.path);
            if root != other && (root.starts_with(other) || other.starts_with(&root)) {
                bail!(
                    "`{shown}` and the notebook `{}` lie in one another; choose another folder",
                    state.row.path
                );
            }
        }
        let above = root.ancestors().skip(1).find(|dir| dir.join(".codex/notebook").exists());
        if let Some(above) = above {
            bail!("`{shown}` lies inside the notebook `{}`; choose another folder", above.display());
        }
        Ok(root)
    }

    /// Unregisters; never deletes files.
    pub async fn remove(&self, notebook: &NotebookId) -> anyhow::Result<()> {
        let state = self.notebooks.write().unwrap_or_else(PoisonError::into_inner).remove(notebook);
        let Some(state) = state else { bail!("there is no notebook {notebook}") };
        self.shells.net.unshare(*notebook);
        self.watcher.remove(Path::new(&state.row.path));
        if let Ok(running) = state.running {
            running.shutdown().await;
        }
        self.home.system().remove_notebook(notebook)?;
        Ok(())
    }

    /// Forgets notebooks whose store is gone, so that their folders can be taken up anew. No file is touched.
    async fn forget_lost(&self, which: impl Fn(&NotebookRow) -> bool) -> anyhow::Result<()> {
        let lost: Vec<NotebookId> = {
            let notebooks = self.lock_read();
            let rows = notebooks.values().map(|state| &state.row);
            rows.filter(|row| which(row) && is_lost(row)).map(|row| row.id).collect()
        };
        for id in lost {
            self.remove(&id).await?;
        }
        Ok(())
    }

    /// Another name for a notebook on this device.
    pub fn rename(&self, notebook: &NotebookId, name: &str) -> anyhow::Result<()> {
        let mut notebooks = self.notebooks.write().unwrap_or_else(PoisonError::into_inner);
        let Some(state) = notebooks.get_mut(notebook) else { bail!("there is no notebook {notebook}") };
        self.home.system().change_notebook(notebook, Some(name), None)?;
        state.row.name = name.to_owned();
        Ok(())
    }

    /// All registered notebooks.
    pub fn list(&self) -> Vec<Registered> {
        self.lock_read().values().map(State::registered).collect()
    }

    /// One of them.
    pub fn registered(&self, id: &NotebookId) -> Option<Registered> {
        self.lock_read().get(id).map(State::registered)
    }

    /// The notebook that a key means, as [`NotebookRow::meant`] says.
    pub fn meant(&self, key: &str) -> Meant<NotebookId> {
        let notebooks = self.lock_read();
        match NotebookRow::meant(notebooks.values().map(|state| &state.row), key) {
            Meant::One(row) => Meant::One(row.id),
            Meant::Several => Meant::Several,
            Meant::Nothing => Meant::Nothing,
        }
    }

    /// That notebook, if it runs.
    pub fn find(&self, key: &str) -> Option<Notebook> {
        let Meant::One(id) = self.meant(key) else { return None };
        self.lock_read().get(&id).and_then(|state| state.running.as_ref().ok().cloned())
    }

    /// Notices of all notebooks.
    pub fn notices(&self) -> broadcast::Receiver<NotebookNotice> {
        self.shells.notices.subscribe()
    }

    /// What is being typed right now.
    pub fn talk(&self) -> &Talk {
        &self.talk
    }

    /// Says a word to every open page, here and on other devices.
    pub fn say(&self, word: Word) {
        self.shells.net.say(word.notebook, word.encode());
        self.talk.say(word);
    }

    /// This device.
    pub fn device(&self) -> DeviceId {
        self.shells.net.device()
    }

    /// What this device calls itself.
    pub fn device_name(&self) -> String {
        self.home.config().device_name.clone()
    }

    /// Where iroh listens.
    pub fn p2p_addresses(&self) -> Vec<String> {
        self.shells.net.addresses()
    }

    /// The way to every peer that is connected.
    pub async fn routes(&self) -> BTreeMap<DeviceId, Route> {
        self.shells.net.routes().await
    }

    /// The plugins of this device.
    pub fn plugins(&self) -> &Plugins {
        &self.plugins
    }

    /// The home.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Attachments of all notebooks.
    pub fn blobs(&self) -> &Blobs {
        &self.shells.blobs
    }

    /// Stops everything in order; the stores are closed cleanly.
    pub async fn shutdown(&self) {
        let states = std::mem::take(&mut *self.notebooks.write().unwrap_or_else(PoisonError::into_inner));
        for state in states.into_values() {
            self.watcher.remove(Path::new(&state.row.path));
            let Ok(notebook) = state.running else { continue };
            notebook.shutdown().await;
            if let Err(error) = self.note_high_water(&notebook) {
                tracing::warn!(%error, "the high-water mark of a journal could not be noted");
            }
        }
        self.shells.net.shutdown().await;
        self.shells.blobs.shutdown().await;
    }

    /// Notes outside the notebook how far its journal goes, so that an older copy of it is recognised.
    fn note_high_water(&self, notebook: &Notebook) -> anyhow::Result<()> {
        let found = notebook.read(|reader| anyhow::Ok((reader.meta()?, reader.tips()?)))?;
        let (Some(meta), tips) = found? else { return Ok(()) };
        let seq = tips
            .into_iter()
            .find(|tip| tip.device == meta.device && tip.volume == meta.volume)
            .map_or(0, |tip| tip.seq);
        self.home.system().raise_high_water(&notebook.id, meta.volume, seq)?;
        Ok(())
    }

    fn insert(&self, state: State) {
        self.notebooks.write().unwrap_or_else(PoisonError::into_inner).insert(state.row.id, state);
    }

    fn lock_read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<NotebookId, State>> {
        self.notebooks.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn running(&self, id: &NotebookId) -> Option<Notebook> {
        self.lock_read().get(id).and_then(|state| state.running.as_ref().ok().cloned())
    }

    /// Carries what the network tells to the notebooks concerned.
    async fn listen(self: Arc<Self>, mut events: mpsc::UnboundedReceiver<NetEvent>) {
        while let Some(event) = events.recv().await {
            match event {
                NetEvent::Opened { notebook, peer } => self.tell(&notebook, Event::PeerConnected(peer)),
                NetEvent::Frame { notebook, peer, frame, part } => {
                    if let Some(running) = self.running(&notebook) {
                        running.received(peer, frame, part);
                    }
                }
                NetEvent::Drained { notebook, peer } => self.tell(&notebook, Event::Drained(peer)),
                NetEvent::Closed { notebook, peer } => self.tell(&notebook, Event::PeerGone(peer)),
                NetEvent::TurnedAway { notebook, peer } => {
                    if let Some(running) = self.running(&notebook) {
                        running.turned_away(peer);
                    }
                }
                NetEvent::BlobAsked { notebooks, hash, answer, .. } => {
                    let notebooks: Vec<Notebook> =
                        notebooks.iter().filter_map(|id| self.running(id)).collect();
                    tokio::task::spawn_blocking(move || {
                        // Whoever asked may have gone.
                        let _ = answer.send(notebooks.iter().any(|notebook| names_blob(notebook, &hash)));
                    });
                }
                NetEvent::BlobHeld(hash) => {
                    for state in self.lock_read().values() {
                        if let Ok(notebook) = &state.running {
                            notebook.blob_held(hash);
                        }
                    }
                }
                NetEvent::PeerAddress { peer, addresses } => {
                    if let Err(error) = self.home.system().set_peer_addresses(&peer, &addresses, now_ms()) {
                        tracing::warn!(%error, "a peer's address could not be remembered");
                    }
                }
                NetEvent::Word { notebook, peer, bytes } => {
                    if let Some(word) = Word::decode(notebook, peer, &bytes) {
                        self.talk.say(word);
                    }
                }
                NetEvent::Knock { knock, answer } => {
                    let daemon = Arc::clone(&self);
                    tokio::spawn(async move {
                        // The knocker may have gone.
                        let _ = answer.send(daemon.answer_knock(knock).await);
                    });
                }
            }
        }
    }

    fn tell(&self, notebook: &NotebookId, event: Event) {
        if let Some(notebook) = self.running(notebook) {
            notebook.happened(event);
        }
    }
}

impl State {
    fn registered(&self) -> Registered {
        Registered {
            id: self.row.id.to_string(),
            name: self.row.name.clone(),
            slug: self.row.slug.clone(),
            path: self.row.path.clone(),
            workspace: self.row.workspace.clone(),
            failed: self.running.as_ref().err().cloned(),
        }
    }
}

/// Whether members of a notebook may have a blob. Blocks.
fn names_blob(notebook: &Notebook, hash: &ContentHash) -> bool {
    let named = notebook.read(|reader| reader.names_blob(hash));
    let named = named.map_err(anyhow::Error::from).and_then(|named| Ok(named?));
    named.unwrap_or_else(|error| {
        tracing::warn!(notebook = %notebook.id, "what it names cannot be read, so nobody gets it: {error:#}");
        false
    })
}

/// Whether the store at `path` is older than the journal's high-water mark: a restored backup or a copy.
fn is_behind(path: &Path, mark: Option<(codex_crdt_model::ids::Volume, u64)>) -> anyhow::Result<bool> {
    let Some((volume, seq)) = mark else { return Ok(false) };
    // For writing: one of an earlier version is brought up to date by that, and a reader refuses it.
    let store = Store::open(path)?;
    let Some(meta) = store.meta()? else { return Ok(true) };
    let have = store.tips()?.into_iter().find(|tip| tip.device == meta.device && tip.volume == volume);
    Ok(meta.volume != volume || have.map_or(0, |tip| tip.seq) < seq)
}

/// Whether the store of a registered notebook is gone.
fn is_lost(row: &NotebookRow) -> bool {
    !Path::new(&row.path).join(".codex/store.db").exists()
}

fn make_folder(root: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(root).with_context(|| format!("cannot make the folder `{}`", root.display()))
}

/// Why nothing can be written into a folder, or the folder cannot be made.
fn unusable(root: &Path) -> Option<String> {
    let there = root.ancestors().find(|above| above.exists())?;
    if !there.is_dir() {
        return Some(format!("`{}` is not a folder", there.display()));
    }
    let denied =
        rustix::fs::access(there, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).err()?;
    Some(format!("you cannot write to `{}`: {denied}", there.display()))
}

/// The real path of what is there, or of what would be if it were made.
fn resolved(path: &Path) -> anyhow::Result<PathBuf> {
    for above in path.ancestors() {
        if above.symlink_metadata().is_err() {
            continue;
        }
        let rest = path.strip_prefix(above)?;
        if rest.components().any(|part| part == std::path::Component::ParentDir) {
            bail!("it leads through a folder that is not there");
        }
        let above = above.canonicalize()?;
        return Ok(if rest.as_os_str().is_empty() { above } else { above.join(rest) });
    }
    bail!("nothing of it is there")
}

fn name_of(root: &Path) -> String {
    root.file_name().map_or_else(|| "notebook".into(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use codex_crdt_model::ids::Volume;

    use super::*;

    /// losses.md L29: whoever updates the program opens the same notebooks.
    #[test]
    fn a_store_of_an_earlier_version_is_looked_at_and_brought_up_to_date() {
        let temp = tempfile::tempdir().unwrap();
        for version in 1..=7 {
            let path = temp.path().join(format!("{version}.db"));
            Store::of_version(&path, version);
            assert!(crate::store::Reader::open(&path).is_err());
            assert!(is_behind(&path, Some((Volume(1), 1))).unwrap());
            assert!(crate::store::Reader::open(&path).is_ok());
            // What that version kept of statements is read anew from the records.
            let garbage = temp.path().join(format!("{version}-garbage.db"));
            Store::of_version(&garbage, version);
            if version >= 3 {
                let db = rusqlite::Connection::open(&garbage).unwrap();
                db.execute("INSERT INTO statements VALUES (1, x'ff')", []).unwrap();
            }
            drop(Store::open(&garbage).unwrap());
            assert_eq!(crate::store::Reader::open(&garbage).unwrap().statements().unwrap(), []);
        }
    }
}
