//! Invitations that were given out, and requests of those who showed one that somebody has to say yes to.

use codex_crdt_model::ids::{DeviceId, NotebookId, PersonId, UnixMs};
use codex_crdt_model::journal::Role;
use rusqlite::{OptionalExtension, params};

use super::{System, SystemError, doing, hash};

/// What an invitation lets its holder do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invite {
    /// As what.
    pub role: Role,
    /// Somebody has to say yes.
    pub is_attended: bool,
    /// It is for another device of the inviter's.
    pub is_own_device: bool,
}

/// An invitation that was given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteRow {
    /// What names it: the first digits of its secret's hash.
    pub id: String,
    /// To which notebook.
    pub notebook: String,
    /// What it lets its holder do.
    pub invite: Invite,
    /// When it was made.
    pub created: UnixMs,
    /// When it is void.
    pub expires: UnixMs,
    /// The device that used it.
    pub used_by: Option<String>,
    /// That device asked to be let in with it; and what was answered.
    pub asked: Option<Option<bool>>,
}

/// Why an invitation's secret opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InviteRefused {
    /// Nobody gave it out, or for another notebook.
    #[error("this invitation is not known here; ask for a new one")]
    Unknown,
    /// Too late.
    #[error("this invitation has expired; ask for a new one")]
    Expired,
    /// Another device used it.
    #[error("this invitation has been used by another device; ask for a new one")]
    Used,
}

/// An invitation that was shown by somebody who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// What it lets its holder do.
    pub invite: Invite,
    /// It has let this device in before, and does not do so again.
    pub has_admitted: bool,
}

/// What somebody asks for who showed an attended invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// To which notebook.
    pub notebook: NotebookId,
    /// Who.
    pub device: DeviceId,
    /// What it calls itself.
    pub name: String,
    /// As what.
    pub role: Role,
    /// Whose further device it is; `None` for a person of its own.
    pub person: Option<PersonId>,
}

/// Somebody who showed an attended invitation, and what was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRow {
    /// Its number in this home.
    pub id: i64,
    /// What for.
    pub asking: Asking,
    /// When it asked first.
    pub asked: UnixMs,
    /// What was answered.
    pub approved: Option<bool>,
}

/// What is not known may do least.
fn role_of(name: &str) -> Role {
    name.parse().unwrap_or(Role::Viewer)
}

impl System {
    /// Notes an invitation. Only the hash of the secret is kept.
    pub fn add_invite(
        &self,
        secret: &[u8; 16],
        notebook: &NotebookId,
        invite: Invite,
        now: UnixMs,
        expires: UnixMs,
    ) -> Result<(), SystemError> {
        let sql = "INSERT INTO invite (secret_hash, notebook, role, created, expires, attended, own_device)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let Invite { role, is_attended, is_own_device } = invite;
        let values = params![
            hash(secret),
            notebook.to_string(),
            role.name(),
            now,
            expires,
            is_attended,
            is_own_device
        ];
        self.db().execute(sql, values).map_err(doing("note an invitation"))?;
        Ok(())
    }

    /// Invitations that were given out, the newest first.
    pub fn invites(&self) -> Result<Vec<InviteRow>, SystemError> {
        let sql = "SELECT substr(lower(hex(i.secret_hash)), 1, 12), i.notebook, i.role, i.attended, i.own_device, i.created,
                          i.expires, i.used_by, r.id IS NOT NULL, r.approved
                   FROM invite AS i LEFT JOIN request AS r ON r.secret_hash = i.secret_hash
                   ORDER BY i.created DESC, i.secret_hash";
        let db = self.db();
        let read = |row: &rusqlite::Row<'_>| {
            let role = role_of(&row.get::<_, String>(2)?);
            Ok(InviteRow {
                id: row.get(0)?,
                notebook: row.get(1)?,
                invite: Invite { role, is_attended: row.get(3)?, is_own_device: row.get(4)? },
                created: row.get(5)?,
                expires: row.get(6)?,
                used_by: row.get(7)?,
                asked: if row.get(8)? { Some(row.get(9)?) } else { None },
            })
        };
        let rows = db.prepare(sql).and_then(|mut all| all.query_map([], read)?.collect());
        rows.map_err(doing("read the invitations"))
    }

    /// Forgets an invitation that nobody has used, and who waits with it. `false` if there is none by that name.
    pub fn withdraw_invite(&self, id: &str) -> Result<bool, SystemError> {
        let mut db = self.db();
        let withdrawn = db.transaction().and_then(|change| {
            let named = "substr(lower(hex(secret_hash)), 1, 12) = ?1";
            let waiting = format!("DELETE FROM request WHERE {named} AND approved IS NULL");
            change.execute(&waiting, [id])?;
            let count = change.execute(&format!("DELETE FROM invite WHERE {named}"), [id])?;
            change.commit()?;
            Ok(count > 0)
        });
        withdrawn.map_err(doing("withdraw an invitation"))
    }

    /// Uses an invitation up. The same device may show it again (its first try may have been cut off).
    pub fn take_invite(
        &self,
        secret: &[u8; 16],
        notebook: &NotebookId,
        device: &DeviceId,
        now: UnixMs,
    ) -> Result<Result<Shown, InviteRefused>, SystemError> {
        let db = self.db();
        let sql = "SELECT role, attended, own_device, expires, used_by, admitted IS NOT NULL FROM invite
                   WHERE secret_hash = ?1 AND notebook = ?2";
        let found: Option<(Shown, i64, Option<String>)> = db
            .query_row(sql, params![hash(secret), notebook.to_string()], |row| {
                let role = role_of(&row.get::<_, String>(0)?);
                let invite = Invite { role, is_attended: row.get(1)?, is_own_device: row.get(2)? };
                Ok((Shown { invite, has_admitted: row.get(5)? }, row.get(3)?, row.get(4)?))
            })
            .optional()
            .map_err(doing("read an invitation"))?;
        let Some((shown, expires, used_by)) = found else { return Ok(Err(InviteRefused::Unknown)) };
        let device = device.to_string();
        match used_by {
            Some(other) if other != device => return Ok(Err(InviteRefused::Used)),
            None if expires < now => return Ok(Err(InviteRefused::Expired)),
            _ => {}
        }
        db.execute(
            "UPDATE invite SET used_by = ?2, used_at = coalesce(used_at, ?3) WHERE secret_hash = ?1",
            params![hash(secret), device, now],
        )
        .map_err(doing("use an invitation"))?;
        Ok(Ok(shown))
    }

    /// Notes whether an invitation has let its device in.
    pub fn set_admitted(&self, secret: &[u8; 16], admitted: Option<UnixMs>) -> Result<(), SystemError> {
        self.db()
            .execute(
                "UPDATE invite SET admitted = ?2 WHERE secret_hash = ?1",
                params![hash(secret), admitted],
            )
            .map_err(doing("note that an invitation let somebody in"))?;
        Ok(())
    }

    /// Notes that somebody asks to be let in with an invitation; gives the request as it stands, also if it was made
    /// before.
    pub fn ask_in(&self, secret: &[u8; 16], asking: &Asking, now: UnixMs) -> Result<RequestRow, SystemError> {
        let Asking { notebook, device, name, role, person } = asking;
        let sql = "INSERT INTO request (secret_hash, notebook, device, name, role, person, asked)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                   ON CONFLICT (secret_hash) DO UPDATE SET name = excluded.name
                   RETURNING id, asked, approved";
        let person = person.map(|person| person.to_string());
        let values =
            params![hash(secret), notebook.to_string(), device.to_string(), name, role.name(), person, now];
        let row = self.db().query_row(sql, values, |row| {
            Ok(RequestRow {
                id: row.get(0)?,
                asking: asking.clone(),
                asked: row.get(1)?,
                approved: row.get(2)?,
            })
        });
        row.map_err(doing("note a request"))
    }

    /// All requests, the newest last.
    pub fn requests(&self) -> Result<Vec<RequestRow>, SystemError> {
        let db = self.db();
        let sql = "SELECT id, notebook, device, name, role, person, asked, approved FROM request ORDER BY id";
        let mut query = db.prepare(sql).map_err(doing("list requests"))?;
        let rows = query
            .query_map([], |row| {
                let ids: (String, String, Option<String>) = (row.get(1)?, row.get(2)?, row.get(5)?);
                let role: String = row.get(4)?;
                Ok((row.get(0)?, ids, row.get(3)?, role, row.get(6)?, row.get(7)?))
            })
            .map_err(doing("list requests"))?;
        let mut requests = Vec::new();
        for row in rows {
            let (id, (notebook, device, person), name, role, asked, approved) =
                row.map_err(doing("read a request"))?;
            let bad = |bad: codex_crdt_model::ids::BadId| SystemError::BadRow(bad.to_string());
            let asking = Asking {
                notebook: notebook.parse().map_err(bad)?,
                device: device.parse().map_err(bad)?,
                name,
                role: role_of(&role),
                person: person.map(|person| person.parse()).transpose().map_err(bad)?,
            };
            requests.push(RequestRow { id, asking, asked, approved });
        }
        Ok(requests)
    }

    /// Notes an answer.
    pub fn answer_request(&self, id: i64, approved: bool) -> Result<(), SystemError> {
        let sql = "UPDATE request SET approved = ?2 WHERE id = ?1";
        self.db().execute(sql, params![id, approved]).map_err(doing("answer a request"))?;
        Ok(())
    }

    /// A device was let in: what it asked for with other invitations is void.
    pub fn end_requests(&self, notebook: &NotebookId, device: &DeviceId) -> Result<(), SystemError> {
        let sql = "DELETE FROM request WHERE notebook = ?1 AND device = ?2 AND approved IS NULL";
        self.db()
            .execute(sql, params![notebook.to_string(), device.to_string()])
            .map_err(doing("end a request"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::system::tests::fresh;

    #[test]
    fn an_invitation_opens_once_in_time_and_for_its_notebook() {
        let (_temp, system) = fresh();
        let (nb, other) = (NotebookId([1; 32]), NotebookId([2; 32]));
        let (ann, bob) = (DeviceId([1; 32]), DeviceId([2; 32]));
        let invite = Invite { role: Role::Viewer, is_attended: true, is_own_device: false };
        system.add_invite(&[7; 16], &nb, invite, 0, 100).unwrap();
        let take = |notebook, device, now| system.take_invite(&[7; 16], notebook, device, now).unwrap();
        assert_eq!(take(&other, &ann, 50), Err(InviteRefused::Unknown));
        assert_eq!(take(&nb, &ann, 101), Err(InviteRefused::Expired));
        let shown = |has_admitted| Ok(Shown { invite, has_admitted });
        assert_eq!(take(&nb, &ann, 50), shown(false));
        assert_eq!(take(&nb, &ann, 200), shown(false), "the first try may have been cut off");
        system.set_admitted(&[7; 16], Some(201)).unwrap();
        assert_eq!(take(&nb, &ann, 202), shown(true));
        system.set_admitted(&[7; 16], None).unwrap();
        assert_eq!(take(&nb, &ann, 203), shown(false));
        assert_eq!(take(&nb, &bob, 50), Err(InviteRefused::Used));
    }

    #[test]
    fn an_answer_holds_for_the_invitation_that_was_shown_and_for_no_other() {
        let (_temp, system) = fresh();
        let (notebook, device) = (NotebookId([1; 32]), DeviceId([1; 32]));
        let person = Some(PersonId([3; 32]));
        let asking = |name: &str| Asking { notebook, device, name: name.into(), role: Role::Editor, person };
        let first = system.ask_in(&[7; 16], &asking("Ann"), 5).unwrap();
        assert_eq!((first.approved, first.asked), (None, 5));
        let again = system.ask_in(&[7; 16], &asking("Anna"), 9).unwrap();
        assert_eq!((again.id, again.asked, again.asking.name.as_str()), (first.id, 5, "Anna"));
        assert_eq!(system.requests().unwrap(), [again]);
        system.answer_request(first.id, true).unwrap();
        for now in [10, 11] {
            assert_eq!(system.ask_in(&[7; 16], &asking("Anna"), now).unwrap().approved, Some(true));
        }
        assert_eq!(system.ask_in(&[8; 16], &asking("Anna"), 12).unwrap().approved, None);
        system.end_requests(&notebook, &device).unwrap();
        assert_eq!(system.requests().unwrap().len(), 1, "what was answered stays so");
    }
}
