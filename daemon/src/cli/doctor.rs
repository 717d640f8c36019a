//! `doctor`: looks for what may go wrong on this machine. Changes nothing, and needs no daemon.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use codex_crdt_model::store::Source;
use serde::Serialize;

use super::failure::Failure;
use super::print::Output;
use super::verify::registered;
use crate::home::{Config, Place, RunFile};
use crate::store::Reader;
use crate::system::NotebookRow;

/// Less free space than this is worth a word.
const LOW_SPACE: u64 = 1 << 30;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Warning,
    Fault,
}

/// One finding.
#[derive(Debug, Serialize)]
struct Finding {
    level: Level,
    about: String,
    message: String,
}

#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, level: Level, about: impl Into<String>, message: impl Into<String>) {
        self.0.push(Finding { level, about: about.into(), message: message.into() });
    }
}

/// `doctor`.
pub async fn doctor(home: Option<&Path>, out: Output) -> Result<(), Failure> {
    let place = Place::find(home)?;
    let work = move || {
        let mut findings = Findings::default();
        examine_home(&place, &mut findings);
        match registered(&place) {
            Ok(notebooks) => {
                watches(&notebooks, &mut findings);
                notebooks.iter().for_each(|row| examine_notebook(row, &mut findings));
            }
            Err(failure) => {
                findings.add(Level::Fault, "registry", failure.line().unwrap_or_default());
            }
        }
        findings
    };
    let Findings(all) = tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Failure::new(format!("cannot look around: the check broke off: {error}")))?;
    let value = serde_json::json!({"findings": all});
    out.show(&value, |_| {
        let line = |one: &Finding| {
            let level = match one.level {
                Level::Ok => "ok     ",
                Level::Warning => "warning",
                Level::Fault => "FAULT  ",
            };
            format!("{level}  {}: {}", one.about, one.message)
        };
        all.iter().map(line).collect::<Vec<_>>().join("\n")
    });
    if all.iter().any(|one| one.level == Level::Fault) { Err(Failure::said()) } else { Ok(()) }
}

fn examine_home(place: &Place, findings: &mut Findings) {
    let about = "home";
    let shown = place.dir.display();
    match std::fs::metadata(&place.dir) {
        Err(_) => {
            findings.add(Level::Warning, about, format!("{shown} is not there yet; `codexd serve` makes it"));
            return;
        }
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => {
            findings.add(
                Level::Warning,
                about,
                format!("others can look into {shown}; run `chmod 700` on it"),
            );
        }
        Ok(_) => findings.add(Level::Ok, about, shown.to_string()),
    }
    match std::fs::metadata(place.dir.join("device.key")) {
        Err(_) => findings.add(Level::Warning, "key", "there is no device key yet"),
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => {
            findings.add(Level::Fault, "key", "others can read device.key; run `chmod 600` on it");
        }
        Ok(_) => findings.add(Level::Ok, "key", "only you can read it"),
    }
    if place.config.exists() {
        match Config::load(&place.config) {
            Ok(config) => {
                findings.add(Level::Ok, "settings", format!("this device is `{}`", config.device_name))
            }
            Err(error) => findings.add(Level::Fault, "settings", error.to_string()),
        }
    }
    match RunFile::read(place) {
        Some(run)
            if Path::new("/proc").join(run.pid.to_string()).exists() || !Path::new("/proc").exists() =>
        {
            findings.add(Level::Ok, "daemon", format!("runs as process {} at {}", run.pid, run.url));
        }
        Some(run) => findings.add(
            Level::Warning,
            "daemon",
            format!("process {} is gone without tidying up; the next start does it", run.pid),
        ),
        None => findings.add(Level::Ok, "daemon", "does not run"),
    }
    space(&place.dir, about, findings);
}

fn space(path: &Path, about: &str, findings: &mut Findings) {
    let Ok(stat) = rustix::fs::statvfs(path) else { return };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    if stat.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY) {
        findings.add(Level::Fault, about, "the file system is read-only");
    } else if free < LOW_SPACE {
        findings.add(Level::Warning, about, format!("only {} MiB are free", free >> 20));
    }
}

fn watches(notebooks: &[NotebookRow], findings: &mut Findings) {
    let Ok(text) = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches") else { return };
    let Ok(most) = text.trim().parse::<u64>() else { return };
    let needed: u64 = notebooks.iter().map(|row| folders(Path::new(&row.path))).sum();
    if needed.saturating_mul(2) > most {
        let message = format!(
            "the notebooks have {needed} folders and the system watches {most} at most, for all programs; raise \
             fs.inotify.max_user_watches, or changes are only found by the hourly scan"
        );
        findings.add(Level::Warning, "watches", message);
    } else {
        findings.add(Level::Ok, "watches", format!("{needed} folders of {most} that can be watched"));
    }
}

fn folders(root: &Path) -> u64 {
    let walk = ignore::WalkBuilder::new(root).standard_filters(false).follow_links(false).build();
    walk.flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_dir())).count() as u64
}

fn examine_notebook(row: &NotebookRow, findings: &mut Findings) {
    let about = format!("notebook `{}`", row.slug);
    let root = Path::new(&row.path);
    if !root.is_dir() {
        let message =
            format!("{} is not there; nothing is deleted because of that. Is a disk missing?", row.path);
        findings.add(Level::Fault, about, message);
        return;
    }
    let marker = std::fs::read_to_string(root.join(".codex/notebook")).unwrap_or_default();
    if marker.trim() != row.id.to_string() {
        let message =
            format!("the marker .codex/notebook of {} says `{}`, not {}", row.path, marker.trim(), row.id);
        findings.add(Level::Fault, about.clone(), message);
    }
    space(root, &about, findings);
    let reader = match Reader::open(&root.join(".codex/store.db")) {
        Ok(reader) => reader,
        Err(error) => return findings.add(Level::Fault, about, error.to_string()),
    };
    if matches!(reader.meta(), Ok(Some(meta)) if meta.held) {
        let message = format!(
            "many deletions at once are held; `codexd status` names them. Yes, delete: `codexd notebook resume {slug} \
             --accept-deletions`; no, bring the files back: `codexd notebook resume {slug}`",
            slug = row.slug
        );
        findings.add(Level::Warning, about.clone(), message);
    }
    match reader.counts() {
        Err(error) => findings.add(Level::Fault, about.clone(), error.to_string()),
        Ok(counts) => {
            let message = format!(
                "{} entries, {} records, {} files to write, {} conflicts, {} attachments missing",
                counts.alive, counts.records, counts.pending, counts.conflicts, counts.blobs_missing
            );
            findings.add(Level::Ok, about.clone(), message);
        }
    }
    match reader.forks() {
        Ok(forks) if forks.is_empty() => {}
        Ok(forks) => findings.add(
            Level::Warning,
            about,
            format!("{} places in journals are claimed twice: a device was cloned or restored", forks.len()),
        ),
        Err(error) => findings.add(Level::Fault, about, error.to_string()),
    }
}
