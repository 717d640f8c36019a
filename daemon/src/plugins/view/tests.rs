//! Whatever a `.cdx` says wrong is said with its line.
#![allow(clippy::unwrap_used)]

use std::fs;

use super::*;

fn catalogue() -> Catalogue {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("board");
    fs::create_dir(&folder).unwrap();
    let manifest = "id: board\nname: Board\nversion: 1.0.0\ntype: view\nviews:\n  - id: test-board\n    name: Board\n    config_schema:\n      columns: { type: array, items: { type: object, properties: { id: { type: string, required: true }, title: { type: string } } } }\n      editable: { type: boolean, default: true }\n      size: { type: integer, minimum: 1, maximum: 8 }\n";
    fs::write(folder.join("manifest.yml"), manifest).unwrap();
    Catalogue::read(temp.path(), &|_, _| false)
}

#[test]
fn a_view_is_read_with_its_defaults() {
    let text = "---\ntype: view\nview_type: test-board\ntitle: Tasks\nquery:\n  paths: ['tasks/**']\n  sort: due_date asc\nconfig:\n  columns: [{ id: todo, title: To do }]\nmine: kept\n---\n\nAbove it.\n";
    let file = read(text, &catalogue(), &|_| true);
    assert_eq!(file.warnings, []);
    assert_eq!(
        (file.view_type.as_str(), file.title.as_str(), file.body.as_str()),
        ("test-board", "Tasks", "Above it.")
    );
    assert_eq!(file.plugin.as_deref(), Some("board"));
    assert_eq!(json!(file.config), json!({"columns": [{"id": "todo", "title": "To do"}], "editable": true}));
}

#[test]
fn each_slip_has_its_line() {
    let text = "---\ntype: view\nview_typ: x\nview_type: test-board\nquery:\n  pahts: x\nconfig:\n  size: 99\n  colums: []\n  columns:\n    - title: no id\n    - id: x\n      titel: y\n---\n";
    let file = read(text, &catalogue(), &|_| true);
    let said: Vec<(usize, &str)> =
        file.warnings.iter().map(|one| (one.line.unwrap(), one.key.as_str())).collect();
    assert_eq!(
        said,
        [
            (3, "view_typ"),
            (6, "query.pahts"),
            (8, "config.size"),
            (9, "config.colums"),
            (11, "config.columns.0"),
            (12, "config.columns.1"),
        ],
        "{:?}",
        file.warnings
    );
    assert!(file.warnings[3].message.contains("did you mean `columns`?"));
}

#[test]
fn what_is_no_view_says_so() {
    let catalogue = catalogue();
    let line = |text: &str| read(text, &catalogue, &|_| true).warnings[0].clone();
    assert_eq!(line("# Text\n").line, Some(1));
    assert!(line("---\ntype: view\n---\n").message.contains("test-board"));
    assert!(line("---\nview_type: nothing\n---\n").message.contains("no plugin here has a view `nothing`"));
    let broken = line("---\ntype: view\nquery: [1\nconfig: {}\n---\n");
    let said = broken.line.map(|line| format!("at line {line} "));
    assert!(said.is_some_and(|said| broken.message.contains(&said)), "{broken:?}");
    let twice = line("---\ntype: view\nview_type: test-board\ntype: view\n---\n");
    assert_eq!(
        (twice.message.as_str(), twice.line),
        ("the key `type` is there twice: in line 2 too", Some(4))
    );
    let dashboard = read(
        "---\ntype: view\nview_type: nothing\nconfig:\n  layout: [{ components: [] }]\n---\n",
        &catalogue,
        &|_| true,
    );
    assert!(dashboard.layout.is_some(), "a dashboard's rows may stand in its config");
}

#[test]
fn a_plugin_that_is_not_on_takes_no_view_from_one_that_is() {
    let temp = tempfile::tempdir().unwrap();
    for id in ["first", "zlast"] {
        let folder = temp.path().join(id);
        fs::create_dir(&folder).unwrap();
        let manifest =
            format!("id: {id}\nname: N\nversion: 1.0.0\ntype: view\nviews:\n  - id: same\n    name: Same\n");
        fs::write(folder.join("manifest.yml"), manifest).unwrap();
    }
    let catalogue = Catalogue::read(temp.path(), &|_, _| false);
    let whose = |is_on: &dyn Fn(&Plugin) -> bool| {
        read("---\nview_type: same\n---\n", &catalogue, is_on).plugin.unwrap()
    };
    assert_eq!(whose(&|_| true), "zlast");
    assert_eq!(whose(&|plugin| plugin.id() == "first"), "first");
    assert_eq!(whose(&|_| false), "zlast", "it is said whose it would be");
}

#[test]
fn the_rows_of_a_dashboard_are_looked_at_wherever_they_stand() {
    let catalogue = Catalogue::read(std::path::Path::new("/nonexistent"), &|_, _| false);
    let warned = |text: &str| -> Vec<(Option<usize>, String)> {
        let file = read(&format!("---\ntype: view\n{text}---\n"), &catalogue, &|_| true);
        file.warnings.into_iter().map(|one| (one.line, one.key)).collect()
    };
    let rows = "layout:\n  - components:\n      - { type: mini-view, span: 99, view: A.cdx }\n      - { type: mini-view, titel: x }\n";
    let at_top = warned(&format!("view_type: dashboard\n{rows}"));
    assert_eq!(
        at_top,
        [(Some(6), "layout.0.components.0.span".to_owned()), (Some(7), "layout.0.components.1".to_owned())]
    );
    let inside = warned("view_type: dashboard\nconfig:\n  layout:\n    - componnents: []\n");
    assert_eq!(inside, [(Some(6), "config.layout.0".to_owned())]);
    assert_eq!(
        warned("view_type: kanban\nconfig: { layout: [] }\n"),
        [(Some(4), "config.layout".to_owned())]
    );
}

#[test]
fn a_view_of_a_stranger_is_bounded_in_what_it_has_and_what_is_said_of_it() {
    let keys = |number: usize| (0..number).map(|at| format!("  k{at}: 1\n")).collect::<String>();
    let text = |number: usize| {
        format!(
            "---\ntype: view\nview_type: test-board\nquery:\n{}config:\n{}---\n",
            keys(number),
            keys(number)
        )
    };
    let file = read(&text(5000), &catalogue(), &|_| true);
    assert_eq!(file.warnings.len(), 2 * WARNINGS);
    let file = read(&text(20_000), &catalogue(), &|_| true);
    assert_eq!(file.warnings.len(), 1);
    assert!(file.warnings[0].message.contains("256 at most"), "{:?}", file.warnings);
}
