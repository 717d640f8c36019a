//! `docs/on-disk.md` against what daemons leave on disk.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::{pair, same};

fn document() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/on-disk.md"))
        .unwrap()
}

/// The names in the first column of the table under a heading.
fn column(text: &str, heading: &str) -> BTreeSet<String> {
    let (_, section) = text.split_once(&format!("{heading}\n")).unwrap();
    let section = section.split("\n#").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap().to_owned()).collect()
}

fn names(folder: &Path, prefix: &str) -> BTreeSet<String> {
    let items = fs::read_dir(folder).unwrap().map(|item| item.unwrap().file_name().into_string().unwrap());
    items.map(|name| format!("{prefix}{name}")).collect()
}

#[test]
fn what_lies_on_disk_is_what_the_document_says() {
    let (_dir, mut a, mut b) = pair(|folder| {
        fs::write(folder.join("a.md"), "text\n").unwrap();
        fs::write(folder.join("a.png"), [0, 1, 2]).unwrap();
    });
    same(&a.folder, &b.folder);
    a.run(&["wait", "--synced"]);
    let text = document();
    let (folder, home) = (column(&text, "## In the notebook folder"), column(&text, "## In the home"));
    for side in [&mut a, &mut b] {
        let running = names(&side.folder.join(".codex"), ".codex/");
        assert_eq!(running.difference(&folder).collect::<Vec<_>>(), Vec::<&String>::new(), "in the notebook");
        for always in
            [".codex/notebook", ".codex/store.db", ".codex/store.lock", ".codex/mirror.db", ".codex/tmp"]
        {
            assert!(running.contains(always), "{always}");
        }
        side.stop();
        let mut found = names(side.home(), "");
        // The harness's own.
        found.remove("log");
        assert_eq!(found.difference(&home).collect::<Vec<_>>(), Vec::<&String>::new(), "in the home");
        for always in ["device.key", "config.toml", "system.db", "blobs", "run"] {
            assert!(found.contains(always), "{always}");
        }
        let head = fs::read(side.folder.join(".codex/store.db")).unwrap();
        assert_eq!(head[68..72], [0x43, 0x6f, 0x64, 0x78], "application_id");
        let marker = fs::read_to_string(side.folder.join(".codex/notebook")).unwrap();
        assert!(
            marker.len() == 65
                && marker.ends_with('\n')
                && marker[..64].bytes().all(|c| c.is_ascii_hexdigit())
        );
        let key = fs::read_to_string(side.home().join("device.key")).unwrap();
        assert_eq!(key.trim().len(), 64);
    }
}

#[test]
fn the_tables_in_the_document_are_those_of_the_migrations() {
    let made = |sql: &[String]| -> BTreeSet<String> {
        let words = sql.iter().flat_map(|sql| sql.split("CREATE TABLE ").skip(1));
        words.map(|rest| rest.split([' ', '(']).next().unwrap().to_owned()).collect()
    };
    let text = document();
    for database in ["store", "system"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let files = fs::read_dir(root.join("daemon/migrations").join(database)).unwrap();
        let sql: Vec<String> = files.map(|item| fs::read_to_string(item.unwrap().path()).unwrap()).collect();
        assert_eq!(column(&text, &format!("### Tables of {database}.db")), made(&sql));
    }
}
