//! Seals: what was signed, by whom, who confirmed it, and whether it is still so.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use codex_crdt_model::effect::Reply;
use codex_crdt_model::entry::birth::{Content, Kind};
use codex_crdt_model::event::{MembershipRequest, Request, Version};
use codex_crdt_model::ids::{EntryId, RecordHash};
use codex_crdt_model::journal::{Payload, Role, Seal};
use codex_crdt_model::membership::Membership;
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::seals::{self, Sealed};
use codex_crdt_model::store::Source;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::content::{Outgoing, ask_for_bytes, send};
use super::desk::{Desk, ask};
use super::dto::{Page, time};
use super::error::ApiError;
use super::input::{Input, Params, Place};
use super::people::{WhichNotebook, membership};
use super::reading::{self, Found, blocking, mirror_shows_all, read};
use super::sidecar;
use super::timestamps::{Proofs, SealTimestamp};
use crate::daemon::{Names, find_person};
use crate::driver::Notebook;
use crate::mirror::text;

/// Somebody who signed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Signer {
    /// Whose signature: the person's id; nothing for somebody who is nobody here any more.
    pub person: Option<String>,
    /// What the person calls itself. Others may do the same.
    pub person_name: Option<String>,
    /// The name, with the fingerprint if somebody else who belongs here or did has that name too.
    pub who: Option<String>,
    /// The person's key, or the device's if it is nobody's, in short groups for two people to compare.
    pub fingerprint: String,
    /// The device that signed.
    pub device: String,
    /// When, by that device's clock.
    pub time: String,
    /// What is meant by it.
    pub meaning: String,
}

/// Another entry that belongs to what is sealed: it is embedded, or a sidecar.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SealedPart {
    /// Its entry.
    pub entry: String,
    /// Where it lay.
    pub path: String,
    /// BLAKE3 of its bytes as they were sealed.
    pub hash: String,
    /// Bytes.
    pub size: u64,
    /// Whether it still has these bytes.
    pub unchanged: bool,
}

/// One seal of an entry.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SealItem {
    /// The seal: the hash of its record.
    pub id: String,
    /// Notebook id.
    pub notebook: String,
    /// The entry.
    pub entry: String,
    /// Where the entry lay.
    pub path: String,
    /// Where it is now; nothing if it is deleted.
    pub path_now: Option<String>,
    /// Who sealed it.
    pub by: Signer,
    /// Whoever confirmed it.
    pub witnesses: Vec<Signer>,
    /// How many of the persons that the notebook's rule asks for signed or confirmed it.
    pub signed: u32,
    /// How many the rule asks for.
    pub needed: u32,
    /// As many as the rule asks for did.
    pub complete: bool,
    /// From here on the entry is only amended.
    pub locks: bool,
    /// The version that was sealed.
    pub version: String,
    /// BLAKE3 of its bytes.
    pub hash: String,
    /// Bytes.
    pub size: u64,
    /// What it embeds, and its sidecars.
    pub parts: Vec<SealedPart>,
    /// The version that it names has these bytes. If not, whoever signed it signed something else, or the version does not
    /// count here: it locks nothing, and nobody confirms it.
    pub is_true: bool,
    /// The entry and all its parts are as they were sealed.
    pub unchanged: bool,
    /// The entry's own bytes are as they were sealed.
    pub content_unchanged: bool,
    /// Whether the entry was deleted since.
    pub deleted: bool,
    /// What authorities say of when it was there: those who are believed here first, then the earliest first.
    pub timestamps: Vec<SealTimestamp>,
}

/// How a seal of an entry stands, in short.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SealMark {
    /// How many seals it has.
    pub seals: u64,
    /// One of them is of exactly what is there now.
    pub unchanged: bool,
    /// That one is signed by as many as the rule asks for.
    pub complete: bool,
    /// It is only amended.
    pub locked: bool,
}

/// How a notebook's seals become complete.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Rule {
    /// How many persons sign or confirm, the author of the seal included.
    pub needed: u32,
    /// Of these; empty for anybody who may seal.
    pub of: Vec<RuleMember>,
}

/// Somebody whom the rule names.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuleMember {
    /// The person's id.
    pub person: String,
    /// What the person calls itself.
    pub name: String,
    /// The name, with the fingerprint if somebody else who belongs here or did has that name too.
    pub who: String,
}

/// How an entry's seals stand; `None` if it has none.
pub fn mark(source: &dyn Source, entry: &EntryId, people: &Membership) -> Result<Option<SealMark>, ApiError> {
    let all = seals::of_entry(source, people, entry)?;
    if all.is_empty() {
        return Ok(None);
    }
    let mut current = Vec::new();
    for sealed in all.iter().filter(|sealed| sealed.is_true) {
        if sealed.is_unchanged(source)? {
            current.push(sealed);
        }
    }
    Ok(Some(SealMark {
        seals: all.len() as u64,
        unchanged: !current.is_empty(),
        complete: current.iter().any(|sealed| sealed.complete),
        locked: all.iter().any(|sealed| sealed.locks),
    }))
}

fn signer(row: &codex_crdt_model::store::SealRow, sealed_by: &People<'_>) -> Signer {
    let person = sealed_by.membership.person_of(&row.tip.device);
    Signer {
        person: person.map(|person| person.to_string()),
        person_name: person.and_then(|person| sealed_by.names.name(&person)).map(str::to_owned),
        who: person.and_then(|person| sealed_by.names.who(&person)),
        fingerprint: sealed_by.names.fingerprint(&row.tip.device),
        device: row.tip.device.to_string(),
        time: time(row.time),
        meaning: row.seal.meaning().to_owned(),
    }
}

/// Who is who.
struct People<'a> {
    membership: &'a Membership,
    names: Names,
}

impl<'a> People<'a> {
    fn of(membership: &'a Membership) -> Self {
        Self { membership, names: Names::of(membership) }
    }
}

fn item(
    source: &dyn Source,
    notebook: &str,
    sealed: &Sealed,
    people: &People<'_>,
    proofs: &mut Proofs<'_>,
) -> Result<SealItem, ApiError> {
    let what = &sealed.what;
    let mut parts = Vec::new();
    for part in &what.parts {
        parts.push(SealedPart {
            entry: part.entry.to_string(),
            path: part.path.clone(),
            hash: part.hash.to_string(),
            size: part.size,
            unchanged: seals::is_still(source, &part.entry, &part.hash)?,
        });
    }
    let row = source.entry(&what.entry)?;
    let content_unchanged = row.as_ref().is_some_and(|row| row.hash == what.hash);
    let deleted = row.as_ref().is_none_or(|row| !row.alive);
    let path_now = match &row {
        Some(row) if row.alive => Some(reading::path_of(source, row)?.to_string()),
        _ => None,
    };
    let rule = people.membership.seal_rule();
    Ok(SealItem {
        id: sealed.row.tip.hash.to_string(),
        notebook: notebook.to_owned(),
        entry: what.entry.to_string(),
        path: what.path.clone(),
        path_now,
        by: signer(&sealed.row, people),
        witnesses: sealed.witnesses.iter().map(|witness| signer(&witness.row, people)).collect(),
        signed: sealed.signed,
        needed: rule.needed,
        complete: sealed.complete,
        locks: sealed.locks,
        is_true: sealed.is_true,
        version: Version(what.version.clone()).to_string(),
        hash: what.hash.to_string(),
        size: what.size,
        unchanged: content_unchanged && !deleted && parts.iter().all(|part| part.unchanged),
        parts,
        content_unchanged,
        deleted,
        timestamps: proofs.seal(&sealed.row.tip.hash)?,
    })
}

async fn items(desk: &Desk, notebook: &Notebook, entry: Option<EntryId>) -> Result<Vec<SealItem>, ApiError> {
    let of = notebook.id;
    let pinned = desk.daemon().timestamps().setting().pinned;
    read(notebook, move |reader| {
        let membership = Membership::of(&of, reader.statements()?);
        let people = People::of(&membership);
        let rows = match &entry {
            Some(entry) => reader.seals(entry)?,
            None => reader.all_seals()?,
        };
        let all = seals::of_rows(reader, &membership, rows)?;
        let mut proofs = Proofs::of(reader, of, &pinned);
        all.iter().map(|sealed| item(reader, &of.to_string(), sealed, &people, &mut proofs)).collect()
    })
    .await
}

/// All seals of a notebook, or of all notebooks.
#[utoipa::path(get, path = "/api/v1/seals", tag = "seals", params(WhichNotebook),
    responses((status = 200, body = Page<SealItem>)))]
pub async fn all(
    State(desk): State<Desk>,
    Params(which): Params<WhichNotebook>,
) -> Result<Json<Page<SealItem>>, ApiError> {
    let mut found = Vec::new();
    for notebook in desk.notebooks(which.notebook.as_deref())? {
        found.extend(items(&desk, &notebook, None).await?);
    }
    Ok(Json(Page::whole(found)))
}

/// The seals of an entry, the oldest first. Those of people who might not seal are left out.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/entries/{e}/seals", tag = "seals",
    params(("nb" = String, Path), ("e" = String, Path)), responses((status = 200, body = Page<SealItem>)))]
pub async fn list(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
) -> Result<Json<Page<SealItem>>, ApiError> {
    let notebook = desk.notebook(&nb)?;
    Ok(Json(Page::whole(items(&desk, &notebook, Some(e.parse()?)).await?)))
}

/// A seal to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSeal {
    /// What is meant by it: "recorded", "approved" …
    pub meaning: String,
    /// The version that was read. Absent: the one that is there now.
    pub version: Option<String>,
    /// From here on the entry is only amended.
    #[serde(default)]
    pub locks: bool,
}

/// Signs what an entry exactly is: its bytes with its properties, its sidecars, and what it embeds.
#[utoipa::path(post, path = "/api/v1/notebooks/{nb}/entries/{e}/seals", tag = "seals",
    params(("nb" = String, Path), ("e" = String, Path)), request_body = NewSeal,
    responses((status = 201, body = SealItem), (status = 403), (status = 404),
        (status = 409, description = "`not_sealed`: it has changed since that version, or is not all here")))]
pub async fn make(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
    Input(new): Input<NewSeal>,
) -> Result<(StatusCode, Json<SealItem>), ApiError> {
    let notebook = desk.notebook(&nb)?;
    let entry: EntryId = e.parse()?;
    mirror_shows_all(&notebook).await?;
    let of = notebook.clone();
    let (now, parts) = blocking(move || {
        let read = of.read(|reader| {
            let found = reading::alive(reader, &entry)?;
            let parts = parts(&of, reader, &found)?;
            Ok::<_, ApiError>((found.version(), parts))
        });
        read.map_err(|error| ApiError::internal(format!("cannot read the notebook: {error:#}")))?
    })
    .await?;
    let version = match new.version {
        Some(version) => version.trim_matches('"').parse()?,
        None => now,
    };
    let request = Request::Seal { entry, version, parts, meaning: new.meaning, locks: new.locks };
    let Reply::Signed(seal) = ask(&notebook, request).await? else { return Err(no_seal_in_reply()) };
    Ok((StatusCode::CREATED, Json(one(&desk, &notebook, entry, seal).await?)))
}

/// What belongs to an entry: its sidecars, and what its text embeds, each once.
fn parts(notebook: &Notebook, source: &dyn Source, found: &Found) -> Result<Vec<EntryId>, ApiError> {
    let mut parts: Vec<EntryId> =
        sidecar::of(source, found)?.into_iter().map(|sidecar| sidecar.entry).collect();
    let media_type = text::media_type(&found.row.place_name, found.row.kind);
    if found.row.kind == Kind::Text && media_type == "text/markdown" {
        let Content::Text(whole) = reading::content(source, found)? else { return Ok(parts) };
        let (_, body) = text::split(&whole);
        for link in text::markdown(body).links.into_iter().filter(text::RawLink::is_embedded) {
            let meant = notebook.mirror.resolve(&found.id, &link.target, link.is_wiki());
            let meant = meant.map_err(|error| ApiError::internal(error.to_string()))?;
            let Some(id) = meant else {
                let message = format!(
                    "cannot sign for `{}`: it embeds `{}`, which is nothing here; correct the link, or take it out",
                    found.path, link.target
                );
                return Err(ApiError::new(StatusCode::CONFLICT, "not_sealed", message));
            };
            let is_file = source.entry(&id)?.is_some_and(|row| matches!(row.kind, Kind::Text | Kind::Blob));
            if is_file {
                parts.push(id);
                let embedded = reading::alive(source, &id)?;
                parts.extend(sidecar::of(source, &embedded)?.into_iter().map(|sidecar| sidecar.entry));
            }
        }
    }
    let mut seen = std::collections::BTreeSet::from([found.id]);
    parts.retain(|part| seen.insert(*part));
    Ok(parts)
}

async fn one(
    desk: &Desk,
    notebook: &Notebook,
    entry: EntryId,
    seal: RecordHash,
) -> Result<SealItem, ApiError> {
    let id = seal.to_string();
    let all = items(desk, notebook, Some(entry)).await?;
    all.into_iter().find(|item| item.id == id).ok_or_else(no_seal_in_reply)
}

fn no_seal_in_reply() -> ApiError {
    ApiError::internal("the notebook did not say which seal it made")
}

/// What is meant by confirming a seal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWitness {
    /// "witnessed", "reviewed" …
    pub meaning: String,
}

/// Confirms somebody else's seal.
#[utoipa::path(post, path = "/api/v1/notebooks/{nb}/entries/{e}/seals/{seal}/witnesses", tag = "seals",
    params(("nb" = String, Path), ("e" = String, Path), ("seal" = String, Path)), request_body = NewWitness,
    responses((status = 201, body = SealItem), (status = 403), (status = 404),
        (status = 409, description = "`not_sealed`: it is one's own, was confirmed before, or is not all here")))]
pub async fn witness(
    State(desk): State<Desk>,
    Place((nb, e, seal)): Place<(String, String, String)>,
    Input(new): Input<NewWitness>,
) -> Result<(StatusCode, Json<SealItem>), ApiError> {
    let notebook = desk.notebook(&nb)?;
    let (entry, seal): (EntryId, RecordHash) = (e.parse()?, seal.parse()?);
    bytes_are_here(&desk, &notebook, entry, seal).await?;
    ask(&notebook, Request::Witness { entry, seal, meaning: new.meaning }).await?;
    Ok((StatusCode::CREATED, Json(one(&desk, &notebook, entry, seal).await?)))
}

/// Nobody confirms bytes that are not here to be seen. What an attachment was when it was sealed may not be fetched by
/// itself any more.
async fn bytes_are_here(
    desk: &Desk,
    notebook: &Notebook,
    entry: EntryId,
    seal: RecordHash,
) -> Result<(), ApiError> {
    let needed = read(notebook, move |reader| {
        let row = reader.seals(&entry)?.into_iter().map(|(_, row)| row).find(|row| row.tip.hash == seal);
        let Some((is_text, Seal::Entry(what))) = row.map(|row| (row.is_text, row.seal)) else {
            return Ok(Vec::new());
        };
        let mut needed: Vec<_> = (!is_text).then_some((what.path, what.hash)).into_iter().collect();
        for part in what.parts {
            if reader.entry(&part.entry)?.is_some_and(|row| row.kind == Kind::Blob) {
                needed.push((part.path, part.hash));
            }
        }
        Ok(needed)
    })
    .await?;
    for (path, hash) in needed {
        if !desk.daemon().blobs().has(&hash).await? {
            let message = format!(
                "cannot confirm the seal: the bytes of `{path}` as they were sealed are not on this device; look at it while a \
                 device that has them is connected, then try again"
            );
            return Err(ApiError::new(StatusCode::CONFLICT, "not_sealed", message));
        }
    }
    Ok(())
}

/// Why a lock is lifted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unlock {
    /// In words.
    pub meaning: String,
}

/// Lifts the lock that a seal put on its entry; the seal stays. Takes an owner.
#[utoipa::path(post, path = "/api/v1/notebooks/{nb}/entries/{e}/seals/{seal}/unlock", tag = "seals",
    params(("nb" = String, Path), ("e" = String, Path), ("seal" = String, Path)), request_body = Unlock,
    responses((status = 200, body = SealItem), (status = 403), (status = 404), (status = 409)))]
pub async fn unlock(
    State(desk): State<Desk>,
    Place((nb, e, seal)): Place<(String, String, String)>,
    Input(unlock): Input<Unlock>,
) -> Result<Json<SealItem>, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let (entry, seal): (EntryId, RecordHash) = (e.parse()?, seal.parse()?);
    ask(&notebook, Request::Unlock { entry, seal, meaning: unlock.meaning }).await?;
    Ok(Json(one(&desk, &notebook, entry, seal).await?))
}

/// The bytes that were sealed.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/entries/{e}/seals/{seal}/content", tag = "seals",
    params(("nb" = String, Path), ("e" = String, Path), ("seal" = String, Path)),
    responses((status = 200), (status = 404)))]
pub async fn sealed_content(
    State(desk): State<Desk>,
    Place((nb, e, seal)): Place<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let (entry, seal): (EntryId, RecordHash) = (e.parse()?, seal.parse()?);
    let outgoing = read(&notebook, move |reader| {
        let rows = reader.seals(&entry)?;
        let row = rows.into_iter().find(|(_, row)| row.tip.hash == seal);
        let no_seal = || ApiError::not_found(format!("the entry {entry} has no seal {seal}"));
        let (position, _) = row.ok_or_else(no_seal)?;
        let record = reader.record(position)?.ok_or_else(no_seal)?;
        let kind = record.header().map_or(0, |header| header.kind);
        let Some(Payload::Seal(Seal::Entry(sealed))) = Payload::decode(kind, &record.payload) else {
            return Err(no_seal());
        };
        let content = match sealed.text {
            Some(text) => Content::Text(text),
            None => Content::Blob { hash: sealed.hash, size: sealed.size },
        };
        let path = EntryPath::parse(&sealed.path)?;
        Ok(Outgoing { path, content, version: Version(sealed.version), pinned: true, download: false })
    })
    .await?;
    ask_for_bytes(&desk, &notebook, &outgoing).await?;
    send(desk.daemon().blobs(), outgoing, &headers).await
}

/// How seals become complete here.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/seal-rule", tag = "seals", params(("nb" = String, Path)),
    responses((status = 200, body = Rule)))]
pub async fn rule(State(desk): State<Desk>, Place(nb): Place<String>) -> Result<Json<Rule>, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let membership = membership(notebook.clone()).await?;
    let people = People::of(&membership);
    let rule = membership.seal_rule();
    let of = rule.of.iter().map(|person| RuleMember {
        person: person.to_string(),
        name: people.names.name(person).unwrap_or_default().to_owned(),
        who: people.names.who(person).unwrap_or_default(),
    });
    Ok(Json(Rule { needed: rule.needed, of: of.collect() }))
}

/// How many persons a seal takes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRule {
    /// So many, the author of the seal included.
    pub needed: u32,
    /// Of these: ids, eight digits or more of one, or names. Empty: of anybody who may seal.
    #[serde(default)]
    pub of: Vec<String>,
}

/// Says how many persons a seal takes. Seals that are there already are measured by it too.
#[utoipa::path(put, path = "/api/v1/notebooks/{nb}/seal-rule", tag = "seals", params(("nb" = String, Path)),
    request_body = NewRule, responses((status = 200), (status = 400, description = "It asks for more than there are"), (status = 403), (status = 404)))]
pub async fn set_rule(
    State(desk): State<Desk>,
    Place(nb): Place<String>,
    Input(new): Input<NewRule>,
) -> Result<Json<Value>, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let membership = membership(notebook.clone()).await?;
    let find =
        |key: &String| find_person(&membership, key).map_err(|error| ApiError::not_found(error.to_string()));
    let of = new.of.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    let people = membership.people();
    let may_sign = |role: Role| role.is_at_least(Role::Commenter);
    let may =
        people.iter().filter(|one| one.role.is_some_and(may_sign) && (of.is_empty() || of.contains(&one.id)));
    let there_are = may.count();
    if new.needed as usize > there_are {
        return Err(ApiError::bad_request(format!(
            "cannot ask for {} persons to sign a seal in `{nb}`: only {there_are} could, so none would ever be complete; ask for \
             fewer, or let more in first (`codexd invite`)",
            new.needed
        )));
    }
    let request = MembershipRequest::SetSealRule { needed: new.needed, of };
    desk.daemon().change_people(&notebook, request).await?;
    Ok(Json(json!({"done": true})))
}
