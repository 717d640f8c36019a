//! Timestamps: whom to ask and to believe, how it stands, and what they prove of a seal.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use codex_crdt_model::ids::{NotebookId, RecordHash};
use codex_crdt_model::store::Source;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::desk::Desk;
use super::dto::time;
use super::error::ApiError;
use super::input::{Input, Place};
use crate::timestamps::pinned::CertificateShown;
use crate::timestamps::setting::Asks;
use crate::timestamps::{Pinned, Proof, Setting, SettingError};

/// That a seal was there at a time, says an authority.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SealTimestamp {
    /// The timestamp: the hash of its record.
    pub id: String,
    /// The seal was there before this: the authority's time and how far that may be off.
    pub before: String,
    /// What the authority's certificate calls it.
    pub authority: String,
    /// The authority is one that this device believes: its certificate is pinned.
    pub trusted: bool,
    /// Why not.
    pub untrusted: Option<String>,
    /// The root that the authority signed, SHA-256.
    pub root: String,
    /// The seal's leaf in the tree, from 0.
    pub index: u64,
    /// How many leaves there are.
    pub leaves: u64,
    /// The hashes beside the way from the leaf to the root, from the leaf up.
    pub path: Vec<String>,
}

/// Reads what timestamps prove, each record once.
pub struct Proofs<'a> {
    source: &'a dyn Source,
    notebook: NotebookId,
    pinned: &'a Pinned,
    read: BTreeMap<u64, Option<(RecordHash, Proof)>>,
}

impl<'a> Proofs<'a> {
    /// Of a notebook.
    pub fn of(source: &'a dyn Source, notebook: NotebookId, pinned: &'a Pinned) -> Self {
        Self { source, notebook, pinned, read: BTreeMap::new() }
    }

    /// What is proved of a seal: by those who are believed first, then the earliest first.
    pub fn seal(&mut self, seal: &RecordHash) -> Result<Vec<SealTimestamp>, ApiError> {
        let positions = self.source.timestamps(seal)?;
        if positions.is_empty() {
            return Ok(Vec::new());
        }
        let quarantined = self.source.quarantined()?;
        let mut found = Vec::new();
        for position in positions.into_iter().filter(|position| !quarantined.contains_key(position)) {
            if !self.read.contains_key(&position) {
                let record = self.source.record(position)?;
                let proof = record.and_then(|record| {
                    Some((record.hash(), Proof::of(&record, &self.notebook, self.pinned).ok()?))
                });
                self.read.insert(position, proof);
            }
            let Some(Some((id, proof))) = self.read.get(&position) else { continue };
            let leaf = proof.stamp.leaf_of(seal);
            let Some(inclusion) = leaf.and_then(|leaf| proof.tree.inclusion(leaf)) else { continue };
            let shown = SealTimestamp {
                id: id.to_string(),
                before: time(proof.token.time),
                authority: proof.token.authority.clone(),
                trusted: proof.trust.is_ok(),
                untrusted: proof.trust.clone().err(),
                root: proof.root.to_string(),
                index: inclusion.index,
                leaves: inclusion.leaves,
                path: inclusion.path.iter().map(ToString::to_string).collect(),
            };
            found.push((proof.trust.is_err(), proof.token.time, shown));
        }
        found.sort_by_key(|(is_doubted, time, _)| (*is_doubted, *time));
        Ok(found.into_iter().map(|(_, _, shown)| shown).collect())
    }
}

/// How a notebook's seals stand with timestamps.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NotebookTimestamps {
    /// Notebook id.
    pub notebook: String,
    /// Its name.
    pub name: String,
    /// Seals and confirmations without a timestamp that is believed here.
    pub waiting: u64,
    /// When the authority last answered well.
    pub last: Option<String>,
    /// Why seals wait longer than they should.
    pub trouble: Option<String>,
    /// When the authority is asked next.
    pub next: Option<String>,
}

/// Whom this device asks and believes, and how it stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TimestampStatus {
    /// Who is asked; nobody if there is none.
    pub url: Option<String>,
    /// Seals are gathered for so long first, seconds.
    pub after_seconds: Option<u64>,
    /// Whom this device believes.
    pub certificates: Vec<CertificateShown>,
    /// Each notebook that runs.
    pub notebooks: Vec<NotebookTimestamps>,
}

fn status(desk: &Desk) -> TimestampStatus {
    let timestamps = desk.daemon().timestamps();
    let Setting { asks, pinned } = timestamps.setting();
    let notebooks = desk.daemon().list().into_iter().filter_map(|one| {
        let standing = timestamps.standing(&one.id.parse().ok()?);
        Some(NotebookTimestamps {
            notebook: one.id,
            name: one.name,
            waiting: standing.waiting,
            last: standing.last.map(time),
            trouble: standing.trouble,
            next: standing.next.map(time),
        })
    });
    TimestampStatus {
        url: asks.as_ref().map(|asks| asks.url.clone()),
        after_seconds: asks.as_ref().map(|asks| asks.after_seconds),
        certificates: pinned.shown(),
        notebooks: notebooks.collect(),
    }
}

impl From<SettingError> for ApiError {
    fn from(error: SettingError) -> Self {
        match error {
            SettingError::Url { .. } | SettingError::Pinned(_) => Self::bad_request(error.to_string()),
            SettingError::Unreadable { .. } | SettingError::Write(_) => Self::internal(error.to_string()),
        }
    }
}

/// Whom this device asks for timestamps and believes, and how each notebook stands.
#[utoipa::path(get, path = "/api/v1/timestamps", tag = "timestamps", responses((status = 200, body = TimestampStatus)))]
pub async fn show(State(desk): State<Desk>) -> Json<TimestampStatus> {
    Json(status(&desk))
}

/// Whom to ask, whom to believe.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTimestamps {
    /// Where the authority answers, by http or https. Absent: who is asked stays as it is.
    pub url: Option<String>,
    /// Its certificate, or that of whoever vouches for it, in PEM form. It is believed from now on, as are those named before.
    pub certificate: String,
    /// Seals are gathered for so long before it is asked, seconds; 60 unless said.
    pub after_seconds: Option<u64>,
}

/// Names an authority that stamps seals from now on, or only one that is believed.
#[utoipa::path(put, path = "/api/v1/timestamps", tag = "timestamps", request_body = NewTimestamps,
    responses((status = 200, body = TimestampStatus), (status = 400)))]
pub async fn set(
    State(desk): State<Desk>,
    Input(new): Input<NewTimestamps>,
) -> Result<Json<TimestampStatus>, ApiError> {
    let pinned = Pinned::from_pem(&new.certificate).map_err(SettingError::from)?;
    let asks = new.url.map(|url| Asks::new(&url, new.after_seconds)).transpose()?;
    desk.daemon()
        .timestamps()
        .set(|setting| Setting { asks: asks.or(setting.asks), pinned: setting.pinned.and(pinned) })?;
    Ok(Json(status(&desk)))
}

/// Asks nobody any more. Whoever was believed is believed still.
#[utoipa::path(delete, path = "/api/v1/timestamps", tag = "timestamps", responses((status = 200, body = TimestampStatus)))]
pub async fn off(State(desk): State<Desk>) -> Result<Json<TimestampStatus>, ApiError> {
    desk.daemon().timestamps().set(|setting| Setting { asks: None, ..setting })?;
    Ok(Json(status(&desk)))
}

/// Believes an authority no more. Its timestamps stay, and are not believed here.
#[utoipa::path(delete, path = "/api/v1/timestamps/certificates/{fingerprint}", tag = "timestamps",
    params(("fingerprint" = String, Path, description = "SHA-256 of the certificate, or eight digits or more of its beginning")),
    responses((status = 200, body = TimestampStatus), (status = 400), (status = 404),
        (status = 409, description = "`last`: the authority that is asked would not be believed")))]
pub async fn distrust(
    State(desk): State<Desk>,
    Place(which): Place<String>,
) -> Result<Json<TimestampStatus>, ApiError> {
    let timestamps = desk.daemon().timestamps();
    let (start, setting) = (which.to_lowercase(), timestamps.setting());
    let all = setting.pinned.shown();
    let found: Vec<_> =
        all.iter().filter(|one| start.len() >= 8 && one.fingerprint.starts_with(&start)).collect();
    let fingerprint = match found[..] {
        [one] => one.fingerprint.clone(),
        [] => {
            return Err(ApiError::not_found(format!(
                "no certificate that is believed here has the SHA-256 `{which}`; give eight digits or more of it, see `codexd \
                 timestamps status`"
            )));
        }
        _ => {
            return Err(ApiError::bad_request(format!(
                "`{which}` may be several certificates; give more of the SHA-256"
            )));
        }
    };
    if setting.asks.is_some() && all.len() == 1 {
        let message = "this is the only certificate that is believed, and no answer of the authority that is asked would be kept \
                       without it; ask nobody first with `codexd timestamps off`, or believe another with `codexd timestamps trust`";
        return Err(ApiError::new(StatusCode::CONFLICT, "last", message));
    }
    timestamps.set(|setting| Setting { pinned: setting.pinned.without(&fingerprint), ..setting })?;
    Ok(Json(status(&desk)))
}

/// Asks at once for all seals that wait, and answers when that has been tried.
#[utoipa::path(post, path = "/api/v1/timestamps/now", tag = "timestamps",
    responses((status = 200, body = TimestampStatus), (status = 409, description = "`off`: no authority is named")))]
pub async fn now(State(desk): State<Desk>) -> Result<Json<TimestampStatus>, ApiError> {
    let timestamps = desk.daemon().timestamps();
    if timestamps.setting().asks.is_none() {
        let message = "no authority for timestamps is named here; name one with `codexd timestamps set URL --certificate FILE`";
        return Err(ApiError::new(StatusCode::CONFLICT, "off", message));
    }
    timestamps.now().await;
    Ok(Json(status(&desk)))
}
