//! Invitations that were given out, and requests of those who showed one that somebody has to say yes to.

use codex_crdt_model::ids::{DeviceId, NotebookId, UnixMs};
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

/// Somebody who showed an attended invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRow {
    /// Its number in this home.
    pub id: i64,
    /// To which notebook.
    pub notebook: NotebookId,
    /// Who.
    pub device: DeviceId,
    /// What it calls itself.
    pub name: String,
    /// As what.
    pub role: Role,
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

    /// Uses an invitation up. The same device may show it again (its first try may have been cut off).
    pub fn take_invite(
        &self,
        secret: &[u8; 16],
        notebook: &NotebookId,
        device: &DeviceId,
        now: UnixMs,
    ) -> Result<Result<Invite, InviteRefused>, SystemError> {
        let db = self.db();
        let sql = "SELECT role, attended, own_device, expires, used_by FROM invite
                   WHERE secret_hash = ?1 AND notebook = ?2";
        let found: Option<(Invite, i64, Option<String>)> = db
            .query_row(sql, params![hash(secret), notebook.to_string()], |row| {
                let role = role_of(&row.get::<_, String>(0)?);
                let invite = Invite { role, is_attended: row.get(1)?, is_own_device: row.get(2)? };
                Ok((invite, row.get(3)?, row.get(4)?))
            })
            .optional()
            .map_err(doing("read an invitation"))?;
        let Some((invite, expires, used_by)) = found else { return Ok(Err(InviteRefused::Unknown)) };
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
        Ok(Ok(invite))
    }

    /// Notes that somebody asks to be let in; gives the request as it stands, also if it was made before.
    pub fn ask_in(
        &self,
        notebook: &NotebookId,
        device: &DeviceId,
        name: &str,
        role: Role,
        now: UnixMs,
    ) -> Result<RequestRow, SystemError> {
        let sql = "INSERT INTO request (notebook, device, name, role, asked) VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT (notebook, device) DO UPDATE SET name = excluded.name, role = excluded.role";
        let values = params![notebook.to_string(), device.to_string(), name, role.name(), now];
        self.db().execute(sql, values).map_err(doing("note a request"))?;
        let all = self.requests()?;
        let own = |row: &RequestRow| row.notebook == *notebook && row.device == *device;
        all.into_iter()
            .find(own)
            .ok_or_else(|| SystemError::BadRow("a request just noted is not there".into()))
    }

    /// All requests, the newest last.
    pub fn requests(&self) -> Result<Vec<RequestRow>, SystemError> {
        let db = self.db();
        let sql = "SELECT id, notebook, device, name, role, asked, approved FROM request ORDER BY id";
        let mut query = db.prepare(sql).map_err(doing("list requests"))?;
        let rows = query
            .query_map([], |row| {
                Ok((
                    row.get(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, String>(2)?,
                    row.get(3)?,
                    row.get::<_, String>(4)?,
                    row.get(5)?,
                    row.get(6)?,
                ))
            })
            .map_err(doing("list requests"))?;
        let mut requests = Vec::new();
        for row in rows {
            let (id, notebook, device, name, role, asked, approved) = row.map_err(doing("read a request"))?;
            let bad = |bad: codex_crdt_model::ids::BadId| SystemError::BadRow(bad.to_string());
            let notebook = notebook.parse().map_err(bad)?;
            let device = device.parse().map_err(bad)?;
            requests.push(RequestRow { id, notebook, device, name, role: role_of(&role), asked, approved });
        }
        Ok(requests)
    }

    /// Notes an answer.
    pub fn answer_request(&self, id: i64, approved: bool) -> Result<(), SystemError> {
        let sql = "UPDATE request SET approved = ?2 WHERE id = ?1";
        self.db().execute(sql, params![id, approved]).map_err(doing("answer a request"))?;
        Ok(())
    }

    /// Forgets a request that has come to its end.
    pub fn end_request(&self, id: i64) -> Result<(), SystemError> {
        self.db().execute("DELETE FROM request WHERE id = ?1", [id]).map_err(doing("end a request"))?;
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
        assert_eq!(take(&nb, &ann, 50), Ok(invite));
        assert_eq!(take(&nb, &ann, 200), Ok(invite), "the first try may have been cut off");
        assert_eq!(take(&nb, &bob, 50), Err(InviteRefused::Used));
    }

    #[test]
    fn a_request_is_one_however_often_it_is_made() {
        let (_temp, system) = fresh();
        let (nb, ann) = (NotebookId([1; 32]), DeviceId([1; 32]));
        let first = system.ask_in(&nb, &ann, "Ann", Role::Editor, 5).unwrap();
        assert_eq!((first.approved, first.asked), (None, 5));
        let again = system.ask_in(&nb, &ann, "Anna", Role::Editor, 9).unwrap();
        assert_eq!((again.id, again.asked, again.name.as_str()), (first.id, 5, "Anna"));
        system.answer_request(first.id, true).unwrap();
        assert_eq!(system.ask_in(&nb, &ann, "Anna", Role::Editor, 10).unwrap().approved, Some(true));
        system.end_request(first.id).unwrap();
        assert_eq!(system.requests().unwrap(), []);
    }
}
