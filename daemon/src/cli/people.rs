//! `invite`, `join`, `members`.

use serde_json::{Value, json};

use super::client::{Client, escape};
use super::failure::Failure;
use super::follow::follow;
use super::notebooks::absolute;
use super::print::{self, Output, items, short, text};
use super::{InviteArgs, JoinArgs};

/// `invite`: the ticket alone on stdout, so that it can be piped.
pub async fn invite(client: &Client, out: Output, args: InviteArgs) -> Result<(), Failure> {
    let body = json!({"notebook": args.notebook, "role": args.role, "expires": args.expires});
    let invite = client.post("/invites", &body).await?;
    out.show(&invite, |invite| text(invite, "ticket").to_owned());
    Ok(())
}

/// `join`.
pub async fn join(client: &Client, out: Output, args: JoinArgs) -> Result<(), Failure> {
    let path = args.path.as_deref().map(absolute).transpose()?;
    if !args.preview {
        print::progress("reaching the inviter …");
    }
    let body = json!({"ticket": args.ticket, "path": path, "preview": args.preview});
    let joined = client.post("/join", &body).await;
    print::progress("");
    let joined = joined?;
    if args.preview {
        out.show(&joined, preview);
        return Ok(());
    }
    out.show(&joined, joined_line);
    follow(client, &joined).await
}

fn joined_line(notebook: &Value) -> String {
    format!("joined `{}` in {}", text(notebook, "name"), text(notebook, "path"))
}

fn preview(preview: &Value) -> String {
    let here = if preview["already_here"] == true { "it is on this device already\n" } else { "" };
    format!(
        "notebook   {} ({})\ninviter    {}\nexpires    {}\n{here}files here {}: they stay, and become part of the notebook",
        text(preview, "name"),
        short(text(preview, "notebook")),
        text(preview, "inviter"),
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
        format!(
            "{}  {}  {:<9} {}{here}",
            short(text(member, "notebook")),
            text(member, "device"),
            text(member, "role"),
            text(member, "name")
        )
    };
    out.show(&page, |page| items(page, line, "nobody yet"));
    Ok(())
}
