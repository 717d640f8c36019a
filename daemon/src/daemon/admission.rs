//! Who comes in: invitations given out, knocks with them, and the answers to those who have to wait for one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use codex_crdt_model::core::Origin;
use codex_crdt_model::effect::Notice;
use codex_crdt_model::event::{MembershipRequest, Request};
use codex_crdt_model::ids::{NotebookId, PersonId};
use codex_crdt_model::journal::Role;
use codex_crdt_model::journal::membership::{self, consent};
use codex_crdt_model::membership::Membership;
use codex_crdt_model::store::Source;
use ed25519_dalek::SigningKey;

use super::names::fingerprint;
use super::{Daemon, NotebookRow, Registered, driver, is_lost, make_folder};
use crate::clock::now_ms;
use crate::driver::{AskError, News, Notebook, NotebookNotice};
use crate::home::recovery;
use crate::net::{Admission, Knock, Ticket};
use crate::system::{Asking, Invite, InviteRow, RequestRow};

/// Whoever waits for an answer knocks again after this long: below what one device may knock.
const KNOCK_AGAIN: Duration = Duration::from_secs(4);
/// A knock is kept waiting for an answer so long; then it is told to knock again.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where a notebook is joined into.
#[derive(Debug)]
pub enum PlaceToJoin {
    /// It is here, and meets nobody.
    Here(Registered),
    /// A folder, which may have to be made.
    Folder(PathBuf),
}

impl Daemon {
    /// A ticket to a notebook, void from `expires` on.
    pub async fn invite(
        &self,
        notebook: &NotebookId,
        invite: Invite,
        expires: i64,
    ) -> anyhow::Result<String> {
        let Some(registered) = self.registered(notebook) else { bail!("there is no notebook {notebook}") };
        let Some(running) = self.running(notebook) else { bail!("`{}` is not running", registered.name) };
        let membership = membership_of(&running)?;
        let role = membership.role(&self.device());
        let may = if invite.is_own_device { role.is_some() } else { role == Some(Role::Owner) };
        if !may {
            let own = role.map_or("you are not a member".to_owned(), |role| format!("you are {role} here"));
            bail!(
                "to invite somebody to `{}` takes the role owner, and {own}; ask an owner",
                registered.name
            );
        }
        let person = membership.person_of(&self.device()).filter(|_| invite.is_own_device);
        // A device of one's own may what one may oneself.
        let invite = Invite { role: role.filter(|_| invite.is_own_device).unwrap_or(invite.role), ..invite };
        // A ticket that leaves the relay out is of no use to whoever is elsewhere.
        self.shells.net.reachable().await;
        let mut secret = [0; 16];
        getrandom::fill(&mut secret).context("cannot draw a secret")?;
        self.home.system().add_invite(&secret, notebook, invite, now_ms(), expires)?;
        let ticket = Ticket {
            notebook: *notebook,
            name: registered.name,
            inviter: self.device(),
            addresses: self.shells.net.addresses(),
            secret,
            expires: expires.div_euclid(1000),
            role: invite.role,
            person,
        };
        Ok(ticket.to_string())
    }

    /// Joins by ticket into a folder (default: a folder of the notebook's name in the home's `notebooks/`). Waits for as
    /// long as somebody has to say yes.
    ///
    /// With a recovery phrase, as another device of the person whose phrase it is. `name` is what to ask under, instead of the
    /// device's.
    pub async fn join(
        self: &Arc<Self>,
        ticket: &str,
        path: Option<&Path>,
        phrase: Option<&str>,
        name: Option<&str>,
    ) -> anyhow::Result<Registered> {
        let recovery = phrase.map(recovery::key_of).transpose()?;
        let ticket: Ticket = ticket.trim().parse()?;
        if ticket.is_expired(now_ms()) {
            bail!("the ticket to `{}` has expired; ask for a new one", ticket.name);
        }
        let root = match self.place_to_join(&ticket, path)? {
            PlaceToJoin::Here(here) => {
                // It was removed, or never belonged: admitted again, it goes on with what is here.
                self.knock_until_answered(&ticket, recovery.as_ref(), name).await?;
                self.note_inviter(&ticket)?;
                return Ok(here);
            }
            PlaceToJoin::Folder(root) => root,
        };
        let is_lost = |row: &NotebookRow| row.id == ticket.notebook && is_lost(row);
        let name = self.knock_until_answered(&ticket, recovery.as_ref(), name).await?;
        self.forget_lost(is_lost).await?;
        // Nothing is made here before the inviter has said yes.
        make_folder(&root)?;
        self.note_inviter(&ticket)?;
        if !root.join(".codex/store.db").exists() {
            let origin = Origin::Join { notebook: ticket.notebook, name: name.clone() };
            driver::create(&root, &self.shells.key, origin, Some(ticket.inviter))?;
        }
        self.register(ticket.notebook, name, root, None)
    }

    /// Where a notebook would be joined into. What could not be is refused; nobody is asked, and nothing made: a ticket is
    /// not used up for nothing.
    pub fn place_to_join(&self, ticket: &Ticket, path: Option<&Path>) -> anyhow::Result<PlaceToJoin> {
        let is_lost = |row: &NotebookRow| row.id == ticket.notebook && is_lost(row);
        let lost = self.lock_read().values().any(|state| is_lost(&state.row));
        let default = self.home.notebooks_dir().join(crate::system::slug(&ticket.name));
        if let Some(here) = self.registered(&ticket.notebook).filter(|_| !lost) {
            if path.is_some_and(|path| path != Path::new(&here.path)) || self.meets_others(&ticket.notebook) {
                bail!("`{}` is here already, at `{}`", ticket.name, here.path);
            }
            return Ok(PlaceToJoin::Here(here));
        }
        let root = self.usable_root(path.unwrap_or(&default))?;
        let marker = std::fs::read_to_string(root.join(".codex/notebook")).ok();
        if let Some(marker) = &marker
            && marker.trim() != ticket.notebook.to_string()
        {
            bail!("`{}` holds another notebook already; choose another folder", root.display());
        }
        Ok(PlaceToJoin::Folder(root))
    }

    fn note_inviter(&self, ticket: &Ticket) -> anyhow::Result<()> {
        self.home.system().set_peer_addresses(&ticket.inviter, &ticket.addresses, now_ms())?;
        self.shells.net.remember(ticket.inviter, ticket.addresses.clone());
        Ok(())
    }

    /// Whether somebody lets this device take part now.
    fn meets_others(&self, notebook: &NotebookId) -> bool {
        let standing = self.running(notebook).map(|running| running.standing().borrow().clone());
        standing.is_some_and(|standing| standing.peers.iter().any(|peer| peer.connected))
    }

    async fn knock_until_answered(
        &self,
        ticket: &Ticket,
        recovery: Option<&SigningKey>,
        name: Option<&str>,
    ) -> anyhow::Result<String> {
        let key = &self.shells.key;
        let agreed = match recovery {
            Some(phrase) => membership::recovered(key, &ticket.notebook, &phrase.verifying_key().to_bytes()),
            None => ticket.person.map(|person| consent(key, &ticket.notebook, &person)).unwrap_or_default(),
        };
        let proof = |key| membership::recovery(key, &ticket.notebook, &self.device());
        let proof = recovery.map(proof).unwrap_or_default();
        let mut has_waited = false;
        loop {
            let admission = match self.shells.net.knock(ticket, name, agreed.clone(), proof.clone()).await {
                Ok(admission) => admission,
                // Whoever is to say yes may close the laptop meanwhile.
                Err(_) if has_waited && !ticket.is_expired(now_ms()) => Admission::Waiting,
                Err(error) => return Err(error),
            };
            has_waited = true;
            match admission {
                Admission::Accepted(name) => return Ok(name),
                Admission::Refused(reason) => bail!("the inviting device refused: {reason}"),
                Admission::Waiting if ticket.is_expired(now_ms()) => {
                    bail!("nobody said yes before the ticket expired; ask for a new one")
                }
                Admission::Waiting => tokio::time::sleep(KNOCK_AGAIN).await,
            }
        }
    }

    /// Somebody knocks.
    pub(super) async fn answer_knock(&self, knock: Knock) -> Admission {
        match self.admit(&knock).await {
            Ok(admission) => admission,
            Err(error) => Admission::Refused(format!("{error:#}")),
        }
    }

    async fn admit(&self, knock: &Knock) -> anyhow::Result<Admission> {
        let Knock { notebook, peer, secret, .. } = knock;
        let system = self.home.system();
        let shown = system.take_invite(secret, notebook, peer, now_ms())??;
        let Some(running) = self.running(notebook) else { bail!("the notebook is not running there") };
        if shown.has_admitted {
            // Its answer may have been lost on the way; what it may do by now is not changed.
            if membership_of(&running)?.role(peer).is_some() {
                return Ok(self.accepted(notebook));
            }
            bail!("this invitation has let you in once, and your right has ended since; ask for a new one");
        }
        let invite = shown.invite;
        let name: String = knock.name.chars().filter(|c| !c.is_control()).take(80).collect();
        if !invite.is_attended {
            return self.let_in(&running, secret, claim(&running, knock, &name, invite)?).await;
        }
        let mut answers = self.answers.subscribe();
        let waited = tokio::time::Instant::now();
        loop {
            let claim = claim(&running, knock, &name, invite)?;
            let request = system.ask_in(secret, &claim.asking, now_ms())?;
            match request.approved {
                Some(true) => return self.let_in(&running, secret, claim).await,
                Some(false) => bail!("the inviter said no; for another try, ask for a new ticket"),
                None => {}
            }
            let text = format!("`{name}` ({}) asks to join", fingerprint(peer));
            let news = News::Notice(Notice::Standing(text));
            // Nobody may be listening.
            let _ = self.shells.notices.send(NotebookNotice { notebook: *notebook, news });
            // Also told to stop when the other side has given up: its next knock finds the answer.
            let left = PATIENCE.saturating_sub(waited.elapsed());
            if left.is_zero() || tokio::time::timeout(left, answers.changed()).await.is_err() {
                return Ok(Admission::Waiting);
            }
            // It may have been withdrawn meanwhile.
            system.take_invite(secret, notebook, peer, now_ms())??;
        }
    }

    async fn let_in(&self, running: &Notebook, secret: &[u8; 16], claim: Claim) -> anyhow::Result<Admission> {
        let Asking { notebook, device, .. } = claim.asking;
        let system = self.home.system();
        // First: if all stops in between, the device asks for a new one rather than having one that works for ever.
        system.set_admitted(secret, Some(now_ms()))?;
        if let Err(error) = running.ask(Request::People(claim.request)).await {
            if membership_of(running)?.role(&device).is_none() {
                system.set_admitted(secret, None)?;
            }
            return Err(error.into());
        }
        system.end_requests(&notebook, &device)?;
        Ok(self.accepted(&notebook))
    }

    fn accepted(&self, notebook: &NotebookId) -> Admission {
        Admission::Accepted(self.registered(notebook).map(|registered| registered.name).unwrap_or_default())
    }

    /// Invitations that were given out here.
    pub fn invites(&self) -> anyhow::Result<Vec<InviteRow>> {
        Ok(self.home.system().invites()?)
    }

    /// An invitation opens nothing any more, and whoever waits with it is sent away; `false` if there is none.
    pub fn withdraw_invite(&self, id: &str) -> anyhow::Result<bool> {
        let withdrawn = self.home.system().withdraw_invite(id)?;
        self.answers.send_modify(|count| *count += 1);
        Ok(withdrawn)
    }

    /// Those who wait for an answer.
    pub fn requests(&self) -> anyhow::Result<Vec<RequestRow>> {
        Ok(self.home.system().requests()?.into_iter().filter(|row| row.approved.is_none()).collect())
    }

    /// Lets somebody in who waits, or sends them away.
    pub fn answer_request(&self, id: i64, approved: bool) -> anyhow::Result<RequestRow> {
        let row = self.requests()?.into_iter().find(|row| row.id == id);
        let Some(row) = row else { bail!("there is no request {id}; see `codexd requests`") };
        self.home.system().answer_request(id, approved)?;
        self.answers.send_modify(|count| *count += 1);
        Ok(row)
    }

    /// Asks for a change of who belongs.
    pub async fn change_people(
        &self,
        notebook: &Notebook,
        request: MembershipRequest,
    ) -> Result<(), AskError> {
        notebook.ask(Request::People(request)).await.map(|_| ())
    }
}

/// What somebody who knocks asks for, and what a yes to it changes.
struct Claim {
    asking: Asking,
    request: MembershipRequest,
}

fn claim(running: &Notebook, knock: &Knock, name: &str, invite: Invite) -> anyhow::Result<Claim> {
    let (notebook, device) = (knock.notebook, knock.peer);
    let (consent, proof, name) = (knock.consent.clone(), knock.recovery.clone(), name.to_owned());
    let membership = membership_of(running)?;
    let role_of = |person: &PersonId| {
        let found = membership.people().into_iter().find(|one| one.id == *person);
        found.and_then(|one| one.role).unwrap_or(Role::Viewer)
    };
    let asking = |role, person| Asking { notebook, device, name: name.clone(), role, person };
    if !proof.is_empty() {
        let proves = |person: &PersonId| {
            let key = membership.recovery_key(person);
            key.is_some_and(|key| membership::is_recovery(&key, &notebook, &device, &proof))
        };
        let whose = membership.people().into_iter().map(|person| person.id).find(proves);
        let Some(person) = whose else { bail!("this phrase is nobody's here; see that every word is right") };
        let asking = asking(role_of(&person), Some(person));
        return Ok(Claim {
            asking,
            request: MembershipRequest::Recover { person, device, name, proof, consent },
        });
    }
    if invite.is_own_device {
        let own = running.read(|reader| reader.meta())??.context("the store is empty")?.device;
        let person = membership.person_of(&own).context("the inviter is no member any more")?;
        let asking = asking(role_of(&person), Some(person));
        return Ok(Claim { asking, request: MembershipRequest::AddDevice { device, name, consent } });
    }
    let asking = asking(invite.role, None);
    Ok(Claim { asking, request: MembershipRequest::Admit { device, role: invite.role, name } })
}

/// Who belongs to a notebook, as its store has it.
pub fn membership_of(notebook: &Notebook) -> anyhow::Result<Membership> {
    let statements = notebook.read(|reader| reader.statements())??;
    Ok(Membership::of(&notebook.id, statements))
}

/// A person or device by what somebody types: an id or the beginning of one, or a name that only one has.
pub fn find_person(membership: &Membership, key: &str) -> anyhow::Result<PersonId> {
    let people = membership.people();
    let by_id = |person: &&codex_crdt_model::membership::Person| {
        let is = |id: String| key.len() >= 8 && id.starts_with(&key.replace('-', "").to_lowercase());
        is(person.id.to_string()) || person.devices.iter().any(|device| is(device.id.to_string()))
    };
    let by_name = |person: &&codex_crdt_model::membership::Person| {
        person.name == key || person.devices.iter().any(|device| device.name == key)
    };
    let found: Vec<_> = people.iter().filter(by_id).collect();
    let found = if found.is_empty() { people.iter().filter(by_name).collect() } else { found };
    match found[..] {
        [one] => Ok(one.id),
        [] => bail!("nobody here is called `{key}`; see `codexd members`"),
        _ => bail!("`{key}` may be several people here; give the device's id, see `codexd members`"),
    }
}
