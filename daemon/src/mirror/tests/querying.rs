use serde_json::{Value, json};

use super::fake::World;
use crate::mirror::query::{self, Query};
use crate::mirror::{QueryAnswer, dates};

/// Monday, 2026-06-15, noon UTC.
const NOW: i64 = 1_781_524_800_000;

async fn tasks() -> World {
    let world = World::new();
    let task = |path: &str, front: &str| world.text(path, &format!("---\n{front}\n---\nabout {path}"));
    task("a/1.md", "status: todo\npriority: 2\ntags: [red, lab]\ndue_date: 2026-06-15\ntype: task");
    task("a/b/2.md", "status: done\npriority: 10\ntags: [red]\ndue_date: 2026-06-20 10:00:00\ntype: task");
    task("a/3.md", "status: todo\npriority: 1\ntags: [blue, lab]");
    task("c/4.md", "who: {name: Ada}\nflag: true");
    world.text("c/5.csv", "1,2");
    world.blob("c/6.png");
    world.settle().await;
    world
}

fn ask(world: &World, body: Value) -> QueryAnswer {
    let query: Query = serde_json::from_value(body).unwrap();
    query::run(&[("nb".into(), world.mirror.clone())], &query, NOW).unwrap()
}

fn names(answer: &QueryAnswer) -> Vec<&str> {
    answer.files.iter().map(|found| found.entry.name.as_str()).collect()
}

#[tokio::test]
async fn every_condition_of_a_query() {
    let world = tasks().await;
    let check =
        |body: Value, wanted: &[&str]| assert_eq!(names(&ask(&world, body.clone())), wanted, "{body}");
    check(json!({}), &["1.md", "3.md", "2.md", "4.md", "5.csv", "6.png"]);
    check(json!({"paths": ["a/*"]}), &["1.md", "3.md"]);
    check(json!({"paths": ["a/**/*"]}), &["1.md", "3.md", "2.md"]);
    check(json!({"paths": "c"}), &["4.md", "5.csv", "6.png"]);
    check(json!({"paths": ["**/*.csv"]}), &["5.csv"]);
    check(json!({"tags": ["red", "lab"]}), &["1.md"]);
    check(json!({"tags_any": ["red", "blue"]}), &["1.md", "3.md", "2.md"]);
    check(json!({"content_types": ["text/csv", "image/*"]}), &["5.csv", "6.png"]);
    check(json!({"file_types": ["task"]}), &["1.md", "2.md"]);
    check(json!({"properties": {"status": "todo"}}), &["1.md", "3.md"]);
    check(json!({"properties": {"status": ["done", "open"]}}), &["2.md"]);
    check(json!({"properties": {"priority": 10}}), &["2.md"]);
    check(json!({"properties": {"priority": "1"}}), &["3.md"]);
    check(json!({"properties": {"flag": true, "who": {"name": "Ada"}}}), &["4.md"]);
    check(json!({"properties": {"tags": "lab"}}), &["1.md", "3.md"]);
    check(json!({"properties": {"status": null}}), &["4.md", "5.csv", "6.png"]);
    check(json!({"properties_exists": ["who"]}), &["4.md"]);
    check(json!({"properties_exists": ["who.name", "flag"]}), &["4.md"]);
    check(json!({"properties": {"due_date": "{{ today }}"}}), &["1.md"]);
    check(
        json!({"date_property": "due_date", "date_after": "{{ todayStart }}", "date_before": "{{todayEnd}}"}),
        &["1.md"],
    );
    check(json!({"date_property": "due_date", "date_before": "{{ endOfWeek }}"}), &["1.md", "2.md"]);
    check(json!({"date_property": "due_date", "date_after": "2026-06-16"}), &["2.md"]);
    check(json!({"created_after": "{{ startOfMonth }}"}), &[]);
    check(json!({"created_before": "2026-01-01", "modified_before": 1_000_001, "tags": "red"}), &["1.md"]);
    check(json!({"content_search": "about 3"}), &["3.md"]);
    check(json!({"content_search": "about", "tags": ["lab"], "sort": "name desc"}), &["3.md", "1.md"]);
}

#[tokio::test]
async fn when_an_entry_began_is_what_it_says_itself() {
    let world = tasks().await;
    // The files began in 1970.
    world.text("d/7.md", "---\ncreated: 2026-03-01\n---\n");
    world.text("d/8.md", "---\ncreated: 2026-01-01T08:00:00Z\n---\n");
    world.text("d/9.md", "---\ncreated: long ago\n---\n");
    world.settle().await;
    let check =
        |body: Value, wanted: &[&str]| assert_eq!(names(&ask(&world, body.clone())), wanted, "{body}");
    check(json!({"paths": ["d/*"], "sort": "created"}), &["9.md", "8.md", "7.md"]);
    check(json!({"paths": ["d/*"], "sort": "created_at desc"}), &["7.md", "8.md", "9.md"]);
    check(json!({"paths": ["d/*"], "sort": "file_created desc"}), &["7.md", "8.md", "9.md"]);
    check(json!({"created_after": "2026-01-01"}), &["7.md", "8.md"]);
    check(json!({"paths": ["d/*"], "created_before": "2026-02-01"}), &["8.md", "9.md"]);
    let grouped = ask(&world, json!({"paths": ["d/*"], "group_by": "created"}));
    let days = grouped.groups.unwrap().into_iter().map(|(day, _)| day).collect::<Vec<_>>();
    assert_eq!(days, ["1970-01-01", "2026-01-01", "2026-03-01"]);
}

#[tokio::test]
async fn sorting_puts_what_is_missing_last() {
    let world = tasks().await;
    let check = |sort: Value, wanted: &[&str]| {
        assert_eq!(names(&ask(&world, json!({"sort": sort, "paths": ["**/*.md"]}))), wanted, "{sort}");
    };
    check(json!("properties.priority asc"), &["3.md", "1.md", "2.md", "4.md"]);
    check(json!("properties.priority desc"), &["2.md", "1.md", "3.md", "4.md"]);
    check(json!({"field": "properties.status", "order": "desc"}), &["1.md", "3.md", "2.md", "4.md"]);
    check(json!(["properties.status asc", "-name"]), &["2.md", "3.md", "1.md", "4.md"]);
    check(json!("modified desc"), &["4.md", "3.md", "2.md", "1.md"]);
    check(json!("no_such_thing"), &["1.md", "3.md", "2.md", "4.md"]);
    let query: Query = serde_json::from_value(json!({"sort": "no_such_thing"})).unwrap();
    let warnings = world.mirror.query(&query).unwrap().warnings;
    assert!(warnings.iter().any(|warning| warning.contains("`no_such_thing`")), "{warnings:?}");
}

/// A key that a query does not have is said, with the one that was meant; it is never quietly "everything".
#[tokio::test]
async fn what_a_query_does_not_know_is_said() {
    let world = tasks().await;
    for (body, says) in [
        (
            json!({"tag": "red"}),
            vec!["no `tag`, so that is left out; did you mean `tags`?", "every file is listed"],
        ),
        (
            json!({"propertys": {}, "tags": "red"}),
            vec!["no `propertys`, so that is left out; did you mean `properties`?"],
        ),
        (
            json!({"colour": "red", "paths": "a"}),
            vec!["no `colour`, so that is left out; it may have notebook_ids, paths, "],
        ),
        (json!({"group_by": "colour"}), vec!["nothing is grouped by `colour`"]),
        (json!({"content_search": "\"about 3"}), vec!["the quotation mark before `about 3` is not closed"]),
        (json!({"group_by": "status", "tags": "red", "sort": "priority", "limit": 3}), vec![]),
        (json!({"group_by": "properties.colour", "sort": "properties.colour"}), vec![]),
    ] {
        let warnings = ask(&world, body.clone()).warnings;
        assert_eq!(warnings.len(), says.len(), "{body}: {warnings:?}");
        assert!(
            warnings.iter().zip(says).all(|(warning, says)| warning.contains(says)),
            "{body}: {warnings:?}"
        );
    }
    let known = serde_json::to_value(Query::default()).unwrap();
    let known: Vec<&str> = known.as_object().unwrap().keys().map(String::as_str).collect();
    let mut keys = query::KEYS.to_vec();
    keys.sort_unstable();
    assert_eq!(keys, known);
}

#[tokio::test]
async fn groups_are_made_before_pages() {
    let world = tasks().await;
    let body = json!({"paths": ["a/**"], "group_by": "properties.status", "limit": 1, "sort": "name"});
    let answer = ask(&world, body);
    let shown = serde_json::to_value(&answer).unwrap();
    assert_eq!((answer.total, answer.limit, answer.files.len()), (3, 1, 1));
    assert_eq!(shown["groups"]["todo"][0]["name"], "1.md");
    assert_eq!(shown["groups"]["done"][0]["name"], "2.md");
    assert_eq!(shown["group_totals"], json!({"done": 1, "todo": 2}));
    let answer = ask(&world, json!({"group_by": "tags", "tags": ["red"]}));
    let groups: Vec<_> =
        answer.groups.unwrap().into_iter().map(|(value, files)| (value, files.len())).collect();
    assert_eq!(groups, [("lab".to_owned(), 1), ("red".to_owned(), 2)]);
    let answer = ask(&world, json!({"offset": 1, "limit": 2}));
    assert_eq!((names(&answer), answer.total, answer.offset), (vec!["3.md", "2.md"], 6, 1));
}

#[tokio::test]
async fn one_order_over_all_notebooks() {
    let (one, two) = (tasks().await, World::new());
    two.text("x.md", "---\npriority: 5\n---\n");
    two.settle().await;
    let query: Query =
        serde_json::from_value(json!({"properties_exists": ["priority"], "sort": "properties.priority"}))
            .unwrap();
    let mirrors = [("one".to_owned(), one.mirror.clone()), ("two".to_owned(), two.mirror.clone())];
    let answer = query::run(&mirrors, &query, NOW).unwrap();
    assert_eq!(names(&answer), ["3.md", "1.md", "x.md", "2.md"]);
    assert_eq!(answer.files[2].notebook, "two");
}

#[tokio::test]
async fn what_makes_no_sense_is_said() {
    let world = tasks().await;
    let answer =
        ask(&world, json!({"colour": 1, "tags": ["{{ yesterday }}"], "sort": {"order": "up", "by": "name"}}));
    let says = [
        "there is no variable `yesterday`; there are today, now, ",
        "a query has no `colour`, so that is left out; it may have ",
        "`up` is no direction to sort in; use `asc` or `desc`",
    ];
    assert_eq!(answer.warnings.len(), says.len(), "{:?}", answer.warnings);
    assert!(answer.warnings.iter().zip(says).all(|(w, says)| w.starts_with(says)), "{:?}", answer.warnings);
    assert!(dates::VARIABLES.iter().all(|name| dates::variable(name, NOW).is_some()));
    for body in
        [json!({"created_after": "soon"}), json!({"date_after": "2026-01-01"}), json!({"paths": ["a[/**"]})]
    {
        let query: Query = serde_json::from_value(body).unwrap();
        assert!(query::run(&[("nb".into(), world.mirror.clone())], &query, NOW).is_err());
    }
}

#[test]
fn weeks_begin_on_monday() {
    let sunday = NOW - 86_400_000;
    assert_eq!(dates::variable("startOfWeek", NOW).unwrap(), "2026-06-15T00:00:00");
    assert_eq!(dates::variable("startOfWeek", sunday).unwrap(), "2026-06-08T00:00:00");
    assert_eq!(dates::variable("endOfMonth", NOW).unwrap(), "2026-06-30T23:59:59.999");
    assert_eq!(dates::expand("{{ today }} {{", NOW).0, "2026-06-15 {{");
    assert!(dates::moment(&dates::variable("now", NOW).unwrap()).is_some());
}
