//! How everything stands.

use axum::Json;
use axum::extract::State;
use codex_crdt_model::journal::Role;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::desk::Desk;
use super::error::ApiError;
use crate::daemon::Registered;
use crate::driver::{PeerStanding, ScanProgress, Standing};
use crate::progress::Progress;

/// Answers without a token: something is there.
#[utoipa::path(get, path = "/api/v1/health", tag = "status", responses((status = 200)))]
pub async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// This device.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceStatus {
    /// Device id, hex.
    pub id: String,
    /// The first of the id in short groups, for two people to compare.
    pub fingerprint: String,
    /// What it calls itself.
    pub name: String,
    /// Where it can be reached directly.
    pub addresses: Vec<String>,
}

/// One notebook.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotebookStatus {
    /// Notebook id.
    pub id: String,
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its folder.
    pub path: String,
    /// Its workspace's slug.
    pub workspace: String,
    /// `ready`, `scanning`, `paused`, `held`, `joining` or `failed`.
    pub state: String,
    /// Why, when it is not ready; else the first of its problems.
    pub reason: Option<String>,
    /// The first of the files that cannot be read or written now: `path` and `reason`.
    #[schema(value_type = Vec<Object>)]
    pub problems: Value,
    /// How many there are.
    pub problem_count: u64,
    /// What this device may do: `owner`, `editor`, `commenter`, `viewer`, or nothing.
    #[schema(value_type = Option<String>)]
    pub role: Option<Role>,
    /// Files changed here that are not shared, because this device may not write.
    pub drafts: u64,
    /// Records that do not count, because their authors might not write them.
    pub quarantined: u64,
    /// Entries in the tree.
    pub entries: u64,
    /// Files still to be written out or looked at.
    pub pending: u64,
    /// Own records that no other device has acknowledged.
    pub unsynced_records: u64,
    /// Blobs of live entries that are not here.
    pub blobs_missing: u64,
    /// How many of these are left with the others, by the fetch policy.
    pub blobs_left: u64,
    /// Which attachments this device fetches: `all`, `below:BYTES` or `on-demand`.
    pub fetch: String,
    /// The other members' devices.
    pub peers: Vec<PeerStanding>,
    /// Devices that hold everything, this one among them only if it belongs and lacks nothing; and devices that belong.
    pub held_by: (u64, u64),
    /// The scan under way.
    pub scan: ScanProgress,
    /// What takes a while, and how far it is.
    pub progress: Vec<Progress>,
    /// Why seals have no timestamp although an authority is named.
    pub timestamps: Option<String>,
}

/// The whole status.
#[derive(Debug, Serialize, ToSchema)]
pub struct Status {
    /// The program's version.
    pub version: &'static str,
    /// This device.
    pub device: DeviceStatus,
    /// The home folder.
    pub home: String,
    /// All registered notebooks.
    pub notebooks: Vec<NotebookStatus>,
    /// How many wait to be let in: see `/requests`.
    pub requests: usize,
}

/// Device, notebooks, peers, and how many devices hold what.
#[utoipa::path(get, path = "/api/v1/status", tag = "status", responses((status = 200, body = Status)))]
pub async fn status(State(desk): State<Desk>) -> Result<Json<Status>, ApiError> {
    let daemon = desk.daemon();
    let notebooks = daemon.list().into_iter().map(|one| of_notebook(&desk, one)).collect();
    let requests = daemon.requests().map_err(|error| ApiError::internal(format!("{error:#}")))?.len();
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        device: DeviceStatus {
            id: daemon.device().to_string(),
            fingerprint: crate::daemon::fingerprint(&daemon.device()),
            name: daemon.device_name(),
            addresses: daemon.p2p_addresses(),
        },
        home: daemon.home().dir.display().to_string(),
        notebooks,
        requests,
    }))
}

/// One notebook's status, running or not.
pub fn of_notebook(desk: &Desk, one: Registered) -> NotebookStatus {
    let standing = match desk.daemon().find(&one.id) {
        Some(notebook) => {
            let mut standing = notebook.standing().borrow().clone();
            standing.progress.extend(notebook.mirror.progress());
            if standing.state == "held" {
                let reason = standing.reason.get_or_insert_default();
                reason.push_str(&format!(
                    ". Yes, delete: `codexd notebook resume {slug} --accept-deletions`; \
                    no, bring the files back: `codexd notebook resume {slug}`",
                    slug = one.slug
                ));
            }
            standing
        }
        None => Standing {
            state: "failed",
            reason: Some(one.failed.unwrap_or_else(|| "it is not running".to_owned())),
            ..Standing::default()
        },
    };
    let timestamps = one.id.parse().ok().and_then(|id| {
        let standing = desk.daemon().timestamps().standing(&id);
        Some(format!("seals without a timestamp: {}; {}", standing.waiting, standing.trouble?))
    });
    NotebookStatus {
        id: one.id,
        slug: one.slug,
        name: one.name,
        path: one.path,
        workspace: one.workspace,
        state: standing.state.to_owned(),
        reason: standing.reason,
        problems: serde_json::to_value(&standing.problems).unwrap_or_default(),
        problem_count: standing.problem_count,
        role: standing.role,
        drafts: standing.drafts,
        quarantined: standing.quarantined,
        entries: standing.entries,
        pending: standing.pending,
        unsynced_records: standing.unsynced_records,
        blobs_missing: standing.blobs_missing,
        blobs_left: standing.blobs_left,
        fetch: standing.fetch,
        peers: standing.peers,
        held_by: standing.held_by,
        scan: standing.scan,
        progress: standing.progress,
        timestamps,
    }
}
