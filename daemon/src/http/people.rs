//! Peers, members, and what may change about them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use codex_crdt_model::event::MembershipRequest;
use codex_crdt_model::journal::Role;
use codex_crdt_model::membership::{Membership, Person, PersonDevice, Why};
use codex_crdt_model::store::Source;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::desk::Desk;
use super::dto::Page;
use super::error::ApiError;
use super::input::{Input, Params};
use super::reading::{blocking, read};
use crate::daemon::{Names, find_person, fingerprint, membership_of};
use crate::driver::Notebook;

/// Which notebook.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichNotebook {
    /// Only of this notebook.
    pub notebook: Option<String>,
}

/// One other device, in one notebook.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeerRow {
    /// Notebook id.
    pub notebook: String,
    /// Device id.
    pub device: String,
    /// What it calls itself.
    pub name: String,
    /// Whether a stream is open.
    pub connected: bool,
    /// How it is reached now: `local` (one network), `direct` or `relay`; nothing while it is not, or a way is looked for.
    pub route: Option<String>,
    /// Records that we have and it has not acknowledged.
    pub records_behind: u64,
    /// Blobs it says it misses.
    pub blobs_missing: u64,
    /// How many of these it leaves with the others by choice.
    pub blobs_left: u64,
}

/// The other devices, notebook by notebook.
#[utoipa::path(get, path = "/api/v1/peers", tag = "people", params(WhichNotebook),
    responses((status = 200, body = Page<PeerRow>)))]
pub async fn peers(
    State(desk): State<Desk>,
    Params(which): Params<WhichNotebook>,
) -> Result<Json<Page<PeerRow>>, ApiError> {
    let mut items = Vec::new();
    let routes: BTreeMap<String, &str> = desk
        .daemon()
        .routes()
        .await
        .into_iter()
        .map(|(peer, route)| (peer.to_string(), route.word()))
        .collect();
    for notebook in desk.notebooks(which.notebook.as_deref())? {
        let standing = notebook.standing().borrow().clone();
        items.extend(standing.peers.into_iter().map(|peer| PeerRow {
            notebook: notebook.id.to_string(),
            route: routes.get(&peer.device).filter(|_| peer.connected).map(|&route| route.to_owned()),
            device: peer.device,
            name: peer.name,
            connected: peer.connected,
            records_behind: peer.records_behind,
            blobs_missing: peer.blobs_missing,
            blobs_left: peer.blobs_left,
        }));
    }
    Ok(Json(Page::whole(items)))
}

/// One device of one member of one notebook.
#[derive(Debug, Serialize, ToSchema)]
pub struct Member {
    /// Notebook id.
    pub notebook: String,
    /// Device id.
    pub device: String,
    /// The first of it in short groups, for two people to compare.
    pub fingerprint: String,
    /// What the device calls itself.
    pub name: String,
    /// Whose it is: the person's id.
    pub person: String,
    /// What the person calls itself. Others may do the same.
    pub person_name: String,
    /// The name, with the person's fingerprint if somebody else who belongs here or did has that name too.
    pub who: String,
    /// What the person is shown in, as `#rrggbb`.
    pub colour: Option<String>,
    /// `owner`, `editor`, `commenter` or `viewer`; nothing for whoever left, was removed, or whose device was revoked.
    #[schema(value_type = Option<String>)]
    pub role: Option<Role>,
    /// Whether the device was revoked.
    pub revoked: bool,
    /// Whether it is this device.
    pub this_device: bool,
}

/// Who belongs, and who did.
#[utoipa::path(get, path = "/api/v1/members", tag = "people", params(WhichNotebook),
    responses((status = 200, body = Page<Member>)))]
pub async fn members(
    State(desk): State<Desk>,
    Params(which): Params<WhichNotebook>,
) -> Result<Json<Page<Member>>, ApiError> {
    let mut items = Vec::new();
    let own = desk.daemon().device();
    for notebook in desk.notebooks(which.notebook.as_deref())? {
        let (id, of) = (notebook.id, notebook.clone());
        let membership = membership(of).await?;
        let names = Names::of(&membership);
        for person in membership.people() {
            let colour = person.colour.map(|[r, g, b]| format!("#{r:02x}{g:02x}{b:02x}"));
            items.extend(person.devices.iter().map(|device| Member {
                notebook: id.to_string(),
                device: device.id.to_string(),
                fingerprint: fingerprint(&device.id),
                name: device.name.clone(),
                person: person.id.to_string(),
                person_name: person.name.clone(),
                who: names.who(&person.id).unwrap_or_default(),
                colour: colour.clone(),
                role: person.role.filter(|_| !device.is_revoked),
                revoked: device.is_revoked,
                this_device: device.id == own,
            }));
        }
    }
    Ok(Json(Page::whole(items)))
}

pub(super) async fn membership(notebook: Notebook) -> Result<Membership, ApiError> {
    blocking(move || membership_of(&notebook).map_err(|error| ApiError::internal(format!("{error:#}")))).await
}

async fn ask(desk: &Desk, notebook: &Notebook, request: MembershipRequest) -> Result<Json<Value>, ApiError> {
    desk.daemon().change_people(notebook, request).await?;
    Ok(Json(json!({"done": true})))
}

async fn person_of(notebook: &Notebook, key: String) -> Result<codex_crdt_model::ids::PersonId, ApiError> {
    let of = notebook.clone();
    find_person(&membership(of).await?, &key).map_err(|error| ApiError::not_found(error.to_string()))
}

/// Whose role changes, and to what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// Notebook id, slug or name.
    pub notebook: String,
    /// Person or device: an id, eight digits or more of one, or a name that only one has.
    pub who: String,
    /// `owner`, `editor`, `commenter`, `viewer`, or `none` to remove the person.
    pub role: String,
}

/// Gives a person another role, or removes it. Whoever wants to may take a lesser one, or leave.
#[utoipa::path(post, path = "/api/v1/roles", tag = "people", request_body = NewRole,
    responses((status = 200), (status = 403), (status = 404)))]
pub async fn set_role(State(desk): State<Desk>, Input(new): Input<NewRole>) -> Result<Json<Value>, ApiError> {
    let notebook = desk.notebook(&new.notebook)?;
    let role = match new.role.as_str() {
        "none" => None,
        role => Some(role.parse::<Role>().map_err(|bad| ApiError::bad_request(format!("{bad}, or none")))?),
    };
    let person = person_of(&notebook, new.who).await?;
    ask(&desk, &notebook, MembershipRequest::SetRole { person, role }).await
}

/// Which device.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OneDevice {
    /// Notebook id, slug or name.
    pub notebook: String,
    /// The device's id, eight digits or more of it, or its name.
    pub device: String,
}

async fn device_of(notebook: &Notebook, key: String) -> Result<codex_crdt_model::ids::DeviceId, ApiError> {
    let of = notebook.clone();
    let people = membership(of).await?.people();
    let start = key.replace('-', "").to_lowercase();
    let is_it =
        |one: &&PersonDevice| (start.len() >= 8 && one.id.to_string().starts_with(&start)) || one.name == key;
    let found: Vec<_> = people.iter().flat_map(|person| &person.devices).filter(is_it).collect();
    match found[..] {
        [one] => return Ok(one.id),
        [_, _, ..] => {
            return Err(ApiError::bad_request(format!(
                "`{key}` may be several devices; give the id of the one that is meant: {}",
                listed(&people, &found)
            )));
        }
        [] => {}
    }
    let theirs: Vec<_> =
        people.iter().filter(|person| person.name == key).flat_map(|person| &person.devices).collect();
    let message = if theirs.is_empty() {
        format!("no device here is `{key}`; see `codexd members`")
    } else {
        format!(
            "`{key}` is a person, and a device is asked for; give the id of the one that is meant: {}",
            listed(&people, &theirs)
        )
    };
    Err(ApiError::not_found(message))
}

/// Devices as somebody types them, each with its name and whose it is.
fn listed(people: &[Person], devices: &[&PersonDevice]) -> String {
    let one = |device: &&PersonDevice| {
        let owner = people.iter().find(|person| person.devices.iter().any(|one| one.id == device.id));
        let of = owner.map(|person| format!(" of {}", person.name)).unwrap_or_default();
        let revoked = if device.is_revoked { ", revoked" } else { "" };
        format!("{} (`{}`{of}{revoked})", fingerprint(&device.id), device.name)
    };
    devices.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Takes a device's right away: it was lost, or is to be nobody's. It is cut off at once, and stays out.
#[utoipa::path(post, path = "/api/v1/revocations", tag = "people", request_body = OneDevice,
    responses((status = 200), (status = 403), (status = 404)))]
pub async fn revoke(State(desk): State<Desk>, Input(one): Input<OneDevice>) -> Result<Json<Value>, ApiError> {
    let notebook = desk.notebook(&one.notebook)?;
    let device = device_of(&notebook, one.device).await?;
    ask(&desk, &notebook, MembershipRequest::Revoke { device }).await
}

/// Accepts all that is here of a device and did not count.
#[utoipa::path(post, path = "/api/v1/releases", tag = "people", request_body = OneDevice,
    responses((status = 200), (status = 403), (status = 404), (status = 409, description = "`nothing_held_back`")))]
pub async fn release(
    State(desk): State<Desk>,
    Input(one): Input<OneDevice>,
) -> Result<Json<Value>, ApiError> {
    let notebook = desk.notebook(&one.notebook)?;
    let device = device_of(&notebook, one.device.clone()).await?;
    let held = read(&notebook, |reader| Ok(reader.quarantined()?)).await?;
    if !held.values().any(|row| row.tip.device == device) {
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "nothing_held_back",
            format!(
                "cannot release what is held back of `{}` in `{}`: nothing is; `codexd quarantine` shows what is held back of whom",
                one.device, one.notebook
            ),
        ));
    }
    ask(&desk, &notebook, MembershipRequest::Release { device }).await
}

/// Records of one device that do not count.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldBack {
    /// Notebook id.
    pub notebook: String,
    /// Whose records.
    pub device: String,
    /// What the device calls itself.
    pub name: String,
    /// How many.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Why the last of them does not count.
    pub why: String,
}

/// What does not count because its authors might not write it. An owner may accept it.
#[utoipa::path(get, path = "/api/v1/quarantine", tag = "people", params(WhichNotebook),
    responses((status = 200, body = Page<HeldBack>)))]
pub async fn quarantine(
    State(desk): State<Desk>,
    Params(which): Params<WhichNotebook>,
) -> Result<Json<Page<HeldBack>>, ApiError> {
    let mut items: Vec<HeldBack> = Vec::new();
    for notebook in desk.notebooks(which.notebook.as_deref())? {
        let of = notebook.clone();
        let membership = membership(of).await?;
        for row in read(&notebook, |reader| Ok(reader.quarantined()?)).await?.into_values() {
            let (of, device) = (notebook.id.to_string(), row.tip.device.to_string());
            let why = match row.why {
                Why::Ended(_) => "its author's right had ended",
                _ => "its author might not write it",
            };
            match items.iter_mut().find(|item| item.notebook == of && item.device == device) {
                Some(item) => {
                    (item.records, item.bytes) = (item.records + 1, item.bytes + row.size);
                    why.clone_into(&mut item.why);
                }
                None => items.push(HeldBack {
                    name: membership.name_of(&row.tip.device),
                    notebook: of,
                    device,
                    records: 1,
                    bytes: row.size,
                    why: why.to_owned(),
                }),
            }
        }
    }
    Ok(Json(Page::whole(items)))
}

/// Which notebook.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OneNotebook {
    /// Notebook id, slug or name.
    pub notebook: String,
}

/// A recovery phrase.
#[derive(Debug, Serialize, ToSchema)]
pub struct Phrase {
    /// Twelve words. They are kept nowhere: write them down.
    pub phrase: String,
}

/// Makes a recovery phrase for whoever asks; an earlier one is void then.
#[utoipa::path(post, path = "/api/v1/recovery", tag = "people", request_body = OneNotebook,
    responses((status = 200, body = Phrase), (status = 403)))]
pub async fn recovery(
    State(desk): State<Desk>,
    Input(one): Input<OneNotebook>,
) -> Result<Json<Phrase>, ApiError> {
    let notebook = desk.notebook(&one.notebook)?;
    let made =
        crate::home::recovery::new_phrase().map_err(|error| ApiError::internal(format!("{error:#}")))?;
    let (phrase, key) = made;
    let key = key.verifying_key().to_bytes();
    desk.daemon().change_people(&notebook, MembershipRequest::SetRecovery { key }).await?;
    Ok(Json(Phrase { phrase }))
}

/// Who one is here.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Notebook id, slug or name.
    pub notebook: String,
    /// What to be called.
    pub name: String,
    /// What to be shown in, as `#rrggbb`.
    pub colour: String,
}

/// Says who one is, for all one's devices.
#[utoipa::path(post, path = "/api/v1/profile", tag = "people", request_body = Profile,
    responses((status = 200), (status = 400), (status = 403)))]
pub async fn set_profile(
    State(desk): State<Desk>,
    Input(new): Input<Profile>,
) -> Result<Json<Value>, ApiError> {
    let notebook = desk.notebook(&new.notebook)?;
    let name: String = new.name.chars().filter(|c| !c.is_control()).take(80).collect();
    if name.trim().is_empty() {
        return Err(ApiError::bad_request(format!(
            "cannot say what you are called in `{}`: the name is empty; give one of 1 to 80 letters",
            new.notebook
        )));
    }
    let bad = || ApiError::bad_request(format!("`{}` is no colour: give it as #rrggbb", new.colour));
    let digits = new.colour.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or_else(bad)?;
    let number = u32::from_str_radix(digits, 16).map_err(|_| bad())?;
    let [_, red, green, blue] = number.to_be_bytes();
    ask(&desk, &notebook, MembershipRequest::SetProfile { name, colour: [red, green, blue] }).await
}
