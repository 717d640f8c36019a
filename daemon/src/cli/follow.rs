//! Following work on a terminal: what a notebook is doing, until it has done it.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::{Client, escape};
use super::failure::Failure;
use super::print::{self, text};

/// How often it is looked.
pub const LOOK: Duration = Duration::from_millis(50);
/// Who joins gets so long to be connected.
const CONNECT: Duration = Duration::from_secs(10);
/// Letters of a bar.
const BAR: u64 = 24;

/// Shows how far a notebook is until nothing is left to do, if a person looks on. Ctrl-C ends the showing, not
/// the work. A notebook that waits for somebody is not waited for.
pub async fn follow(client: &Client, notebook: &Value) -> Result<(), Failure> {
    if !print::is_watched() {
        return Ok(());
    }
    let path = format!("/notebooks/{}", escape(text(notebook, "id")));
    let begun = Instant::now();
    let mut calm = 0;
    // Twice in a row: between a change and its notice there is a moment that looks like rest.
    while calm < 2 {
        let now = client.get(&path).await?;
        let connecting = text(&now, "state") == "joining" && begun.elapsed() < CONNECT;
        calm = if connecting || is_busy(&now) { 0 } else { calm + 1 };
        print::progress(&line(&now));
        tokio::time::sleep(LOOK).await;
    }
    print::progress("");
    Ok(())
}

/// Whether a notebook is doing something by itself.
pub fn is_busy(notebook: &Value) -> bool {
    let list = |key: &str| notebook[key].as_array().cloned().unwrap_or_default();
    let connected = list("peers").iter().any(|peer| peer["connected"] == true);
    // Records and attachments come from peers alone.
    let can_go_on = |work: &Value| connected || !matches!(text(work, "what"), "receive" | "attachments");
    match text(notebook, "state") {
        "scanning" => true,
        "joining" => connected,
        "ready" => list("progress").iter().any(can_go_on),
        _ => false,
    }
}

/// All that a notebook does, in one line.
pub fn line(notebook: &Value) -> String {
    let work = under_way(notebook);
    if work.is_empty() { text(notebook, "state").to_owned() } else { work.join(" · ") }
}

fn under_way(notebook: &Value) -> Vec<String> {
    notebook["progress"].as_array().into_iter().flatten().map(words).collect()
}

fn words(progress: &Value) -> String {
    let (what, unit) = match text(progress, "what") {
        "scan" => ("looking at files", "files"),
        "import" => ("taking in", "files"),
        "receive" => ("receiving", "records"),
        "write" => ("writing", "files"),
        "attachments" => ("fetching", "attachments"),
        _ => ("indexing", "entries"),
    };
    let done = progress["done"].as_u64().unwrap_or_default();
    match progress["total"].as_u64().filter(|total| *total > 0) {
        Some(total) => {
            let full = done.saturating_mul(BAR).checked_div(total).unwrap_or_default().min(BAR);
            let bar: String = (0..BAR).map(|at| if at < full { '#' } else { '.' }).collect();
            format!("{what} [{bar}] {done} of {total} {unit}")
        }
        None => format!("{what}: {done} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn progress_is_one_line() {
        let progress =
            json!([{"what": "scan", "done": 1200, "total": null}, {"what": "index", "done": 5, "total": 10}]);
        let notebook = json!({"state": "scanning", "progress": progress});
        assert_eq!(
            line(&notebook),
            "looking at files: 1200 files · indexing [############............] 5 of 10 entries"
        );
    }

    #[test]
    fn who_waits_for_somebody_is_not_waited_for() {
        for (state, connected, progress, busy) in [
            ("scanning", false, json!([]), true),
            ("joining", false, json!([]), false),
            ("joining", true, json!([]), true),
            ("paused", false, json!([{"what": "write", "done": 0, "total": 4}]), false),
            ("ready", false, json!([]), false),
            ("ready", false, json!([{"what": "write", "done": 0, "total": 4}]), true),
            ("ready", false, json!([{"what": "attachments", "done": 0, "total": 4}]), false),
        ] {
            let notebook = json!({"state": state, "progress": progress, "peers": [{"connected": connected}]});
            assert_eq!(is_busy(&notebook), busy, "{notebook}");
        }
    }
}
