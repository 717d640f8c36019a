//! Laws 1, 3 and 6 with two real processes: now one daemon and now the other is killed at a random moment, while
//! programs go on working in both folders.
//!
//! `CODEX_KILL_SEED` repeats a run's choices (what is done to which file, and for how long), `CODEX_KILLS` says how many.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use codex_tests::rng::Rng;

use crate::daemon::Daemon;
use crate::{pair, same, tree};

const KILLS: u64 = 200;
/// Notes that both sides append to, save and rename. So many that the deletions of a whole run are no third of the
/// notebook: the brake has tests of its own.
const NOTES: usize = 150;
/// Drafts deleted in one run at most, for the same reason.
const DELETIONS: usize = 40;

/// What programs did, and what must therefore be in both folders.
struct Work {
    rng: Rng,
    /// Lines that were written once and that nobody deleted, and what wrote them.
    kept: BTreeMap<String, String>,
    /// Drafts that are there, by the side that made them, with their line.
    drafts: BTreeMap<PathBuf, (usize, String)>,
    /// Lines of drafts that their makers deleted.
    deleted: BTreeSet<String>,
    deletions: usize,
    count: usize,
}

impl Work {
    fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed),
            kept: BTreeMap::new(),
            drafts: BTreeMap::new(),
            deleted: BTreeSet::new(),
            deletions: 0,
            count: 0,
        }
    }

    /// One thing that a program does in the folder of one side. `down` says that no daemon works there: only then may a
    /// note be read and saved whole, for otherwise the program itself overwrites what came in between.
    fn act(&mut self, side: usize, folder: &Path, down: bool, round: u64) {
        self.count += 1;
        let line = format!("w{}s{side}r{round}", self.count);
        match self.rng.below(20) {
            0..=7 => self.append(folder, line),
            8..=9 if down => self.save_note(folder, line),
            8..=11 => self.save_diary(side, folder, line),
            12..=14 => self.draft(side, folder, line),
            15..=16 => self.delete(side, folder),
            _ => self.rename(folder),
        }
    }

    fn note(&mut self, folder: &Path) -> Option<PathBuf> {
        let mut notes = Vec::new();
        for place in [folder.to_owned(), folder.join("box")] {
            // The folder may be on its way.
            let Ok(items) = fs::read_dir(place) else { continue };
            notes.extend(items.filter_map(|item| item.ok().map(|item| item.path())).filter(|path| {
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("note"))
            }));
        }
        notes.sort();
        self.rng.pick(&notes).cloned()
    }

    fn append(&mut self, folder: &Path, line: String) {
        let Some(note) = self.note(folder) else { return };
        // It may have been renamed since it was listed.
        let Ok(mut file) = fs::OpenOptions::new().append(true).open(&note) else { return };
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
        self.kept.insert(line, format!("append to {}", note.display()));
    }

    fn save_note(&mut self, folder: &Path, line: String) {
        let Some(note) = self.note(folder) else { return };
        self.save(&note, line);
    }

    fn save_diary(&mut self, side: usize, folder: &Path, line: String) {
        self.save(&folder.join(format!("diary {side}.md")), line);
    }

    /// As editors do: read, change somewhere, write beside, rename over.
    fn save(&mut self, file: &Path, line: String) {
        let text = fs::read_to_string(file).unwrap_or_default();
        let mut lines: Vec<&str> = text.lines().collect();
        lines.insert(self.rng.below(lines.len() + 1), &line);
        let name = file.file_name().unwrap().to_string_lossy();
        let beside = file.with_file_name(format!(".{name}.tmp"));
        fs::write(&beside, lines.join("\n") + "\n").unwrap();
        fs::rename(&beside, file).unwrap();
        self.kept.insert(line, format!("save of {}", file.display()));
    }

    fn draft(&mut self, side: usize, folder: &Path, line: String) {
        let draft = folder.join(format!("draft {side} {}.md", self.count));
        fs::write(&draft, format!("{line}\n")).unwrap();
        self.kept.insert(line.clone(), format!("draft {}", draft.display()));
        self.drafts.insert(draft, (side, line));
    }

    /// Only whoever made a draft deletes it: on the other side a deleted file may also be one whose first write was
    /// not confirmed when the daemon died, which is rightly written again.
    fn delete(&mut self, side: usize, folder: &Path) {
        let own: Vec<PathBuf> = self
            .drafts
            .iter()
            .filter(|(path, (maker, _))| *maker == side && path.starts_with(folder))
            .map(|(path, _)| path.clone())
            .collect();
        if self.deletions >= DELETIONS {
            return;
        }
        let Some(draft) = self.rng.pick(&own) else { return };
        fs::remove_file(draft).unwrap();
        let (_, line) = self.drafts.remove(draft).unwrap();
        self.kept.remove(&line);
        self.deleted.insert(line);
        self.deletions += 1;
    }

    fn rename(&mut self, folder: &Path) {
        let Some(note) = self.note(folder) else { return };
        let into = if self.rng.percent(30) { folder.join("box") } else { note.parent().unwrap().to_owned() };
        // Either may have gone since it was listed.
        let _ = fs::rename(&note, into.join(format!("note {} again.md", self.count)));
    }

    /// What is not as it must be in a folder.
    fn wrong(&self, folder: &Path) -> Vec<String> {
        let mut times: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let tree = tree(folder);
        for (path, bytes) in &tree {
            let text = std::str::from_utf8(bytes).unwrap();
            for line in text.lines() {
                times.entry(line).or_default().push(path);
            }
        }
        let mut wrong = Vec::new();
        for (line, how) in &self.kept {
            match times.get(line.as_str()).map_or(&[][..], Vec::as_slice) {
                [_] => {}
                [] => wrong.push(format!("lost: {line} ({how})")),
                many => wrong.push(format!("doubled: {line} ({how}) is in {many:?}")),
            }
        }
        for line in self.deleted.iter().filter(|line| times.contains_key(line.as_str())) {
            wrong.push(format!("back again: {line}"));
        }
        wrong
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn two_hundred_kills_of_either_daemon_lose_nothing() {
    let seed = number("CODEX_KILL_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let kills = number("CODEX_KILLS").unwrap_or(KILLS);
    println!("CODEX_KILL_SEED={seed} CODEX_KILLS={kills} replays this run");
    let (_dir, a, b) = pair(|folder| {
        fs::create_dir(folder.join("box")).unwrap();
        for n in 0..NOTES {
            fs::write(folder.join(format!("note {n}.md")), format!("# Note {n}\n")).unwrap();
        }
    });
    same(&a.folder, &b.folder);
    let mut work = Work::new(seed);
    let mut sides = [a, b];
    let mut killed = [0; 2];
    for kill in 0..kills {
        let victim = usize::try_from(kill % 2).unwrap();
        work_a_while(&mut work, &sides, kill);
        sides[victim].kill();
        killed[victim] += 1;
        for _ in 0..work.rng.below(4) {
            let side = work.rng.below(2);
            work.act(side, &sides[side].folder, side == victim, kill);
        }
        if work.rng.percent(25) {
            // Once more, while it starts.
            sides[victim].begin();
            work_a_while(&mut work, &sides, kill);
            sides[victim].kill();
            killed[victim] += 1;
        }
        sides[victim].restart();
    }
    println!("killed {} and {} times, {} lines written", killed[0], killed[1], work.kept.len());
    for side in &sides {
        let mut wrong = Vec::new();
        let holds = crate::daemon::holds_in_time(|| {
            wrong = work.wrong(&side.folder);
            wrong.is_empty()
        });
        assert!(holds, "seed {seed}, in {}:\n{}", side.folder.display(), wrong.join("\n"));
    }
    same(&sides[0].folder, &sides[1].folder);
    for side in &sides {
        side.run(&["wait", "--synced", "--timeout", "2m"]);
        side.run(&["verify"]);
    }
}

fn work_a_while(work: &mut Work, sides: &[Daemon; 2], round: u64) {
    let moment = Instant::now() + Duration::from_millis(work.rng.next_u64() % 150);
    let mut left = 1 + work.rng.below(5);
    while Instant::now() < moment {
        if left > 0 {
            left -= 1;
            let side = work.rng.below(2);
            work.act(side, &sides[side].folder, false, round);
        }
        std::thread::park_timeout(Duration::from_millis(work.rng.next_u64() % 20));
    }
}
