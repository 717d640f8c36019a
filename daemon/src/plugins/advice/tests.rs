//! What a manifest leaves to guess is said, with its line; a sound one has nothing said of it.
#![allow(clippy::unwrap_used)]

use crate::plugins::catalogue::read_one;

/// What is said of a plugin of these files: key, line, and words.
fn said(files: &[(&str, &str)]) -> Vec<(String, usize, String)> {
    let temp = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(temp.path().join(name), text).unwrap();
    }
    let plugin = read_one(temp.path()).map_err(|problems| crate::plugins::in_words(&problems)).unwrap();
    let said = plugin.manifest.advice.into_iter();
    said.map(|one| (one.key.unwrap_or_default(), one.line.unwrap_or(0), one.message)).collect()
}

const HEAD: &str = "id: own\nname: Own\nversion: 1.0.0\ntype: view\n";

fn of(manifest: &str) -> Vec<(String, usize, String)> {
    said(&[("manifest.yml", &format!("{HEAD}{manifest}")), ("a.js", ""), ("a.css", "")])
}

/// Each of them is there, and nothing else.
fn is_said(manifest: &str, expect: &[(&str, usize, &str)]) {
    let mut found = of(manifest);
    found.sort_by_key(|one| one.1);
    let is_as_expected = found.len() == expect.len()
        && found.iter().zip(expect).all(|(found, expect)| {
            (found.0.as_str(), found.1) == (expect.0, expect.1) && found.2.contains(expect.2)
        });
    assert!(is_as_expected, "{found:#?}\ninstead of {expect:#?}");
}

#[test]
fn a_slip_of_the_pen_is_named_wherever_it_stands() {
    is_said(
        "permissions: [render_blocks, network_request: { hosts: [api.example.org] }]
views:
  - id: own
    name: Own
    scirpt: a.js
    stlye: a.css
    config_schema:
      by: { type: string, defualt: status }
      cards: { type: array, items: { type: object, properties: { id: { tpye: string } } } }
blocks:
  - id: own
    name: Own
    config_shema: {}
properties:
  - name: token
    secur: true
    requird: true
    ui: { lable: Token }
integration:
  auth_methd: token
  base_url: https://api.example.org
  rate_limit: { request_per_minute: 3 }
endpoints:
  - id: get
    cache_tll: 3
    parameters: [{ name: a, form_config: token }]
theme: { display_name: Own, category: light, stylesheet: a.css, classname: own }
",
        &[
            ("views/0/scirpt", 9, "did you mean `script`?"),
            ("views/0/stlye", 10, "did you mean `style`?"),
            ("views/0/config_schema/by/defualt", 12, "did you mean `default`?"),
            ("views/0/config_schema/cards/items/properties/id/tpye", 13, "did you mean `type`?"),
            ("blocks/0/config_shema", 17, "did you mean `config_schema`?"),
            ("properties/0/secur", 20, "did you mean `secure`?"),
            ("properties/0/requird", 21, "did you mean `required`?"),
            ("properties/0/ui/lable", 22, "did you mean `label`?"),
            ("integration/auth_methd", 24, "did you mean `auth_method`?"),
            ("integration/rate_limit/request_per_minute", 26, "did you mean `requests_per_minute`?"),
            ("endpoints/0/cache_tll", 29, "did you mean `cache_ttl`?"),
            ("endpoints/0/parameters/0/form_config", 30, "did you mean `from_config`?"),
            ("theme/classname", 31, "did you mean `className`?"),
        ],
    );
}

#[test]
fn what_may_have_any_key_has_none_that_is_unknown() {
    is_said(
        "colors: { anything: '#111' }
requires: { tasks: '*' }
endpoints: [{ id: get, response_schema: { what: ever } }]
permissions: [network_request: { hosts: [a.example.org] }]
views:
  - { id: own, name: Own, config_schema: { any-key: { type: object, properties: { other-key: { type: any } } } } }
",
        &[],
    );
}

#[test]
fn a_text_that_a_comma_cuts_is_told_how_it_is_written() {
    is_said(
        "views:\n  - { id: own, name: Own, description: The stages, in order. }\n",
        &[("views/0/in order.", 6, "stands in quotes")],
    );
    is_said(
        "views:\n  - { id: own, name: Own, colour: red }\n",
        &[("views/0/colour", 6, "there are config_schema, description, icon, id, name, script, style")],
    );
}

#[test]
fn a_type_that_is_none_and_a_default_that_does_not_fit_are_named() {
    is_said(
        "views:
  - id: own
    name: Own
    config_schema:
      a: { type: strng }
      b: { type: integer, default: many }
      c: { type: string, enum: [x, y], default: z }
      d: { type: integer, maximum: 4, default: 9 }
      e: { type: object, properties: { f: { type: boolean, default: 3 } } }
      g: { type: date, default: today }
      h: { type: string, default: 4 }
      i: { type: array, default: null }
properties:
  - { name: units, type: string, enum: [metric], default: imperial }
",
        &[
            ("views/0/config_schema/a/type", 9, "did you mean `string`?"),
            ("views/0/config_schema/b/default", 10, "a whole number"),
            ("views/0/config_schema/c/default", 11, "one of `x`, `y`"),
            ("views/0/config_schema/d/default", 12, "at most 4"),
            ("views/0/config_schema/e/properties/f/default", 13, "true or false"),
            ("properties/0/default", 18, "one of `metric`"),
        ],
    );
}

#[test]
fn what_cannot_work_is_said() {
    is_said(
        "blocks: [{ id: own, name: Own }]
endpoints: [{ id: get }]
requires: { own: '^1' }
integration:
  auth_method: api_key
  base_url: api.example.org/v1
",
        &[
            ("blocks", 5, "`render_blocks`"),
            ("endpoints", 6, "`network_request`"),
            ("requires/own", 7, "needs itself"),
            ("integration/auth_method", 9, "`secure: true`"),
            ("integration/base_url", 10, "`https://api.example.org`"),
        ],
    );
    is_said("integration: { base_url: 'localhost:8080' }\n", &[("integration/base_url", 5, "no address")]);
}

#[test]
fn two_of_one_id_are_named() {
    is_said(
        "permissions: [read_files, write_files]
views:
  - { id: own, name: Own }
  - { id: own, name: Own }
  - { id: other, name: Own }
exporters:
  - { id: own, name: Own, script: a.js }
transformers:
  - { id: one, name: Own, script: a.js }
  - { id: one, name: Own, script: a.js }
properties: [{ name: a }, { name: a }]
",
        &[
            ("views/1/id", 8, "`own` too"),
            ("transformers/1/id", 14, "`one` too"),
            ("properties/1/name", 15, "`a` too"),
        ],
    );
}

#[test]
fn an_example_is_read_as_the_view_that_it_becomes() {
    let manifest = format!(
        "{HEAD}views: [{{ id: own, name: Own, config_schema: {{ by: {{ type: string }} }} }}]\nexamples: [{{ file: a.cdx }}, {{ file: b.cdx }}, {{ file: c.cdx }}]\n"
    );
    let files = [
        ("manifest.yml", manifest.as_str()),
        ("a.cdx", "---\ntype: view\nview_type: own\nquery: { limti: 3 }\nconfig: { yb: status }\n---\n"),
        ("b.cdx", "---\ntype: view\nview_type: table\n---\n"),
        ("c.cdx", "---\ntype: view\nview_type: theirs\n---\n"),
    ];
    let found = said(&files);
    let keys: Vec<(&str, usize)> = found.iter().map(|one| (one.0.as_str(), one.1)).collect();
    assert_eq!(keys, [("query.limti", 4), ("config.yb", 5), ("view_type", 3)], "{found:?}");
    // It may be a view of the one that it needs.
    let needs = format!("{manifest}requires: {{ theirs: '^1' }}\n");
    let files = files.map(|(name, text)| (name, if name == "manifest.yml" { needs.as_str() } else { text }));
    assert_eq!(said(&files).len(), 2);
}

#[test]
fn keys_of_a_template_that_mean_nothing_are_named_in_its_file() {
    let manifest = format!("{HEAD}templates: [{{ id: gel, file: gel.yaml }}]\n");
    let gel = "content: x\ndefault_nmae: y\n";
    let found = said(&[("manifest.yml", &manifest), ("gel.yaml", gel)]);
    assert_eq!((found[0].0.as_str(), found[0].1, found.len()), ("default_nmae", 2, 1));
    assert!(found[0].2.contains("did you mean `default_name`?"), "{found:?}");
}

#[test]
fn what_is_no_plugin_is_told_what_would_be() {
    let temp = tempfile::tempdir().unwrap();
    let manifest = temp.path().join("manifest.yml");
    let refused = |path: &std::path::Path| crate::plugins::in_words(&read_one(path).unwrap_err());
    assert!(refused(&temp.path().join("nowhere")).contains("no such folder"));
    assert!(refused(temp.path()).contains("no manifest in it"));
    for (text, words, line) in [
        ("id: own\nname: Own\nversion: 1.0\ntype: view\n", "write `\"1.0.0\"`", ":3 "),
        ("id: own\nname: Own\nversion: '2'\ntype: view\n", "write `\"2.0.0\"`", ":3 "),
        ("id: own\nname: Own\nversion: newest\ntype: view\n", "write `\"1.0.0\"`", ":3 "),
        ("id: own\nnmae: Own\nversion: 1.0.0\ntype: view\n", "`name` is missing; is it what `nmae` was", ""),
        ("id: own\nname: Own\nname: Other\n", "the key `name` is there twice: in line 2 too", ":3:"),
    ] {
        std::fs::write(&manifest, text).unwrap();
        let said = refused(temp.path());
        assert!(said.contains(words) && said.contains(line), "{said}");
    }
    let said = refused(&manifest);
    assert!(said.contains(&format!("give the folder of the plugin: {}", temp.path().display())), "{said}");
}
