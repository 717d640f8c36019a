//! `invite`, `join`, `requests`, `members`, and what changes about them.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Client, escape};
use super::failure::Failure;
use super::follow::follow;
use super::notebooks::absolute;
use super::print::{self, Output, items, short, text};
use super::{InviteArgs, JoinArgs};
use crate::daemon::fingerprint;

/// Whoever need not say yes has answered by then.
const ANSWERED_AT_ONCE: Duration = Duration::from_secs(1);

/// `invite`: the ticket alone on stdout, so that it can be piped.
pub async fn invite(client: &Client, out: Output, args: InviteArgs) -> Result<(), Failure> {
    let body = json!({
        "notebook": args.notebook, "role": args.role, "expires": args.expires,
        "unattended": args.unattended, "own_device": args.own_device,
    });
    let invite = client.post("/invites", &body).await?;
    out.show(&invite, |invite| text(invite, "ticket").to_owned());
    Ok(())
}

/// `invites`.
pub async fn invites(client: &Client, out: Output) -> Result<(), Failure> {
    let page = client.get("/invites").await?;
    let line = |one: &Value| {
        let kind = if one["own_device"] == true { "own device" } else { text(one, "role") };
        let attended = if one["attended"] == true { "" } else { ", unattended" };
        let end = match text(one, "state") {
            "used" => format!("used by {}", short(text(one, "used_by"))),
            "refused" => format!("refused: {} was not let in", short(text(one, "used_by"))),
            "waiting" => format!("{} asks to be let in, see `codexd requests`", short(text(one, "used_by"))),
            state => format!("{state}, until {}", text(one, "expires")),
        };
        format!("{}  {}  {kind}{attended}  {end}", text(one, "id"), short(text(one, "notebook")))
    };
    out.show(&page, |page| items(page, line, "no invitation was given out here"));
    Ok(())
}

/// `withdraw`.
pub async fn withdraw(client: &Client, out: Output, id: &str) -> Result<(), Failure> {
    if id.trim().is_empty() {
        return Err(Failure::usage(
            "cannot withdraw an invitation: its id is empty; give one that `codexd invites` shows",
        ));
    }
    client.delete(&format!("/invites/{}", escape(id))).await?;
    out.show(&json!({"withdrawn": id}), |_| {
        format!("withdrawn: the ticket of invitation {id} opens nothing any more")
    });
    Ok(())
}

/// `join`.
pub async fn join(client: &Client, out: Output, args: JoinArgs) -> Result<(), Failure> {
    let path = args.path.as_deref().map(absolute).transpose()?;
    let body = |preview: bool| json!({"ticket": args.ticket, "path": path, "preview": preview, "phrase": args.phrase});
    // Also before it is joined: what cannot be is said before anybody is asked.
    let shown = client.post("/join", &body(true)).await?;
    if args.preview {
        let by_phrase = args.phrase.is_some();
        out.show(&shown, |shown| preview(shown, by_phrase));
        return Ok(());
    }
    let body = body(false);
    let mut joined = std::pin::pin!(client.post("/join", &body));
    let joined = match tokio::time::timeout(ANSWERED_AT_ONCE, &mut joined).await {
        Ok(joined) => joined,
        Err(_) => {
            print::note(&waiting(client, &shown).await?);
            joined.await
        }
    }?;
    out.show(&joined, joined_line);
    follow(client, &joined).await
}

/// Who has to say yes, and to whom: both sides compare the fingerprint.
async fn waiting(client: &Client, preview: &Value) -> Result<String, Failure> {
    let status = client.get("/status").await?;
    let inviter: String =
        text(preview, "inviter").parse().map_or_else(|_| String::new(), |device| fingerprint(&device));
    Ok(format!(
        "waiting for the device {inviter}, which invites you to `{}`: somebody there has to say yes (`codexd requests` there \
         shows who asks). The fingerprint of this device is {}",
        text(preview, "name"),
        text(&status["device"], "fingerprint")
    ))
}

fn joined_line(notebook: &Value) -> String {
    format!("joined `{}` in {}", text(notebook, "name"), text(notebook, "path"))
}

fn preview(preview: &Value, by_phrase: bool) -> String {
    let here = if preview["already_here"] == true { "it is on this device already\n" } else { "" };
    format!(
        "notebook   {} ({})\ninviter    {}\nrole       {}\nexpires    {}\n{here}files here {}: they stay, and become part of the notebook",
        text(preview, "name"),
        short(text(preview, "notebook")),
        text(preview, "inviter"),
        match (by_phrase, preview["own_device"] == true) {
            (true, _) => "that of the person whose phrase it is, as another device of theirs".to_owned(),
            (false, true) => format!("{}, as another device of the inviter's", text(preview, "role")),
            (false, false) => text(preview, "role").to_owned(),
        },
        text(preview, "expires"),
        preview["files_here"],
    )
}

/// `members`.
pub async fn members(client: &Client, out: Output, notebook: Option<String>) -> Result<(), Failure> {
    let query = notebook.map(|notebook| format!("?notebook={}", escape(&notebook))).unwrap_or_default();
    let page = client.get(&format!("/members{query}")).await?;
    let line = |member: &Value| {
        let here = if member["this_device"] == true { "  (this device)" } else { "" };
        let role = match (member["role"].as_str(), member["revoked"] == true) {
            (Some(role), _) => role,
            (None, true) => "revoked",
            (None, false) => "no more",
        };
        format!(
            "{}  {}  {role:<9}  {}: {}{here}",
            short(text(member, "notebook")),
            text(member, "fingerprint"),
            text(member, "who"),
            text(member, "name")
        )
    };
    out.show(&page, |page| items(page, line, "nobody yet"));
    Ok(())
}

/// `requests`.
pub async fn requests(client: &Client, out: Output) -> Result<(), Failure> {
    let page = client.get("/requests").await?;
    let line = |one: &Value| {
        let whose = match one["person_name"].as_str() {
            Some(person) => format!("another device of {person}, {}", text(one, "role")),
            None => text(one, "role").to_owned(),
        };
        format!(
            "{}  {}  {}  {}  as {whose}",
            one["id"],
            short(text(one, "notebook")),
            text(one, "fingerprint"),
            text(one, "name"),
        )
    };
    out.show(&page, |page| items(page, line, "nobody waits"));
    Ok(())
}

/// `approve` and `reject`.
pub async fn answer(client: &Client, out: Output, id: i64, answer: &str) -> Result<(), Failure> {
    let one = client.post(&format!("/requests/{id}/{answer}"), &json!({})).await?;
    let did = if answer == "approve" { "let in" } else { "sent away" };
    out.show(&one, |one| format!("{did}: {} ({})", text(one, "name"), text(one, "fingerprint")));
    Ok(())
}

/// A notebook that is meant.
#[derive(Debug)]
pub(super) struct OneNotebook {
    /// Its id.
    pub id: String,
    /// What it is called here.
    pub name: String,
}

/// The notebooks meant: the one named, or all.
pub(super) async fn notebooks(client: &Client, named: Option<String>) -> Result<Vec<OneNotebook>, Failure> {
    let one =
        |one: &Value| OneNotebook { id: text(one, "id").to_owned(), name: text(one, "name").to_owned() };
    if let Some(named) = named {
        return Ok(vec![one(&client.get(&format!("/notebooks/{}", escape(&named))).await?)]);
    }
    let page = client.get("/notebooks").await?;
    Ok(page["items"].as_array().into_iter().flatten().map(one).collect())
}

/// The same done in every notebook meant. Where many are meant, those that do not know whom it is about are passed over.
#[derive(Debug)]
pub(super) struct InNotebooks {
    is_one: bool,
    done: Vec<OneNotebook>,
    last: Option<Failure>,
}

impl InNotebooks {
    /// In one, or in all.
    pub fn of(is_one: bool) -> Self {
        Self { is_one, done: Vec::new(), last: None }
    }

    /// It is done there.
    pub fn done(&mut self, notebook: OneNotebook) {
        self.done.push(notebook);
    }

    /// It could not be done in one.
    pub fn failed(&mut self, failure: Failure) -> Result<(), Failure> {
        if self.is_one {
            return Err(failure);
        }
        self.last = Some(failure);
        Ok(())
    }

    /// Says where it was done, or why it was done nowhere.
    pub fn show(self, out: Output, did: impl FnOnce(&str) -> String) -> Result<(), Failure> {
        if self.done.is_empty() {
            let none = || Failure::new("there is no notebook here yet; see `codexd notebook list`");
            return Err(self.last.unwrap_or_else(none));
        }
        let ids: Vec<&str> = self.done.iter().map(|one| one.id.as_str()).collect();
        let names: Vec<String> = self.done.iter().map(|one| format!("`{}`", one.name)).collect();
        out.show(&json!({"notebooks": ids}), |_| did(&names.join(", ")));
        Ok(())
    }
}

/// `role`.
pub async fn set_role(
    client: &Client,
    out: Output,
    who: &str,
    role: &str,
    notebook: Option<String>,
) -> Result<(), Failure> {
    let mut done = InNotebooks::of(notebook.is_some());
    for notebook in notebooks(client, notebook).await? {
        let body = json!({"notebook": notebook.id, "who": who, "role": role});
        match client.post("/roles", &body).await {
            Ok(_) => done.done(notebook),
            Err(failure) => done.failed(failure)?,
        }
    }
    done.show(out, |places| match role {
        "none" => format!("`{who}` was removed from {places}"),
        role => format!("`{who}` has the role {role} in {places} now"),
    })
}

/// `release`.
pub async fn release(client: &Client, out: Output, notebook: &str, device: &str) -> Result<(), Failure> {
    let body = json!({"notebook": notebook, "device": device});
    let done = client.post("/releases", &body).await?;
    out.show(&done, |_| format!("what was held back of `{device}` counts now"));
    Ok(())
}

/// `profile`.
pub async fn profile(
    client: &Client,
    out: Output,
    notebook: &str,
    name: &str,
    colour: &str,
) -> Result<(), Failure> {
    let body = json!({"notebook": notebook, "name": name, "colour": colour});
    let done = client.post("/profile", &body).await?;
    out.show(&done, |_| format!("you are called {name} in `{notebook}` now"));
    Ok(())
}

/// `recovery`: the words alone on stdout.
pub async fn recovery(client: &Client, out: Output, notebook: &str) -> Result<(), Failure> {
    let made = client.post("/recovery", &json!({"notebook": notebook})).await?;
    print::note(
        "write these words down: they are kept nowhere, and an earlier phrase is void now. When all your devices are lost, get any ticket to \
         this notebook from a member and use both on the new device: codexd join TICKET --phrase \"THE WORDS\"",
    );
    out.show(&made, |made| text(made, "phrase").to_owned());
    Ok(())
}

/// `quarantine`.
pub async fn quarantine(client: &Client, out: Output, notebook: Option<String>) -> Result<(), Failure> {
    let query = notebook.map(|notebook| format!("?notebook={}", escape(&notebook))).unwrap_or_default();
    let page = client.get(&format!("/quarantine{query}")).await?;
    let line = |one: &Value| {
        format!(
            "{}  {}  {}  {} records, {} bytes: {}",
            short(text(one, "notebook")),
            short(text(one, "device")),
            text(one, "name"),
            one["records"],
            one["bytes"],
            text(one, "why")
        )
    };
    out.show(&page, |page| items(page, line, "nothing is held back"));
    Ok(())
}
