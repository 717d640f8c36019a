//! Inviting, joining, and answering those who wait to be let in.

use std::path::Path as FsPath;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use codex_crdt_model::ids::DeviceId;
use codex_crdt_model::journal::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::desk::Desk;
use super::dto::{Page, time};
use super::error::{ApiError, of_daemon};
use super::input::Input;
use super::people::membership;
use super::reading::blocking;
use super::status::{NotebookStatus, of_notebook};
use crate::clock::now_ms;
use crate::daemon::{Names, fingerprint};
use crate::net::Ticket;
use crate::system::InviteRow;

/// An invitation is good for so long unless told otherwise.
const INVITE_SECONDS: u64 = 24 * 3600;
/// And never longer: a forgotten ticket must not open the door years later.
const INVITE_SECONDS_MOST: u64 = 365 * 24 * 3600;

/// Whom to invite, and where to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvite {
    /// Notebook id, slug or name.
    pub notebook: String,
    /// `owner`, `editor` (the default), `commenter` or `viewer`.
    pub role: Option<String>,
    /// The holder joins without anybody saying yes. Default: somebody has to, see `/requests`.
    #[serde(default)]
    pub unattended: bool,
    /// It is for another device of one's own.
    #[serde(default)]
    pub own_device: bool,
    /// Good for so long, as in `30s`, `30m`, `24h` or `7d`.
    pub expires: Option<String>,
    /// Good for so many hours.
    pub hours: Option<u32>,
}

/// An invitation.
#[derive(Debug, Serialize, ToSchema)]
pub struct Invite {
    /// Give this text to the person you invite.
    pub ticket: String,
    /// The notebook's name.
    pub notebook: String,
    /// When it is void.
    pub expires: String,
}

/// Makes an invitation.
#[utoipa::path(post, path = "/api/v1/invites", tag = "people", request_body = NewInvite,
    responses((status = 201, body = Invite), (status = 404)))]
pub async fn invite(
    State(desk): State<Desk>,
    Input(new): Input<NewInvite>,
) -> Result<(StatusCode, Json<Invite>), ApiError> {
    let notebook = desk.notebook(&new.notebook)?;
    let role = new.role.as_deref().unwrap_or("editor");
    let role: Role = role.parse().map_err(|bad| ApiError::bad_request(format!("cannot invite: {bad}")))?;
    let invite = crate::system::Invite { role, is_attended: !new.unattended, is_own_device: new.own_device };
    let seconds = match (new.hours, new.expires) {
        (Some(hours), _) => u64::from(hours) * 3600,
        (None, Some(text)) => seconds_of(&text).map_err(ApiError::bad_request)?,
        (None, None) => INVITE_SECONDS,
    };
    if !(1..=INVITE_SECONDS_MOST).contains(&seconds) {
        return Err(ApiError::bad_request("an invitation is good for a second at least and a year at most"));
    }
    let expires = now_ms() + i64::try_from(seconds * 1000).unwrap_or(i64::MAX);
    let ticket = desk.daemon().invite(&notebook.id, invite, expires).await;
    let ticket =
        ticket.map_err(|error| of_daemon(error, StatusCode::UNPROCESSABLE_ENTITY, "cannot_invite"))?;
    let one = desk.daemon().list().into_iter().find(|one| one.id == notebook.id.to_string());
    let name = one.map(|one| one.name).unwrap_or_default();
    Ok((StatusCode::CREATED, Json(Invite { ticket, notebook: name, expires: time(expires) })))
}

/// An invitation that was given out on this device.
#[derive(Debug, Serialize, ToSchema)]
pub struct GivenOut {
    /// What names it here; it opens nothing.
    pub id: String,
    /// To which notebook.
    pub notebook: String,
    /// As what.
    #[schema(value_type = String)]
    pub role: Role,
    /// Somebody has to say yes.
    pub attended: bool,
    /// It is for another device of the inviter's.
    pub own_device: bool,
    /// When it was made.
    pub created: String,
    /// When it is void.
    pub expires: String,
    /// `open`, `waiting` (somebody asks to be let in with it), `used`, `refused` (somebody asked, and was not let in) or
    /// `expired`.
    pub state: &'static str,
    /// The device that used it: for one that somebody has to say yes to, the one that asks or asked with it.
    pub used_by: Option<String>,
}

impl From<InviteRow> for GivenOut {
    fn from(row: InviteRow) -> Self {
        let state = match (&row.used_by, row.asked) {
            (_, Some(Some(false))) => "refused",
            (_, Some(None)) => "waiting",
            (Some(_), _) => "used",
            (None, _) if row.expires < now_ms() => "expired",
            (None, _) => "open",
        };
        Self {
            id: row.id,
            notebook: row.notebook,
            role: row.invite.role,
            attended: row.invite.is_attended,
            own_device: row.invite.is_own_device,
            created: time(row.created),
            expires: time(row.expires),
            state,
            used_by: row.used_by,
        }
    }
}

/// Invitations that were given out on this device, the newest first. Their tickets are not kept.
#[utoipa::path(get, path = "/api/v1/invites", tag = "people", responses((status = 200, body = Page<GivenOut>)))]
pub async fn invites(State(desk): State<Desk>) -> Result<Json<Page<GivenOut>>, ApiError> {
    let rows = desk.daemon().invites().map_err(|error| ApiError::internal(format!("{error:#}")))?;
    Ok(Json(Page::whole(rows.into_iter().map(GivenOut::from).collect())))
}

/// Withdraws an invitation: its ticket opens nothing any more, and whoever waits with it is sent away. Whoever came in
/// with it stays.
#[utoipa::path(delete, path = "/api/v1/invites/{id}", tag = "people", params(("id" = String, Path)),
    responses((status = 204), (status = 404), (status = 409, description = "`used`: somebody came in with it")))]
pub async fn withdraw(State(desk): State<Desk>, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let internal = |error: anyhow::Error| ApiError::internal(format!("{error:#}"));
    let rows = desk.daemon().invites().map_err(internal)?;
    let unknown = || ApiError::not_found(format!("there is no invitation `{id}` here; see `codexd invites`"));
    let row = rows.into_iter().find(|row| row.id == id).ok_or_else(unknown)?;
    if let Some(device) = came_in(&desk, &row).await? {
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "used",
            format!(
                "cannot withdraw invitation {id}: device {device} came in with it; `codexd revoke` ends its right"
            ),
        ));
    }
    if !desk.daemon().withdraw_invite(&id).map_err(internal)? {
        return Err(unknown());
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The device that came in with an invitation and still belongs to its notebook.
async fn came_in(desk: &Desk, row: &InviteRow) -> Result<Option<DeviceId>, ApiError> {
    let Some(device) = row.used_by.as_ref().and_then(|device| device.parse().ok()) else { return Ok(None) };
    let role = membership(desk.notebook(&row.notebook)?).await?.role(&device);
    Ok(role.map(|_| device))
}

/// Seconds of a text like `30s`, `90m`, `24h` or `7d`.
pub fn seconds_of(text: &str) -> Result<u64, String> {
    let bad = || format!("`{text}` is no time: give it as 30s, 30m, 24h or 7d");
    let split = text.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(bad)?;
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().map_err(|_| bad())?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(bad()),
    };
    number.checked_mul(seconds).ok_or_else(bad)
}

/// A ticket to use.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The ticket.
    pub ticket: String,
    /// The folder to join into, absolute; default: a new one in the home.
    pub path: Option<String>,
    /// The recovery phrase of a person who has lost all devices: this is another one of theirs.
    pub phrase: Option<String>,
    /// What to call oneself when asking to be let in; default: the device's name.
    pub name: Option<String>,
    /// Only tell what would happen.
    #[serde(default)]
    pub preview: bool,
}

/// What a join did, or would do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Joined {
    /// What it would do.
    Preview(Preview),
    /// The notebook as it now is here.
    Notebook(Box<NotebookStatus>),
}

/// What a join would do.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preview {
    /// Notebook id.
    pub notebook: String,
    /// Its name at the inviter's.
    pub name: String,
    /// The inviter's device id.
    pub inviter: String,
    /// Where the inviter can be reached.
    pub addresses: Vec<String>,
    /// When the ticket is void.
    pub expires: String,
    /// What its holder may do then.
    #[schema(value_type = String)]
    pub role: Role,
    /// It makes another device of the inviter's; the role is the inviter's.
    pub own_device: bool,
    /// Whether the notebook is on this device already.
    pub already_here: bool,
    /// Files that lie in the folder now. They stay: joining is a union, and deletes nothing.
    pub files_here: u64,
}

/// Joins by ticket.
#[utoipa::path(post, path = "/api/v1/join", tag = "people", request_body = Join,
    responses((status = 200, body = Joined), (status = 400, description = "`bad_ticket`"), (status = 422, description = "`cannot_join`")))]
pub async fn join(State(desk): State<Desk>, Input(join): Input<Join>) -> Result<Json<Joined>, ApiError> {
    let ticket: Ticket = parse_ticket(&join.ticket)?;
    let path = join.path.as_deref().filter(|path| !path.is_empty());
    if let Some(path) = path.filter(|path| !FsPath::new(path).is_absolute() || path.contains('\0')) {
        let message = format!("cannot join into `{}`: give the folder's absolute path", path.escape_debug());
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "bad_path", message));
    }
    if join.preview {
        return Ok(Json(Joined::Preview(preview(&desk, ticket, path).await?)));
    }
    let name = join.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let phrase = join.phrase.as_deref();
    let joined = desk.daemon().join(join.ticket.trim(), path.map(FsPath::new), phrase, name).await;
    let joined = joined.map_err(|error| of_daemon(error, StatusCode::UNPROCESSABLE_ENTITY, "cannot_join"))?;
    Ok(Json(Joined::Notebook(Box::new(of_notebook(&desk, joined)))))
}

fn parse_ticket(text: &str) -> Result<Ticket, ApiError> {
    let bad = |message: String| ApiError::new(StatusCode::BAD_REQUEST, "bad_ticket", message);
    let ticket: Ticket = text
        .trim()
        .parse()
        .map_err(|error: crate::net::TicketError| bad(format!("cannot use this ticket: {error}")))?;
    if ticket.expires < now_ms() / 1000 {
        let when = time(ticket.expires.saturating_mul(1000));
        return Err(bad(format!("cannot use this ticket: it expired at {when}; ask for a new one")));
    }
    Ok(ticket)
}

async fn preview(desk: &Desk, ticket: Ticket, path: Option<&str>) -> Result<Preview, ApiError> {
    let notebook = ticket.notebook.to_string();
    let already_here = desk.daemon().list().iter().any(|one| one.id == notebook);
    // Without a folder it is still to be chosen.
    if let Some(path) = path.filter(|_| !already_here) {
        let place = desk.daemon().place_to_join(&ticket, Some(FsPath::new(path)));
        place.map_err(|error| of_daemon(error, StatusCode::UNPROCESSABLE_ENTITY, "cannot_join"))?;
    }
    let folder = path.map(std::path::PathBuf::from);
    let files_here = blocking(move || Ok(folder.map_or(0, |folder| count_files(&folder)))).await?;
    Ok(Preview {
        already_here,
        notebook,
        name: ticket.name,
        inviter: ticket.inviter.to_string(),
        addresses: ticket.addresses,
        expires: time(ticket.expires.saturating_mul(1000)),
        role: ticket.role,
        own_device: ticket.person.is_some(),
        files_here,
    })
}

fn count_files(folder: &FsPath) -> u64 {
    let walk = ignore::WalkBuilder::new(folder).standard_filters(false).follow_links(false).build();
    let own = |entry: &ignore::DirEntry| entry.path().components().any(|part| part.as_os_str() == ".codex");
    walk.flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()) && !own(entry)).count()
        as u64
}

/// Somebody who waits to be let in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Waiting {
    /// Its number.
    pub id: i64,
    /// To which notebook.
    pub notebook: String,
    /// Its device.
    pub device: String,
    /// The first of it in short groups, for two people to compare.
    pub fingerprint: String,
    /// What it calls itself.
    pub name: String,
    /// As what: for another device of somebody, that person's role.
    #[schema(value_type = String)]
    pub role: Role,
    /// Whose further device it wants to be: the person's id; nothing for a person of its own.
    pub person: Option<String>,
    /// What that person calls itself, with the fingerprint if somebody else has that name too.
    pub person_name: Option<String>,
    /// Since when.
    pub asked: String,
}

async fn waiting(desk: &Desk, row: crate::system::RequestRow) -> Result<Waiting, ApiError> {
    let asking = row.asking;
    let person_name = match (&asking.person, desk.daemon().running(&asking.notebook)) {
        (Some(person), Some(running)) => Names::of(&membership(running).await?).who(person),
        _ => None,
    };
    Ok(Waiting {
        id: row.id,
        notebook: asking.notebook.to_string(),
        device: asking.device.to_string(),
        fingerprint: fingerprint(&asking.device),
        name: asking.name,
        role: asking.role,
        person: asking.person.map(|person| person.to_string()),
        person_name,
        asked: time(row.asked),
    })
}

/// Who waits to be let in.
#[utoipa::path(get, path = "/api/v1/requests", tag = "people", responses((status = 200, body = Page<Waiting>)))]
pub async fn requests(State(desk): State<Desk>) -> Result<Json<Page<Waiting>>, ApiError> {
    let rows = desk.daemon().requests().map_err(|error| ApiError::internal(format!("{error:#}")))?;
    let mut items = Vec::new();
    for row in rows {
        items.push(waiting(&desk, row).await?);
    }
    Ok(Json(Page::whole(items)))
}

async fn answer(desk: &Desk, id: i64, approved: bool) -> Result<Json<Waiting>, ApiError> {
    let row = desk.daemon().answer_request(id, approved);
    let row = row.map_err(|error| ApiError::not_found(error.to_string()))?;
    Ok(Json(waiting(desk, row).await?))
}

/// Lets somebody in who waits.
#[utoipa::path(post, path = "/api/v1/requests/{id}/approve", tag = "people", params(("id" = i64, Path)),
    responses((status = 200, body = Waiting), (status = 404)))]
pub async fn approve(State(desk): State<Desk>, Path(id): Path<i64>) -> Result<Json<Waiting>, ApiError> {
    answer(&desk, id, true).await
}

/// Sends somebody away who waits.
#[utoipa::path(post, path = "/api/v1/requests/{id}/reject", tag = "people", params(("id" = i64, Path)),
    responses((status = 200, body = Waiting), (status = 404)))]
pub async fn reject(State(desk): State<Desk>, Path(id): Path<i64>) -> Result<Json<Waiting>, ApiError> {
    answer(&desk, id, false).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn times_are_read_and_nonsense_is_named() {
        for (text, expect) in [
            ("1s", Some(1)),
            ("24h", Some(86_400)),
            ("90m", Some(5400)),
            ("7d", Some(604_800)),
            ("h", None),
            ("5", None),
            ("5w", None),
            ("-1h", None),
            ("99999999999999999999h", None),
        ] {
            assert_eq!(seconds_of(text).ok(), expect, "{text}");
        }
    }

    #[test]
    fn what_is_no_ticket_is_said_to_be_none() {
        for text in ["", "hello", "codex", "codexzzzz", "codex1234567890", "\u{0}", "http://example.org"] {
            let error = parse_ticket(text).unwrap_err();
            assert_eq!((error.status.as_u16(), error.code), (400, "bad_ticket"), "{text}");
        }
    }

    #[test]
    fn files_are_counted_but_not_our_own() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(temp.path().join(".codex")).unwrap();
        std::fs::create_dir_all(temp.path().join("a")).unwrap();
        for name in [".codex/store.db", "a/x.md", ".hidden"] {
            std::fs::write(temp.path().join(name), "x").unwrap();
        }
        assert_eq!(count_files(temp.path()), 2);
    }
}
