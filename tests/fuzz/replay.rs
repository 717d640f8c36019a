//! The fuzz targets without a fuzzer: every seed, every file of the corpus and everything that was ever found passes.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "targets/bundle.rs"]
mod bundle;
#[path = "targets/change.rs"]
mod change;
#[path = "targets/comment.rs"]
mod comment;
#[path = "targets/core.rs"]
mod core;
#[path = "targets/draw.rs"]
mod draw;
#[path = "targets/envelope.rs"]
mod envelope;
#[path = "targets/frame.rs"]
mod frame;
#[path = "targets/markdown.rs"]
mod markdown;
#[path = "targets/properties.rs"]
mod properties;
#[path = "targets/query.rs"]
mod query;
#[path = "targets/record.rs"]
mod record;
mod seeds;
#[path = "targets/ticket.rs"]
mod ticket;
#[path = "targets/token.rs"]
mod token;

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 11] = [
    ("bundle", bundle::run),
    ("change", change::run),
    ("comment", comment::run),
    ("core", core::run),
    ("frame", frame::run),
    ("markdown", markdown::run),
    ("properties", properties::run),
    ("query", query::run),
    ("record", record::run),
    ("ticket", ticket::run),
    ("token", token::run),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// Files of a folder; none if there is no such folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = listed.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// Law 7: no bytes from the network crash, hang or bloat the daemon.
#[test]
fn what_fuzzing_met_passes_every_decoder() {
    for (name, target) in TARGETS {
        let met = ["corpus", "found"].map(|kind| files(&folder().join(kind).join(name)));
        assert!(!met[0].is_empty(), "{name} has a corpus");
        for file in met.concat() {
            let bytes = fs::read(&file).unwrap();
            let passed = std::panic::catch_unwind(|| target(&bytes));
            assert!(passed.is_ok(), "{} does not pass; its panic is above", file.display());
        }
    }
}

/// With `CODEX_FUZZ_SEEDS=FOLDER` it writes them there, in a folder for each target.
#[test]
fn the_seeds_of_fuzzing_pass() {
    let to = std::env::var_os("CODEX_FUZZ_SEEDS").map(PathBuf::from);
    for (name, seeds) in seeds::all() {
        let (_, target) = TARGETS.into_iter().find(|(target, _)| *target == name).unwrap();
        for (n, seed) in seeds.iter().enumerate() {
            target(seed);
            if let Some(folder) = to.as_ref().map(|to| to.join(name)) {
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join(format!("seed-{n:03}")), seed).unwrap();
            }
        }
    }
}
