//! Fences: what may name what, and what must not be there at all. Each rule has its reason in
//! `docs/architecture.md` or `docs/testing.md`.
#![allow(clippy::unwrap_used)]

mod losses;
mod security;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Longest file. What is longer is two things.
const LINES: usize = 600;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A source file: its path from the top, and its text.
pub struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/") || self.path.starts_with("tests/")
    }

    /// Code without comments and without the tests at its end.
    fn code(&self) -> impl Iterator<Item = &str> {
        let code = self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        code.lines().filter(|line| !line.trim_start().starts_with("//"))
    }
}

/// All files below a folder with one of these endings.
pub fn sources(folder: &str, endings: &[&str]) -> Vec<Source> {
    let (root, mut found) = (root(), Vec::new());
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for item in std::fs::read_dir(&folder).unwrap() {
            let path = item.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                let foreign =
                    name.starts_with('.') || ["node_modules", "dist", "target"].contains(&name.as_str());
                if !foreign {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let text = std::fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                found.push(Source { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "{folder} holds files");
    found
}

fn none(rule: &str, broken: Vec<String>) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

/// What a member of the workspace depends on, by `cargo tree`.
fn tree(package: &str, edges: &str) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--prefix", "none", "-p", package, "-e", edges])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn the_arrows_point_one_way() {
    let ours = ["codex-crdt-model", "codexd", "codex-tests"];
    for (package, may) in
        [("codex-crdt-model", &ours[..1]), ("codexd", &ours[..2]), ("codex-tests", &ours[..3])]
    {
        let used = tree(package, "normal,build,dev");
        let wrong = ours.iter().filter(|name| used.contains(**name) && !may.contains(name));
        none(
            "crdt-model <- daemon <- tests, no other arrow",
            wrong.map(|n| format!("{package} -> {n}")).collect(),
        );
    }
}

#[test]
fn the_core_depends_on_nothing_that_does_input_or_output() {
    let banned = [
        "tokio",
        "mio",
        "async-std",
        "rusqlite",
        "libsqlite3-sys",
        "notify",
        "inotify",
        "iroh",
        "iroh-blobs",
        "quinn",
        "hyper",
        "reqwest",
        "axum",
        "rustix",
        "nix",
        "tempfile",
        "git2",
        "memmap2",
        "chrono",
        "jiff",
        "time",
        "serde_json",
        "tracing-subscriber",
        "num_cpus",
        "rayon",
    ];
    let used = tree("codex-crdt-model", "normal");
    none(
        "the core is pure",
        banned.iter().filter(|name| used.contains(**name)).map(ToString::to_string).collect(),
    );
}

#[test]
fn the_core_names_no_clock_no_file_no_thread_and_no_hash_order() {
    let banned = [
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "std::thread",
        "std::time",
        "std::io",
        "SystemTime",
        "Instant",
        "HashMap",
        "HashSet",
        "getrandom",
        "rand::",
        "thread_rng",
        "unsafe ",
        "println!",
        "eprintln!",
    ];
    let mut broken = Vec::new();
    for source in sources("crdt-model/src", &[".rs"]).iter().filter(|source| !source.is_test()) {
        for line in source.code() {
            let named = banned.iter().filter(|word| line.contains(**word));
            broken.extend(named.map(|word| format!("{}: {word}", source.path)));
        }
    }
    none("the core does no input or output, reads no clock, draws no chance", broken);
}

#[test]
fn the_wall_clock_is_read_in_one_file() {
    let words = ["SystemTime::now", "Timestamp::now", "Zoned::now", "Utc::now", "Local::now"];
    let mut broken = Vec::new();
    for source in sources("daemon/src", &[".rs"]).iter().filter(|source| !source.is_test()) {
        let reads = source.code().any(|line| words.iter().any(|word| line.contains(word)));
        if reads && source.path != "daemon/src/clock.rs" {
            broken.push(source.path.clone());
        }
    }
    none("only daemon/src/clock.rs reads the wall clock", broken);
}

/// `docs/architecture.md`, "shells do not steer one another": who may name whom.
#[test]
fn shells_name_one_another_only_as_the_architecture_says() {
    let may: BTreeMap<&str, &[&str]> = [
        ("clock", &[][..]),
        ("private", &[]),
        ("system", &["private"]),
        ("progress", &[]),
        ("live", &[]),
        ("home", &["private", "system", "net"]),
        ("store", &["private"]),
        ("blobs", &[]),
        ("extract", &[]),
        ("bundle", &[]),
        ("watch", &["disk"]),
        ("disk", &["blobs", "store", "clock"]),
        ("mirror", &["extract", "private", "store", "clock", "progress"]),
        ("git", &["private", "store", "clock"]),
        ("net", &["blobs"]),
        ("timestamps", &["home"]),
        ("signs", &[]),
        ("plugins", &["clock", "mirror", "signs", "system"]),
        ("driver", &["blobs", "clock", "disk", "git", "mirror", "net", "private", "progress", "store"]),
        (
            "daemon",
            &[
                "blobs",
                "bundle",
                "clock",
                "driver",
                "git",
                "home",
                "live",
                "net",
                "plugins",
                "store",
                "system",
                "timestamps",
                "watch",
            ],
        ),
        (
            "http",
            &[
                "blobs",
                "bundle",
                "clock",
                "daemon",
                "driver",
                "home",
                "live",
                "mirror",
                "net",
                "plugins",
                "progress",
                "store",
                "system",
                "timestamps",
            ],
        ),
        (
            "cli",
            &[
                "bundle",
                "daemon",
                "extract",
                "home",
                "http",
                "plugins",
                "signs",
                "store",
                "system",
                "timestamps",
            ],
        ),
    ]
    .into();
    let mut broken = Vec::new();
    for source in sources("daemon/src", &[".rs"]).iter().filter(|source| !source.is_test()) {
        let place = source.path.trim_start_matches("daemon/src/");
        let shell = place.split(['/', '.']).next().unwrap();
        let Some(allowed) = may.get(shell) else {
            assert!(["main", "lib"].contains(&shell), "{} belongs to no known shell", source.path);
            continue;
        };
        for line in source.code() {
            for named in line.split("crate::").skip(1) {
                let named = named.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                let known = named == shell || allowed.contains(&named) || !may.contains_key(named);
                if !known {
                    broken.push(format!("{}: {shell} names {named}", source.path));
                }
            }
        }
    }
    none("shells observe and obey; the driver and the daemon wire them", broken);
}

#[test]
fn the_page_asks_the_daemon_in_one_place() {
    let asking = |source: &Source| {
        source.text.lines().any(|line| {
            let line = line.trim_start();
            let word = |word: &str| {
                line.find(word).is_some_and(|at| {
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.')
                })
            };
            !line.starts_with("//") && (word("fetch(") || line.contains("XMLHttpRequest"))
        })
    };
    let all = sources("web-ui/src", &[".ts", ".svelte"]);
    let found: Vec<&str> = all.iter().filter(|s| asking(s)).map(|s| s.path.as_str()).collect();
    assert_eq!(found.len(), 1, "`fetch(` appears once: {found:?}");
    assert!(found[0].starts_with("web-ui/src/api/"), "{found:?}");
}

#[test]
fn every_file_is_short_enough_to_be_read() {
    let mut long = Vec::new();
    for folder in ["crdt-model", "daemon", "tests", "web-ui/src"] {
        for source in sources(folder, &[".rs", ".ts", ".svelte", ".css", ".sql"]) {
            let lines = source.text.lines().count();
            // Made from `openapi.json`.
            let made = source.path == "web-ui/src/api/schema.ts";
            if lines > LINES && !made {
                long.push(format!("{}: {lines} lines", source.path));
            }
        }
    }
    none("a file has at most 600 lines", long);
}

#[test]
fn every_module_says_what_it_is() {
    let mut silent = Vec::new();
    for folder in ["crdt-model/src", "daemon/src", "tests"] {
        let all = sources(folder, &[".rs"]);
        let plain = all.iter().filter(|source| !source.path.contains("/src/") || !source.is_test());
        silent
            .extend(plain.filter(|source| !source.text.starts_with("//!")).map(|source| source.path.clone()));
    }
    none("every module begins with `//!`", silent);
}

#[test]
fn versions_are_written_in_one_place() {
    let mut broken = Vec::new();
    for member in ["crdt-model", "daemon", "tests"] {
        let text = std::fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
        let mut in_dependencies = false;
        for line in text.lines() {
            if line.starts_with('[') {
                in_dependencies = line.contains("dependencies");
            } else if in_dependencies && line.contains('=') && !line.contains("workspace = true") {
                broken.push(format!("{member}: {line}"));
            }
        }
    }
    none("dependencies' versions stand in the workspace's Cargo.toml", broken);
}
