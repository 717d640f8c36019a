//! The threat model says what is defended, and which test shows it: each that it names is there, and no row is without one.

use std::collections::BTreeSet;

use crate::{root, sources};

/// Rows whose last cell says in words why no test of ours shows it.
const IN_WORDS: [&str; 2] = ["a relay", "whoever has the laptop unlocked"];

#[test]
fn the_threat_model_names_tests_that_are_there() {
    let folders = ["crdt-model", "daemon/src", "tests"];
    let all: Vec<_> = folders.iter().flat_map(|folder| sources(folder, &[".rs"])).collect();
    let tests: BTreeSet<&str> = all
        .iter()
        .flat_map(|source| source.text.lines())
        .filter_map(|line| line.trim_start().trim_start_matches("async ").strip_prefix("fn "))
        .filter_map(|rest| rest.split('(').next())
        .collect();
    let text = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
    let mut broken = Vec::new();
    let rows = text.lines().filter(|line| line.starts_with("| ")).skip(1);
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [who, .., shown_by] = cells[..] else { panic!("{row}") };
        let named: Vec<&str> = shown_by.split('`').skip(1).step_by(2).collect();
        let is_name = |name: &&&str| name.contains('_') && !name.contains(['/', '.']);
        let names: Vec<&&str> = named.iter().filter(is_name).collect();
        if names.is_empty() && !IN_WORDS.contains(&who) {
            broken.push(format!("{who}: no test is named"));
        }
        broken
            .extend(names.iter().filter(|name| !tests.contains(**name)).map(|name| format!("{who}: {name}")));
        let files = named.iter().filter(|name| name.contains('/') && !root().join(name).exists());
        broken.extend(files.map(|file| format!("{who}: {file}")));
    }
    assert!(broken.is_empty(), "docs/security.md:\n  {}", broken.join("\n  "));
}
