//! `bundle`: export and import talk to the daemon; inspect reads the file by itself.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use codex_crdt_model::bundle::{Fault, Part};
use codex_crdt_model::ids::DeviceId;
use codex_crdt_model::journal::{Frontier, Receipt};
use serde_json::{Value, json};

use super::client::{Client, escape};
use super::failure::Failure;
use super::notebooks::absolute;
use super::print::{self, Output, short, text};
use crate::bundle::Reader;

/// Damaged attachments named; the rest is counted.
const SHOWN: usize = 20;

/// About bundles.
#[derive(Debug, Subcommand)]
pub enum BundleCommand {
    /// Write records, receipts and attachments of a notebook to a new file.
    #[command(
        after_help = "Example:\n  codexd bundle export lab /media/stick/lab.bundle\n  codexd bundle export lab /media/stick/news.bundle --for ada-laptop"
    )]
    Export {
        /// Id, slug or name.
        notebook: String,
        /// The file to make.
        file: PathBuf,
        /// Leave out what this device holds by its last receipt: its name, or its id.
        #[arg(long = "for", value_name = "DEVICE")]
        reader: Option<String>,
        /// Older versions of attachments too.
        #[arg(long)]
        whole: bool,
    },
    /// Take in what a bundle holds, checked like what comes from a peer. Doing it again is harmless.
    #[command(after_help = "Example:\n  codexd bundle import /media/stick/lab.bundle")]
    Import {
        /// The bundle.
        file: PathBuf,
    },
    /// Say what a bundle holds, and check all of it. Works without a daemon.
    #[command(after_help = "Example:\n  codexd bundle inspect /media/stick/lab.bundle")]
    Inspect {
        /// The bundle.
        file: PathBuf,
    },
}

/// `bundle`.
pub async fn run(home: Option<&Path>, out: Output, command: BundleCommand) -> Result<(), Failure> {
    match command {
        BundleCommand::Export { notebook, file, reader, whole } => {
            let client = Client::find(home)?;
            let body = json!({"path": absolute(&file)?, "reader": reader, "whole": whole});
            let made = client.post(&format!("/notebooks/{}/bundle", escape(&notebook)), &body).await?;
            out.show(&made, exported);
            if let Some(count) = made["attachments_not_here"].as_u64().filter(|count| *count > 0) {
                print::note(&format!("{count} attachments are not on this device, and so not in the bundle"));
            }
            damaged(&made).map_or(Ok(()), |line| Err(Failure::new(line)))
        }
        BundleCommand::Import { file } => {
            let taken = Client::find(home)?.post("/bundles", &json!({"path": absolute(&file)?})).await?;
            out.show(&taken, imported);
            Ok(())
        }
        BundleCommand::Inspect { file } => {
            let inspected = tokio::task::spawn_blocking(move || inspect(&file)).await;
            let (value, fault) =
                inspected.map_err(|error| Failure::new(format!("cannot inspect: it broke off: {error}")))?;
            out.show(&value, inspection);
            fault.map_or(Ok(()), |line| Err(Failure::new(line)))
        }
    }
}

/// What is missing in a bundle although it was written.
fn damaged(made: &Value) -> Option<String> {
    let all = made["attachments_damaged"].as_array().filter(|all| !all.is_empty())?;
    let shown = all.iter().take(SHOWN).map(|one| {
        let paths = one["paths"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let paths: Vec<String> = paths.map(|path| format!("`{path}`")).collect();
        format!("{} ({})", paths.join(", "), short(text(one, "hash")))
    });
    let mut shown: Vec<String> = shown.collect();
    if all.len() > SHOWN {
        shown.push(format!("and {} more, see --json", all.len() - SHOWN));
    }
    Some(format!(
        "the bundle was written without {} attachments: the bytes stored on this device are damaged, and the folder has no good \
         copy: {}; `codexd verify` says what to do",
        all.len(),
        shown.join(", ")
    ))
}

fn exported(made: &Value) -> String {
    format!(
        "{} records and {} attachments in {} ({} bytes); {} records left out",
        made["records"],
        made["attachments"],
        text(made, "path"),
        made["size"],
        made["left_out"]
    )
}

fn imported(taken: &Value) -> String {
    let mut line = format!(
        "`{}`: {} of {} records and {} of {} attachments are new here",
        text(taken, "name"),
        taken["new_records"],
        taken["records"],
        taken["new_attachments"],
        taken["attachments"]
    );
    for (key, why) in [
        (
            "left_records",
            "records were left: their authors may not write here, and there is too much of that already",
        ),
        ("left_attachments", "attachments were left: no entry refers to them"),
    ] {
        if let Some(count) = taken[key].as_u64().filter(|count| *count > 0) {
            line.push_str(&format!("\n{count} {why}"));
        }
    }
    line
}

/// Reads a bundle to its end, or to what is not good.
fn inspect(path: &Path) -> (Value, Option<String>) {
    let failed = |fault: &Fault| {
        json!({
            "device": fault.at.map(|at| at.device.to_string()),
            "volume": fault.at.map(|at| at.volume.0.to_string()),
            "seq": fault.at.map(|at| at.seq),
            "reason": fault.reason,
        })
    };
    let mut bundle = match Reader::open(path) {
        Ok(bundle) => bundle,
        Err(error) => {
            return (json!({"good": false, "fault": failed(&error.fault)}), Some(error.to_string()));
        }
    };
    let (mut blobs, mut blob_bytes, mut receipts) = (0_u64, 0_u64, Vec::new());
    let mut fault = None;
    loop {
        match bundle.next_part() {
            Ok(Some(Part::Blob { size, .. })) => {
                blobs += 1;
                blob_bytes = blob_bytes.saturating_add(size);
            }
            Ok(Some(Part::Receipts(found))) => receipts.extend(found),
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => {
                fault = Some(error);
                break;
            }
        }
    }
    let head = bundle.head();
    let base = Frontier::from_tips(head.base.iter().copied());
    let journal = |device: &DeviceId, volume: u64, from: u64, to: u64| json!({"device": device.to_string(), "volume": volume.to_string(), "from": from, "to": to});
    let journals = head
        .tips
        .iter()
        .map(|tip| journal(&tip.device, tip.volume.0, base.seq(tip.device, tip.volume) + 1, tip.seq));
    let said = |receipt: &Receipt| json!({"device": receipt.device.to_string(), "number": receipt.number});
    let value = json!({
        "good": fault.is_none(),
        "fault": fault.as_ref().map(|error| failed(&error.fault)),
        "notebook": head.notebook.to_string(),
        "name": head.name,
        "maker": head.maker.to_string(),
        "made": crate::http::dto::time(head.made),
        "journals": journals.collect::<Vec<_>>(),
        "left_out": base.ahead_of(&Frontier::default()),
        "records": bundle.check().records(),
        "receipts": receipts.iter().map(said).collect::<Vec<_>>(),
        "attachments": blobs,
        "attachment_bytes": blob_bytes,
        "journals_not_carried": bundle.check().not_carried(),
    });
    (value, fault.map(|error| error.to_string()))
}

fn inspection(value: &Value) -> String {
    if value["notebook"].is_null() {
        return String::new();
    }
    let mut lines = vec![
        format!("notebook     {} ({})", text(value, "name").escape_debug(), text(value, "notebook")),
        format!("made         {} by device {}", text(value, "made"), text(value, "maker")),
        format!("records      {} good, {} left out", value["records"], value["left_out"]),
        format!("attachments  {} ({} bytes)", value["attachments"], value["attachment_bytes"]),
        format!("receipts     {}", value["receipts"].as_array().map_or(0, Vec::len)),
    ];
    for journal in value["journals"].as_array().into_iter().flatten() {
        let (device, volume) = (short(text(journal, "device")), text(journal, "volume"));
        lines.push(match (journal["from"].as_u64(), journal["to"].as_u64()) {
            (Some(from), Some(to)) if from > to => {
                format!("journal      {device}, volume {volume}: nothing new")
            }
            (from, to) => {
                let (from, to) = (from.unwrap_or(0), to.unwrap_or(0));
                format!("journal      {device}, volume {volume}: records {from} to {to}")
            }
        });
    }
    lines.join("\n")
}
