//! Code does its work and nothing else.
#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;

fn importing(script: &str, name: &str, bytes: &[u8]) -> Result<Vec<Imported>, String> {
    import(script, name, bytes).map_err(|why| why.to_string())
}

fn export(script: &str, entries: &[GivenEntry]) -> Result<Vec<Exported>, String> {
    super::export(script, entries).map_err(|why| why.to_string())
}

fn transform(script: &str, entry: &GivenEntry) -> Result<Transformed, String> {
    super::transform(script, entry).map_err(|why| why.to_string())
}

#[test]
fn what_code_says_itself_is_told_from_what_it_was_not_let_do() {
    let is_own = |script: &str| matches!(import(script, "x", b""), Err(CodeError::Thrown(_)));
    assert!(is_own("codex.importer(() => { throw new Error('line 3 is no reading'); });"));
    for stopped in [
        "codex.importer(() => nothing.there);",
        "codex.importer(() => { const deeper = () => deeper() + 1; deeper(); });",
        "codex.importer(() => Array.from({ length: 3000 }, (_, at) => ({ path: `${at}` })));",
        "codex.importer(() => 7);",
        "codex.importer(",
    ] {
        assert!(!is_own(stopped), "{stopped}");
    }
}

#[test]
fn a_file_becomes_entries() {
    let script = "codex.importer((file) => file.text.split('\\n').filter(Boolean).map((line, at) => ({ path: `${file.stem}/${at}.md`, text: line, properties: { from: file.name, bytes: file.bytes.length } })));";
    let entries = importing(script, "run.txt", b"one\ntwo\n").unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!((entries[1].path.as_str(), entries[1].text.as_str()), ("run/1.md", "two"));
    assert_eq!(json!(entries[0].properties), json!({"from": "run.txt", "bytes": 8}));
    let later =
        importing("codex.importer(async (file) => [{ path: await Promise.resolve('a.md') }]);", "x", b"")
            .unwrap();
    assert_eq!(later[0].path, "a.md");
    let said =
        importing("codex.importer((file) => [{ path: 'a', text: file.text }]);", "x", b"\xff\xfea\0\xe4\0")
            .unwrap();
    assert_eq!(said[0].text, "aä");
    let latin =
        importing("codex.importer((file) => [{ path: 'a', text: file.text }]);", "x", b"20 \xb0C").unwrap();
    assert_eq!(latin[0].text, "20 °C");
    let windows =
        importing("codex.importer((file) => [{ path: 'a', text: file.text }]);", "x", b"5\x805 \x96 \xe4")
            .unwrap();
    assert_eq!(windows[0].text, "5€5 – ä");
}

#[test]
fn what_it_throws_is_shown_in_its_own_words() {
    let thrown = |script: &str| importing(script, "x", b"").unwrap_err();
    assert_eq!(
        thrown("codex.importer(() => { throw new Error('line 3: a “}” is missing'); });"),
        "line 3: a “}” is missing"
    );
    let slip = thrown("codex.importer(() => nothing.there);");
    assert!(slip.starts_with("the code failed: nothing is not defined (ReferenceError at"), "{slip}");
    let memory =
        thrown("codex.importer(() => { const all = []; for (;;) all.push(new Array(1e6).fill(1)); });");
    assert!(memory.contains("memory"), "{memory}");
}

#[test]
fn there_is_nothing_to_reach_out_with() {
    let names = [
        "process",
        "require",
        "std",
        "os",
        "fetch",
        "XMLHttpRequest",
        "WebSocket",
        "Deno",
        "setTimeout",
        "__dirname",
        "scriptArgs",
        "print",
        "console",
    ];
    let script = format!(
        "codex.importer(() => [{{ path: 'a', text: [{}].filter((name) => name in globalThis).join() }}]);",
        names.map(|name| format!("'{name}'")).join(", ")
    );
    assert_eq!(importing(&script, "x", b"").unwrap()[0].text, "");
    for script in [
        "import fs from 'fs'; codex.importer(() => []);",
        "import * as os from 'os'; codex.importer(() => []);",
        "codex.importer(async () => { await import('std'); return []; });",
        "codex.importer(() => (new Function('return process'))());",
    ] {
        assert!(importing(script, "x", b"").is_err(), "{script}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    for (script, words) in [
        ("", "does not call"),
        ("codex.importer(1);", "does not call"),
        ("codex.importer(() => { throw new Error('bad line 7'); });", "bad line 7"),
        ("codex.importer(() => 1);", "no list of entries"),
        ("codex.importer(() => undefined);", "gave nothing back"),
        ("codex.importer(() => [{ path: 'a' }, { text: 'no path' }]);", "entry 2 has no `path`"),
        ("this is no script", "failed"),
        (
            "codex.importer(() => Array.from({ length: 3000 }, (_, at) => ({ path: `${at}` })));",
            "2000 are the most",
        ),
        ("codex.importer(() => { const f = (n) => f(n + 1) + 1; return f(0); });", "failed"),
        ("codex.importer(() => { const all = []; for (;;) all.push(new Uint8Array(1 << 20)); });", "failed"),
        ("Object.prototype.path = 'x'; codex.importer(() => [{}]);", "entry 1 has no `path`"),
    ] {
        let why = importing(script, "x", b"").unwrap_err();
        assert!(why.contains(words), "{script}: {why}");
    }
}

#[test]
fn a_key_that_there_is_not_is_refused_and_named() {
    let entry = entry("a.md", json!({}), "x");
    let exported = |made: &str| export(&format!("codex.exporter(() => {made});"), &[]).map(|all| all.len());
    let changed = |made: &str| transform(&format!("codex.transformer(() => {made});"), &entry);
    let imported = |made: &str| {
        importing(&format!("codex.importer(() => {made});"), "x", b"").map(|entries| entries.len())
    };
    for (refused, words) in [
        (
            imported("[{ path: 'a.md' }, { path: 'b.md', content: 'x' }]"),
            "entry 2 (`b.md`) has a key `content`, which there is not; there are `path`, `text`, `properties`",
        ),
        (imported("[{ path: 'a.md', txt: 'x' }]"), "did you mean `text`?"),
        (imported("[{ path: 'a.md', propertes: {} }]"), "did you mean `properties`?"),
        (
            imported("[{ path: 'a.md', text: 7 }]"),
            "`text` of entry 1 (`a.md`) is a number; it must be a text",
        ),
        (imported("['a.md']"), "entry 1 is a text; it must be an object with `path`"),
        (imported("({})"), "no list of entries: it is an object"),
        (exported("[{ name: 'a.csv' }]"), "file 1 (`a.csv`) has neither `text` nor `bytes`"),
        (exported("[{ name: 'a.csv', content: 'x' }]"), "file 1 (`a.csv`) has a key `content`"),
        (exported("[{ name: 'a.bin', bytes: [1] }]"), "it must be a `Uint8Array`"),
        (exported("[{ text: 'x' }]"), "file 1 has no `name`"),
        (changed("({ content: 'x' })").map(|_| 1), "what it gave back has a key `content`"),
        (changed("7").map(|_| 1), "it must be `{text, properties}`"),
    ] {
        let why = refused.unwrap_err();
        assert!(why.contains(words), "{why}\nhas no {words}");
    }
    assert_eq!(exported("[{ name: 'a.bin', bytes: new Uint8Array(2) }, { name: 'b', text: '' }]"), Ok(2));
    assert_eq!(changed("({ text: null, properties: { a: null } })").unwrap().text, None);
    assert_eq!(changed("undefined"), Ok(Transformed::default()));
}

/// In the engine that runs them; what they make is tried in `web-ui/tests/bundled-importers.test.ts`.
#[test]
fn bundled_importers_leave_nothing_out() {
    let csv = include_str!("../../../../plugins/importers/instrument-csv/importer.js");
    let rows: Vec<String> = (0..700).map(|at| format!("{at},{at}.50")).collect();
    let block = |sample: &str| format!("Sample ID: {sample}\n\nTime,OD\ns,AU\n{}\n\n", rows.join("\n"));
    let file = format!("{}{}last words\n", block("00123"), block("1E5"));
    let entries = importing(csv, "run.csv", file.as_bytes()).unwrap();
    let paths: Vec<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["run.md", "run data 1.csv", "run data 2.csv"]);
    let table = format!("Time [s],OD [AU]\n{}\n", rows.join("\n"));
    assert_eq!((entries[1].text.as_str(), entries[2].text.as_str()), (table.as_str(), table.as_str()));
    assert_eq!(
        json!(entries[0].properties),
        json!({"title": "run", "source": "run.csv", "rows": 1400, "tables": 2, "sample_id": ["00123", "1E5"]})
    );
    assert!(entries[0].text.contains("last words"));

    let bibliography = include_str!("../../../../plugins/importers/bibliography/importer.js");
    let record = "@misc{a, title = {One}, month = jan, file = {C:\\dir\\}, type = {x}, __proto__ = {odd}}";
    let file = format!("@string{{j = {{J}}}}\n{record}\n");
    let entries = importing(bibliography, "lib.bib", file.as_bytes()).unwrap();
    assert_eq!(entries.len(), 2);
    assert!(entries[0].text.contains(record) && entries[1].text.contains("@string{j = {J}}"));
    assert_eq!(
        json!(entries[0].properties),
        json!({"title": "One", "type": "reference", "reference_type": "misc", "citation_key": "a",
            "month": "January", "file": "C:\\dir\\", "bib_type": "x", "__proto__": "odd"})
    );
    let ris = "TY  - JOUR\nTI  - One\nM1  - 7\nTY  - BOOK\nTI  - Two\n";
    let entries = importing(bibliography, "lib.ris", ris.as_bytes()).unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0].properties["m1"], json!("7"));
}

#[test]
fn properties_are_bounded_for_one_entry_and_for_all() {
    let giving = |entries: usize, properties: &str| {
        let script = format!(
            "codex.importer(() => Array.from({{ length: {entries} }}, (_, at) => ({{ path: `${{at}}`, properties: {properties} }})));"
        );
        importing(&script, "x", b"").map(|all| all.len())
    };
    let many =
        |count: usize| format!("Object.fromEntries(Array.from({{ length: {count} }}, (_, at) => [at, at]))");
    assert_eq!(giving(1, &many(9999)), Ok(1));
    for (entries, properties, words) in [
        (1, many(10_001), "10000 are the most"),
        (1, "{ all: Array(20000).fill({}) }".to_owned(), "10000 are the most"),
        (1, "{ all: 'x'.repeat(1100 << 10) }".to_owned(), "1024 are the most"),
        (25, many(9000), "made 225000 properties"),
        (20, "{ all: 'x'.repeat(1000 << 10) }".to_owned(), "16 MiB are the most"),
    ] {
        let why = giving(entries, &properties).unwrap_err();
        assert!(why.contains(words), "{properties}: {why}");
    }
}

#[test]
fn what_only_looks_like_values_is_none() {
    for (json, count) in [("{}", 1), ("[0,1,[2]]", 4), (r#"{"a,[{":"\\\",,","b":[]}"#, 3), ("\",,,", 0)] {
        assert_eq!(values(json.as_bytes()), count, "{json}");
    }
    assert!(few(&[b"[".as_slice(), &b"0,".repeat(400_000)].concat(), most_values()).is_err());
}

fn entry(name: &str, properties: Value, text: &str) -> GivenEntry {
    GivenEntry {
        path: format!("a/{name}"),
        name: name.to_owned(),
        title: properties["title"].as_str().unwrap_or(name).to_owned(),
        kind: "text".to_owned(),
        media_type: "text/markdown".to_owned(),
        tags: properties["tags"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|tag| tag.as_str().unwrap().into())
            .collect(),
        properties,
        created: "2026-11-28T09:30:00Z".to_owned(),
        modified: "2026-11-28T09:30:00Z".to_owned(),
        text: Some(text.to_owned()),
    }
}

#[test]
fn entries_become_files_with_plain_names() {
    let entries = [entry("x.md", json!({"n": 1}), "X"), entry("y.md", json!({}), "Y")];
    let made = |script: &str| export(script, &entries);
    let files = made(
        "codex.exporter((entries) => [{ name: 'all.txt', text: entries.map((one) => `${one.path} ${one.text} ${one.properties.n}`).join() }]);",
    );
    assert_eq!(
        files.unwrap(),
        [Exported { name: "all.txt".into(), text: "a/x.md X 1,a/y.md Y undefined".into(), bytes: None }]
    );
    for (script, words) in [
        ("codex.importer(() => []);", "does not call `codex.exporter(…)`"),
        ("codex.exporter(() => undefined);", "it gives a list of `{name, text}`"),
        ("codex.exporter(() => 7);", "no list of files"),
        ("codex.exporter(() => { throw new Error('no work'); });", "no work"),
        ("codex.exporter(() => [{ name: '../x', text: '' }]);", "a plain name"),
        ("codex.exporter(() => [{ name: 'a/x', text: '' }]);", "a plain name"),
        ("codex.exporter(() => [{ name: 'C:x', text: '' }]);", "a plain name"),
        ("codex.exporter(() => [{ name: '.bashrc', text: '' }]);", "a plain name"),
        ("codex.exporter(() => [{ name: '-rf', text: '' }]);", "a plain name"),
        ("codex.exporter(() => [{ name: 'a.csv.', text: '' }]);", "a plain name"),
        ("codex.exporter(() => [{ name: 'Con.txt', text: '' }]);", "a plain name"),
        ("codex.exporter(() => [{ name: 'a*.csv', text: '' }]);", "a plain name"),
        (
            "codex.exporter(() => [{ name: 'a\\u001b[2K', text: '' }]);",
            "`a\\u{1b}[2K`; it must be a plain name",
        ),
        ("codex.exporter(() => [{ name: 'x\\u202egpj.exe', text: '' }]);", "`x\\u{202e}gpj.exe`"),
        ("codex.exporter(() => [{ name: '', text: '' }]);", "a plain name"),
        ("codex.exporter(() => [{ name: 'a', text: '' }, { name: 'A', text: '' }]);", "two files"),
        (
            "codex.exporter(() => Array.from({ length: 101 }, (_, at) => ({ name: `${at}`, text: '' })));",
            "100 are the most",
        ),
    ] {
        let why = made(script).unwrap_err();
        assert!(why.contains(words), "{script}: {why}");
    }
}

#[test]
fn a_library_that_goes_out_comes_in_as_it_was() {
    let importer = include_str!("../../../../plugins/importers/bibliography/importer.js");
    let exporter = include_str!("../../../../plugins/importers/bibliography/exporter.js");
    let library = r"@article{one, title = {Heat \& work: 5\% of {DNA}}, author = {Lovelace, Ada and Émilie du Châtelet}, year = 1843,
 journal = {Notes}, pages = {1--9}, doi = {10.1/a_b}, url = {https://example.org/a_b?c=1&d}, keywords = {steam, heat}, month = mar,
 file = {a_b~c.pdf}, type = {letter}, created = {1842}, status = {read}, abstract = {Of 3 \_ things.}}
@book{two, title = {Two}, editor = {Noether, Emmy}, publisher = {Springer}}";
    let come_in = |file: &str| importing(importer, "library.bib", file.as_bytes()).unwrap();
    let first = come_in(library);
    let entries: Vec<GivenEntry> =
        first.iter().map(|one| entry(&one.path, json!(one.properties), &one.text)).collect();
    let files = export(exporter, &entries).unwrap();
    assert_eq!(files[0].name, "library.bib");
    let again = come_in(&files[0].text);
    let said = |all: &[Imported]| all.iter().map(|one| json!([one.path, one.properties])).collect::<Vec<_>>();
    assert_eq!(said(&again), said(&first), "{}", files[0].text);
    assert!(files[0].text.contains("abstract = {Of 3 \\_ things.}"), "{}", files[0].text);
    // A brace that has no other one does not swallow what follows, and of two that are called the same each stays.
    let odd = [
        json!({"type": "reference", "title": "a } b", "citation_key": "k"}),
        json!({"type": "reference", "title": "c", "citation_key": "K"}),
    ];
    let odd: Vec<GivenEntry> = odd.into_iter().map(|properties| entry("n.md", properties, "")).collect();
    let odd = come_in(&export(exporter, &odd).unwrap()[0].text);
    assert_eq!((odd.len(), &odd[1].properties["citation_key"]), (2, &json!("K-2")));
    assert!(export(exporter, &[entry("n.md", json!({}), "")]).unwrap_err().contains("none of 1 entries"));
}

#[test]
fn a_table_of_properties_has_them_all() {
    let exporter = include_str!("../../../../plugins/exporters/properties-csv/exporter.js");
    let entries = [
        entry("x.md", json!({"title": "X, \"x\"", "yield": 0.5, "tags": ["a", "b"]}), ""),
        entry("y.md", json!({"steps": [1, {"k": 2}], "toString": " t"}), ""),
    ];
    let files = export(exporter, &entries).unwrap();
    let at = "2026-11-28T09:30:00Z,2026-11-28T09:30:00Z";
    let table = format!(
        "\u{feff}path,title,tags,yield,steps,toString,file_created,file_modified\r\na/x.md,\"X, \"\"x\"\"\",a; b,0.5,,,{at}\r\na/y.md,y.md,,,\"1; {{\"\"k\"\":2}}\",\" t\",{at}\r\n"
    );
    assert_eq!(files, [Exported { name: "entries.csv".into(), text: table, bytes: None }]);
}

#[test]
fn a_file_of_bytes_comes_out_as_it_was_made() {
    let script = "codex.exporter(() => [{ name: 'a.bin', bytes: new Uint8Array([0, 255, 128]) }, { name: 'b.txt', text: 'b' }]);";
    let files = export(script, &[]).unwrap();
    let bytes =
        files[0].bytes.as_deref().map(|bytes| data_encoding::BASE64.decode(bytes.as_bytes()).unwrap());
    assert_eq!((files[0].text.as_str(), bytes), ("", Some(vec![0, 255, 128])));
    assert_eq!((files[1].text.as_str(), &files[1].bytes), ("b", &None));
    let large = "codex.exporter(() => [{ name: 'a', bytes: new Uint8Array(20 << 20) }, { name: 'b', bytes: new Uint8Array(20 << 20) }]);";
    assert!(export(large, &[]).unwrap_err().contains("files of 40 MiB; 32 are the most"));
}

#[test]
fn an_entry_is_changed_in_text_and_properties() {
    let x = entry("x.md", json!({"n": 1}), "one");
    let changed = |script: &str| transform(script, &x);
    let change = changed(
        "codex.transformer(({ text, properties, name }) => ({ text: text.toUpperCase(), properties: { n: properties.n + 1, name, gone: null } }));",
    );
    let Transformed { text, properties } = change.unwrap();
    assert_eq!(
        (text.as_deref(), json!(properties)),
        (Some("ONE"), json!({"n": 2, "name": "x.md", "gone": null}))
    );
    for nothing in ["null", "undefined", "{}", "Promise.resolve(null)"] {
        let script = format!("codex.transformer(() => ({nothing}));");
        assert_eq!(changed(&script), Ok(Transformed::default()), "{nothing}");
    }
    for (script, words) in [
        ("codex.exporter(() => []);", "does not call `codex.transformer(…)`"),
        ("codex.transformer(() => 7);", "it must be `{text, properties}`"),
        ("codex.transformer(() => ({ text: 7 }));", "`text` of what it gave back is a number"),
        ("codex.transformer(() => { throw new Error('no table'); });", "no table"),
        ("codex.transformer(() => ({ text: 'a'.repeat(33 << 20) }));", "a text of 33 MiB; 32 are the most"),
        ("codex.transformer(() => ({ properties: { a: 'b'.repeat(2 << 20) } }));", "1024 are the most"),
    ] {
        let why = changed(script).unwrap_err();
        assert!(why.contains(words), "{script}: {why}");
    }
}

#[test]
fn a_table_is_put_straight_and_what_may_be_none_stays() {
    let script = include_str!("../../../../plugins/transformers/tidy/tables.js");
    let tidied = |text: &str| transform(script, &entry("t.md", json!({}), text)).unwrap().text.unwrap();
    let table = "| name|value |it|\n|:--|--:|:-:|\n|a|1|x\n| longer | 22.5 |\n| 試料 | `c` | `d` | more |\n";
    let straight = "| name   | value | it  |\n| :----- | ----: | :-: |\n| a      |     1 |  x  |\n| longer |  22.5 |     |\n| 試料   |   `c` | `d` | more |\n";
    assert_eq!(tidied(table), straight);
    assert_eq!(tidied(straight), straight);
    assert_eq!(tidied(&table.replace('\n', "\r\n")), straight.replace('\n', "\r\n"));
    let quoted = |text: &str| text.lines().map(|line| format!("> {line}\n")).collect::<String>();
    assert_eq!(tidied(&quoted(table)), quoted(straight));
    for stays in [
        format!("```\n{table}```\n"),
        format!("~~~~ text\n~~~\n{table}~~~~\n"),
        "---\na: |\n  |a|b|\n  |-|-|\n---\n".to_owned(),
        "|`a|b`|c|\n|-|-|\n".to_owned(),
        "|[[a|b]]|c|\n|-|-|\n".to_owned(),
        "|$|x|$|c|\n|-|-|\n".to_owned(),
        "    |a|b|\n    |-|-|\n".to_owned(),
        "|a|b|\n|-|\n".to_owned(),
        "a|b\r\n-|-\n".to_owned(),
        String::new(),
    ] {
        let made = transform(script, &entry("t.md", json!({}), &stays)).unwrap().text;
        assert!(made.is_none_or(|made| made == stays), "{stays}");
    }
}

#[test]
fn the_day_of_a_name_is_one_that_there_is() {
    let script = include_str!("../../../../plugins/transformers/tidy/day-of-name.js");
    let date = |name: &str, properties: Value| {
        let change = transform(script, &entry(name, properties, "")).unwrap();
        change.properties.get("date").map(|date| date.as_str().unwrap().to_owned())
    };
    for (name, day) in [
        ("2026-12-01 Gel.md", Some("2026-12-01")),
        ("gel_20261201.txt", Some("2026-12-01")),
        ("99999999 2026-02-28.md", Some("2026-02-28")),
        ("2026-02-30.md", None),
        ("2026-1201.md", None),
        ("120261201.md", None),
        ("sample 12345678.md", None),
        ("gel.md", None),
    ] {
        assert_eq!(date(name, json!({})).as_deref(), day, "{name}");
    }
    assert_eq!(date("2026-12-01.md", json!({"date": "yesterday"})), None, "what is there stays");
}
