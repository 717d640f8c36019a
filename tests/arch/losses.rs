//! Every line of `losses` has its test, and the table in `docs/testing.md` says which.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Source, root, sources};

/// The lines that this version answers for. The others belong to parts that are not there yet.
fn lines() -> impl Iterator<Item = u32> {
    (1..=29).chain(36..=50)
}

/// Numbers after `L` in a text such as `losses.md L12, L13: …`.
fn numbers(text: &str) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for part in text.split(|c: char| !c.is_alphanumeric()) {
        if let Some(number) = part.strip_prefix('L').and_then(|digits| digits.parse().ok()) {
            found.insert(number);
        }
    }
    found
}

/// Test functions, and the lines of `losses` that the comment above each cites.
fn citing() -> BTreeMap<u32, BTreeSet<String>> {
    let all = ["crdt-model", "daemon/src", "tests"].map(|folder| sources(folder, &[".rs"]));
    let mut citing: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for Source { text, .. } in all.iter().flatten() {
        let mut comment = String::new();
        let mut is_test = false;
        for line in text.lines() {
            let line = line.trim_start();
            if let Some(words) = line.strip_prefix("///") {
                comment.push_str(words);
            } else if line.starts_with("#[") {
                is_test |= line.contains("test]") || line.contains("test(");
            } else {
                let name = line
                    .trim_start_matches("async ")
                    .strip_prefix("fn ")
                    .and_then(|rest| rest.split('(').next());
                if let Some(name) = name.filter(|_| is_test && comment.contains("losses.md")) {
                    for number in numbers(comment.split_once("losses.md").map_or("", |(_, after)| after)) {
                        citing.entry(number).or_default().insert(name.to_owned());
                    }
                }
                comment.clear();
                is_test = false;
            }
        }
    }
    citing
}

#[test]
fn every_line_of_losses_has_its_test() {
    let citing = citing();
    let bare: Vec<String> =
        lines().filter(|line| !citing.contains_key(line)).map(|n| format!("L{n}")).collect();
    assert!(bare.is_empty(), "no test cites {}", bare.join(", "));
}

#[test]
fn the_table_of_losses_names_tests_that_are_there_and_cite_them() {
    let citing = citing();
    let text = std::fs::read_to_string(root().join("docs/testing.md")).unwrap();
    let mut rows: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let Some(number) = cells.next().and_then(|id| id.strip_prefix('L')).and_then(|n| n.parse().ok())
        else {
            continue;
        };
        let tests = cells.last_named();
        rows.insert(number, tests);
    }
    for line in lines() {
        let row = rows.get(&line).unwrap_or_else(|| panic!("docs/testing.md has no row L{line}"));
        let known = citing.get(&line).cloned().unwrap_or_default();
        let strange: Vec<&String> = row.iter().filter(|name| !known.contains(*name)).collect();
        assert!(strange.is_empty(), "L{line}: no test that cites it is called {strange:?}");
        assert!(!row.is_empty(), "L{line}: docs/testing.md names no test");
    }
}

/// Reading the last cell of a table's row.
trait LastNamed {
    /// The words in backticks in the last cell that has any.
    fn last_named(self) -> Vec<String>;
}

impl<'a, I: Iterator<Item = &'a str>> LastNamed for I {
    fn last_named(self) -> Vec<String> {
        let cells: Vec<&str> = self.filter(|cell| cell.contains('`')).collect();
        let last = cells.last().copied().unwrap_or_default();
        last.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }
}
