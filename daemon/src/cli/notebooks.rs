//! `status`, `wait`, `notebook …`, `mirror rebuild`.

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, escape};
use super::failure::Failure;
use super::follow::{self, LOOK, follow};
use super::print::{self, Output, items, short, text};
use super::{NotebookCommand, WaitArgs};

/// `notebook …`.
pub async fn run(client: &Client, out: Output, command: NotebookCommand) -> Result<(), Failure> {
    let patch = async |notebook: &str, body: Value| {
        client.call(Method::PATCH, &format!("/notebooks/{}", escape(notebook)), Some(&body)).await
    };
    match command {
        NotebookCommand::Add { path, name, workspace } => {
            let path = absolute(&path)?;
            let body = json!({"path": path, "name": name, "workspace": workspace});
            let added = client.post("/notebooks", &body).await?;
            follow(client, &added).await?;
            let now = client.get(&format!("/notebooks/{}", escape(text(&added, "id")))).await?;
            out.show(&now, notebook_line);
        }
        NotebookCommand::List => {
            let none = "no notebook yet; add one with `codexd notebook add PATH`";
            out.show(&client.get("/notebooks").await?, |page| items(page, notebook_line, none));
        }
        NotebookCommand::Show { notebook } => {
            out.show(&client.get(&format!("/notebooks/{}", escape(&notebook))).await?, notebook_text);
        }
        NotebookCommand::Remove { notebook } => {
            let path = format!("/notebooks/{}", escape(&notebook));
            let done = client.call(Method::DELETE, &path, None).await?;
            out.show(&done, |_| {
                format!("`{notebook}` is no longer a notebook here; its files are untouched")
            });
        }
        NotebookCommand::Fetch { notebook, policy } => {
            out.show(&patch(&notebook, json!({"fetch": policy.to_string()})).await?, notebook_text);
        }
        NotebookCommand::Pause { notebook } => {
            out.show(&patch(&notebook, json!({"paused": true})).await?, notebook_line);
        }
        NotebookCommand::Resume { notebook, accept_deletions } => {
            let body = json!({"paused": false, "accept_deletions": accept_deletions});
            out.show(&patch(&notebook, body).await?, notebook_line);
        }
    }
    Ok(())
}

/// An absolute path as text.
pub fn absolute(path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let absolute =
        std::path::absolute(path).map_err(|error| Failure::usage(format!("cannot use {shown}: {error}")))?;
    let text = absolute.to_str().map(str::to_owned);
    text.ok_or_else(|| {
        Failure::usage(format!("cannot use {shown}: the path is not UTF-8; rename the folder"))
    })
}

/// `status`.
pub async fn status(client: &Client, out: Output) -> Result<(), Failure> {
    let mut status = client.get("/status").await?;
    // Whoever looks at the status looks also because something is broken: what cannot be listed is no reason to say nothing.
    for what in ["requests", "quarantine"] {
        status[what] = match client.get(&format!("/{what}")).await {
            Ok(mut page) => page["items"].take(),
            Err(failure) => {
                print::note(&format!("cannot list the {what}: {}", failure.line().unwrap_or_default()));
                json!([])
            }
        };
    }
    out.show(&status, |status| {
        let device = &status["device"];
        let addresses = device["addresses"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let addresses = addresses.collect::<Vec<_>>().join(" ");
        let mut lines = vec![
            format!("device     {} ({})", text(device, "name"), text(device, "id")),
            format!("shown as   {}", text(device, "fingerprint")),
            format!("reachable  {addresses}"),
            format!("home       {}", text(status, "home")),
        ];
        lines.extend(status["requests"].as_array().into_iter().flatten().map(|one| waits(status, one)));
        lines.extend(status["quarantine"].as_array().into_iter().flatten().map(|one| held_back(status, one)));
        lines.extend(status["notebooks"].as_array().into_iter().flatten().map(notebook_text));
        lines.join("\n")
    });
    Ok(())
}

/// What a notebook of the status is called in commands: its slug, or its id if it is not there.
fn called<'a>(status: &'a Value, id: &'a str) -> &'a str {
    let mut all = status["notebooks"].as_array().into_iter().flatten();
    all.find(|one| text(one, "id") == id).map_or(id, |one| text(one, "slug"))
}

/// Somebody who waits to be let in.
fn waits(status: &Value, one: &Value) -> String {
    format!(
        "waiting    {} ({}) asks to join `{}` as {}; compare the fingerprint, then `codexd approve {id}` or `codexd reject {id}`",
        text(one, "name"),
        text(one, "fingerprint"),
        called(status, text(one, "notebook")),
        text(one, "role"),
        id = one["id"],
    )
}

/// Records of a device that do not count.
fn held_back(status: &Value, one: &Value) -> String {
    let notebook = called(status, text(one, "notebook"));
    format!(
        "held back  {} records of {} ({}) in `{notebook}`: {}; an owner accepts them with `codexd release {notebook} {}`",
        one["records"],
        text(one, "name"),
        short(text(one, "device")),
        text(one, "why"),
        short(text(one, "device")),
    )
}

fn notebook_line(notebook: &Value) -> String {
    format!(
        "{}  {:<20} {:<9} {:>7} entries  {}{}",
        short(text(notebook, "id")),
        text(notebook, "slug"),
        text(notebook, "state"),
        notebook["entries"],
        text(notebook, "path"),
        notebook["reason"].as_str().map(|reason| format!("  ({reason})")).unwrap_or_default(),
    )
}

fn notebook_text(notebook: &Value) -> String {
    let held = &notebook["held_by"];
    let mut lines = vec![
        String::new(),
        notebook_line(notebook),
        format!(
            "  held by {} of {} devices · {} records not acknowledged yet · {} attachments missing here",
            held[0], held[1], notebook["unsynced_records"], notebook["blobs_missing"]
        ),
    ];
    if notebook["fetch"] != "all" {
        lines.push(format!(
            "  fetches {} · {} of the missing attachments are left with the others",
            text(notebook, "fetch"),
            notebook["blobs_left"]
        ));
    }
    let problems = notebook["problems"].as_array().into_iter().flatten();
    lines.extend(problems.map(|one| format!("  `{}`: {}", text(one, "path"), text(one, "reason"))));
    lines.extend(notebook["timestamps"].as_str().map(|trouble| format!("  {trouble}")));
    if follow::is_busy(notebook) {
        lines.push(format!("  {}", follow::line(notebook)));
    }
    lines.extend(notebook["peers"].as_array().into_iter().flatten().map(|peer| {
        let connected = match (peer["connected"] == true, peer["turned_away"] == true) {
            (true, _) => "connected",
            (false, true) => {
                "says that this is not shared with you: you may have been removed; ask an owner."
            }
            (false, false) => "away",
        };
        format!(
            "  {}  {:<20} {connected:<9} {} records behind, {} attachments missing",
            short(text(peer, "device")),
            text(peer, "name"),
            peer["records_behind"],
            peer["blobs_missing"]
        )
    }));
    lines.join("\n")
}

/// `wait`.
pub async fn wait(client: &Client, args: &WaitArgs) -> Result<(), Failure> {
    let begun = Instant::now();
    let mut calm = 0;
    loop {
        let status = client.get("/status").await?;
        let left = unfinished(&status, args.synced);
        let stuck = stuck(&status, args.synced);
        // Twice in a row: between a change and its notice there is a moment that looks like rest.
        calm = if left.is_empty() { calm + 1 } else { 0 };
        if calm == 2 {
            print::progress("");
            return if stuck.is_empty() { Ok(()) } else { Err(Failure::new(stuck.join("; "))) };
        }
        if begun.elapsed() >= args.timeout {
            print::progress("");
            let until = if args.synced { "synced" } else { "idle" };
            let why = match left.join(", and ") {
                nothing if nothing.is_empty() => {
                    "that takes two looks, and there was time for one".to_owned()
                }
                left => left,
            };
            let also = stuck.into_iter().map(|stuck| format!("; {stuck}")).collect::<String>();
            return Err(Failure::new(format!(
                "waited {:?} until {until}, but {why}; wait longer with --timeout, or see `codexd status`{also}",
                args.timeout,
            )));
        }
        if begun.elapsed() >= Duration::from_secs(1) {
            let work = status["notebooks"].as_array().into_iter().flatten().filter(|nb| follow::is_busy(nb));
            let work: Vec<_> =
                work.map(|nb| format!("`{}` {}", text(nb, "slug"), follow::line(nb))).collect();
            print::progress(&if work.is_empty() { left.join(" · ") } else { work.join(" · ") });
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Why notebooks wait for a person, in words: no waiting ends that. The others are waited for all the same.
fn stuck(status: &Value, synced: bool) -> Vec<String> {
    let why = |notebook: &Value| {
        let (slug, reason) = (text(notebook, "slug"), text(notebook, "reason"));
        match text(notebook, "state") {
            "held" => Some(format!("cannot wait for `{slug}`: it is held. {reason}")),
            "paused" if synced => Some(format!(
                "cannot wait until `{slug}` is synced: it is paused ({reason}); if that was you, `codexd notebook resume \
                 {slug}` lets it go on"
            )),
            _ => None,
        }
    };
    status["notebooks"].as_array().into_iter().flatten().filter_map(why).collect()
}

/// What keeps a wait from ending, in words.
fn unfinished(status: &Value, synced: bool) -> Vec<String> {
    let mut left = Vec::new();
    for notebook in status["notebooks"].as_array().into_iter().flatten() {
        let slug = text(notebook, "slug");
        let state = text(notebook, "state");
        if state == "held" || (state == "paused" && synced) {
            continue;
        }
        let pending = notebook["pending"].as_u64().unwrap_or(0);
        let wanted = |of: &Value| {
            let count = |key: &str| of[key].as_u64().unwrap_or(0);
            count("blobs_missing").saturating_sub(count("blobs_left"))
        };
        let missing = wanted(notebook);
        if matches!(state, "scanning" | "joining") {
            left.push(format!("`{slug}` is {state}"));
        } else if state == "ready" && (pending > 0 || notebook["scan"]["busy"] == true) {
            let why = notebook["reason"].as_str().map(|why| format!(" ({why})")).unwrap_or_default();
            left.push(format!("`{slug}` has {pending} files to look at or write{why}"));
        }
        let mut progress = notebook["progress"].as_array().into_iter().flatten();
        if let Some(index) = progress.find(|work| work["what"] == "index") {
            left.push(format!("`{slug}` has {} of {} entries indexed", index["done"], index["total"]));
        }
        if !synced {
            continue;
        }
        let peers =
            notebook["peers"].as_array().into_iter().flatten().filter(|peer| peer["connected"] == true);
        let mut connected = 0;
        for peer in peers {
            connected += 1;
            let behind = peer["records_behind"].as_u64().unwrap_or(0);
            let blobs = wanted(peer);
            if behind + blobs > 0 {
                let name = text(peer, "name");
                left.push(format!("`{name}` is {behind} records and {blobs} attachments behind in `{slug}`"));
            }
        }
        if connected > 0 && missing > 0 {
            left.push(format!("`{slug}` misses {missing} attachments"));
        }
    }
    left
}

/// `mirror rebuild`.
pub async fn rebuild_mirror(client: &Client, out: Output, notebook: &str) -> Result<(), Failure> {
    let path = format!("/notebooks/{}", escape(notebook));
    let done = client.post(&format!("{path}/mirror/rebuild"), &json!({})).await?;
    if print::is_watched() {
        follow(client, &client.get(&path).await?).await?;
        out.show(&done, |_| "the mirror has been made anew".to_owned());
    } else {
        out.show(&done, |_| "the mirror is being made anew; `codexd wait --idle` waits for it".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: &str, pending: u64, behind: u64, connected: bool) -> Value {
        json!({"notebooks": [{"slug": "lab", "state": state, "pending": pending, "blobs_missing": 0,
            "scan": {"busy": false},
            "peers": [{"name": "ann", "connected": connected, "records_behind": behind, "blobs_missing": 0}]}]})
    }

    #[test]
    fn who_waits_for_a_person_is_not_waited_for() {
        let mut both = status("held", 0, 0, true);
        both["notebooks"][0]["reason"] = "7 deletions".into();
        assert_eq!(stuck(&both, false), ["cannot wait for `lab`: it is held. 7 deletions"]);
        both["notebooks"][0]["state"] = "paused".into();
        assert_eq!(stuck(&both, false), Vec::<String>::new(), "what is paused is at rest");
        let said = stuck(&both, true).concat();
        assert!(said.contains("paused") && said.contains("codexd notebook resume lab"), "{said}");
        assert_eq!(unfinished(&both, true), Vec::<String>::new());
    }

    #[test]
    fn others_are_waited_for_though_one_is_held() {
        let one = |status: Value| status["notebooks"][0].clone();
        let mut both =
            json!({"notebooks": [one(status("held", 4, 3, true)), one(status("ready", 2, 0, true))]});
        both["notebooks"][1]["slug"] = "other".into();
        assert_eq!(unfinished(&both, true), ["`other` has 2 files to look at or write"]);
        both["notebooks"][1]["pending"] = 0.into();
        assert_eq!((unfinished(&both, true).len(), stuck(&both, true).len()), (0, 1));
    }

    /// losses.md L40: who has all records and not all bytes is not in step.
    #[test]
    fn a_wait_for_sync_waits_for_the_bytes_too() {
        for (here, there, done) in [(0, 0, true), (1, 0, false), (0, 1, false)] {
            let mut status = status("ready", 0, 0, true);
            status["notebooks"][0]["blobs_missing"] = here.into();
            status["notebooks"][0]["peers"][0]["blobs_missing"] = there.into();
            assert_eq!(unfinished(&status, true).is_empty(), done, "{status}");
        }
    }

    #[test]
    fn a_wait_ends_when_nothing_is_left() {
        for (status, synced, done) in [
            (status("ready", 0, 0, true), true, true),
            (status("ready", 0, 3, true), false, true),
            (status("ready", 0, 3, true), true, false),
            (status("ready", 0, 3, false), true, true),
            (status("ready", 2, 0, true), false, false),
            (status("scanning", 0, 0, true), false, false),
            (status("paused", 2, 0, false), false, true),
        ] {
            assert_eq!(unfinished(&status, synced).is_empty(), done, "{status}");
        }
    }
}
