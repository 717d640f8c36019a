//! Laws of plugins: nobody runs unasked, nobody runs otherwise than was shown, nobody stops another.
#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;

struct Place {
    plugins: Plugins,
    system: System,
    temp: tempfile::TempDir,
}

fn place() -> Place {
    let temp = tempfile::tempdir().unwrap();
    let system = System::open(&temp.path().join("system.db")).unwrap();
    let plugins = Plugins::new(temp.path().join("plugins"), system.clone());
    Place { plugins, system, temp }
}

impl Place {
    /// A plugin in a folder that is not the plugin folder.
    fn folder(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = self.temp.path().join("made").join(name);
        for (file, text) in files {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn installed(&self, name: &str, files: &[(&str, &str)]) -> Arc<Plugin> {
        self.plugins.add(&self.folder(name, files)).unwrap()
    }

    fn state(&self, id: &str) -> State {
        self.plugins.state(&self.plugins.find(id).unwrap(), &scope()).unwrap().0
    }

    fn enable(&self, id: &str) {
        let hash = self.plugins.find(id).unwrap().hash.clone();
        self.plugins.enable(id, &scope(), Some(Some(true)), Some(&hash), None).unwrap();
    }

    fn may(&self, id: &str, permission: Permission, path: &str) -> Result<(), String> {
        let fits = |wish: &Wish| if wish.has(path) { Ok(()) } else { Err(format!("{path} is outside")) };
        self.plugins.may(id, &scope(), "call", permission, fits).map(drop).map_err(|why| why.to_string())
    }
}

fn scope() -> Scope {
    Scope { workspace: "default".to_owned(), notebook: None }
}

fn view(id: &str, more: &str) -> String {
    format!(
        "id: {id}\nname: {id}\nversion: 1.0.0\ntype: view\nviews:\n  - id: {id}\n    name: A view\n    script: v.js\n{more}"
    )
}

#[test]
fn what_is_installed_does_not_run_until_somebody_says_so_and_then_just_that() {
    let place = place();
    place.installed(
        "board",
        &[("manifest.yml", &view("board", "permissions: [read_files]\n")), ("v.js", "1")],
    );
    assert_eq!(place.state("board"), State::Off);
    assert!(place.plugins.running("board", &scope()).is_err());
    // Whoever says yes says to what.
    let no_hash = place.plugins.enable("board", &scope(), Some(Some(true)), None, None);
    assert!(no_hash.unwrap_err().to_string().contains("hash"));
    place.enable("board");
    assert_eq!(place.state("board"), State::On);
    assert_eq!(place.may("board", Permission::ReadFiles, "a.md"), Ok(()));

    let script = place.plugins.folder().join("board/v.js");
    let shown = place.plugins.find("board").unwrap().hash.clone();
    fs::write(&script, "2").unwrap();
    assert_eq!(place.state("board"), State::Changed);
    assert!(place.may("board", Permission::ReadFiles, "a.md").is_err());
    let stale = place.plugins.enable("board", &scope(), Some(Some(true)), Some(&shown), None);
    assert!(matches!(stale, Err(PluginError::Changed(_))));
    place.enable("board");
    assert_eq!(place.state("board"), State::On);
    place.plugins.enable("board", &scope(), Some(Some(false)), None, None).unwrap();
    assert_eq!(place.state("board"), State::Off);
}

#[test]
fn bytes_that_change_between_two_looks_are_not_run() {
    let place = place();
    place.installed("board", &[("manifest.yml", &view("board", "")), ("v.js", "1")]);
    place.enable("board");
    let known = place.plugins.catalogue();
    let script = place.plugins.folder().join("board/v.js");
    let times = fs::metadata(&script).unwrap().modified().unwrap();
    fs::write(&script, "2").unwrap();
    // As large and as old as before: only its bytes tell.
    fs::File::options().write(true).open(&script).unwrap().set_modified(times).unwrap();
    assert!(Arc::ptr_eq(&known, &place.plugins.catalogue()), "nothing to see");
    assert!(matches!(place.plugins.running("board", &scope()), Err(PluginError::Changed(_))));
}

#[test]
fn a_plugin_does_what_it_wants_and_was_given_no_more() {
    let place = place();
    let wants = "permissions:\n  - read_files\n  - modify_metadata: { paths: ['tasks/**'] }\n";
    place.installed("board", &[("manifest.yml", &view("board", wants)), ("v.js", "1")]);
    let hash = place.plugins.find("board").unwrap().hash.clone();
    let only = [Permission::ModifyMetadata];
    place.plugins.enable("board", &scope(), Some(Some(true)), Some(&hash), Some(&only)).unwrap();
    assert_eq!(place.may("board", Permission::ModifyMetadata, "tasks/a.md"), Ok(()));
    let outside = place.may("board", Permission::ModifyMetadata, "notes/a.md").unwrap_err();
    assert!(outside.contains("outside"), "{outside}");
    let withheld = place.may("board", Permission::ReadFiles, "tasks/a.md").unwrap_err();
    assert!(withheld.contains("was not given"), "{withheld}");
    let unasked = place.may("board", Permission::WriteFiles, "tasks/a.md").unwrap_err();
    assert!(unasked.contains("does not ask"), "{unasked}");
    let (done, refused, refusals) = place.plugins.tally("board");
    assert_eq!((done, refused), (1, 3));
    assert!(refusals[0].reason.contains("does not ask"), "the newest first");

    // A later version that wants more says what is new.
    let more = wants.replace("tasks/**", "**");
    place
        .plugins
        .add(&place.folder("board2", &[("manifest.yml", &view("board", &more)), ("v.js", "1")]))
        .unwrap();
    let plugin = place.plugins.find("board").unwrap();
    let new: Vec<_> = place.plugins.permissions(&plugin, "default").unwrap();
    assert_eq!(new.iter().map(|one| one.is_new).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_notebook_says_otherwise_for_itself() {
    let place = place();
    place.installed("board", &[("manifest.yml", &view("board", "")), ("v.js", "1")]);
    let lab = Scope { notebook: Some("lab".to_owned()), ..scope() };
    let plugin = place.plugins.find("board").unwrap();
    let state = |scope: &Scope| place.plugins.state(&plugin, scope).unwrap().0;
    place.plugins.enable("board", &lab, Some(Some(true)), Some(&plugin.hash), None).unwrap();
    assert_eq!((state(&lab), state(&scope())), (State::On, State::Off));
    place.enable("board");
    place.plugins.enable("board", &lab, Some(Some(false)), None, None).unwrap();
    assert_eq!((state(&lab), state(&scope())), (State::Off, State::On));
    place.plugins.enable("board", &lab, Some(None), None, None).unwrap();
    assert_eq!(state(&lab), State::On);
}

#[test]
fn what_is_said_for_a_notebook_holds_for_it_alone() {
    let place = place();
    let wants = "permissions: [read_files, modify_metadata]\n";
    place.installed("board", &[("manifest.yml", &view("board", wants)), ("v.js", "1")]);
    place.enable("board");
    let lab = Scope { notebook: Some("lab".to_owned()), ..scope() };
    place.plugins.enable("board", &lab, Some(Some(false)), None, None).unwrap();
    // Not even a word on permissions puts it on there, or takes one from the others.
    let only = [Permission::ReadFiles];
    let refused = place.plugins.enable("board", &lab, None, None, Some(&only)).unwrap_err().to_string();
    assert!(refused.contains("whole workspace"), "{refused}");
    let plugin = place.plugins.find("board").unwrap();
    assert_eq!(place.plugins.state(&plugin, &lab).unwrap().0, State::Off);
    assert_eq!(place.may("board", Permission::ModifyMetadata, "a.md"), Ok(()));
    // What it has become is approved for all of them, or for none.
    fs::write(place.plugins.folder().join("board/v.js"), "22").unwrap();
    let now = place.plugins.find("board").unwrap().hash.clone();
    let refused = place.plugins.enable("board", &lab, Some(Some(true)), Some(&now), None).unwrap_err();
    assert!(refused.to_string().contains("what it is now"), "{refused}");
    assert_eq!(place.state("board"), State::Changed);
}

#[test]
fn of_two_with_one_id_that_one_counts_which_somebody_enabled() {
    let place = place();
    place.installed("req", &[("manifest.yml", &view("req", "")), ("v.js", "1")]);
    place.enable("req");
    let own = place.plugins.folder().to_owned();
    let write = |folder: &str, id: &str, script: &str| {
        fs::create_dir_all(own.join(folder)).unwrap();
        fs::write(own.join(folder).join("manifest.yml"), view(id, "")).unwrap();
        fs::write(own.join(folder).join("v.js"), script).unwrap();
    };
    // The other comes first by its path, and is only named.
    write("aaa", "req", "other");
    assert_eq!(place.state("req"), State::On);
    let catalogue = place.plugins.catalogue();
    assert!(catalogue.problems[0].file.contains("aaa") && catalogue.problems[0].message.contains("--hash"));
    // One with the id of a bundled plugin takes its place when somebody says so, and gives it back.
    write("kanban", "tasks", "mine");
    assert!(place.plugins.find("tasks").unwrap().is_bundled());
    let hash = place.plugins.catalogue().waiting.iter().find(|one| one.id() == "tasks").unwrap().hash.clone();
    place.plugins.enable("tasks", &scope(), Some(Some(true)), Some(&hash), None).unwrap();
    assert!(!place.plugins.find("tasks").unwrap().is_bundled());
    assert_eq!(place.state("tasks"), State::On);
    // Whoever disables it gives the place back, and so does whoever removes it.
    place.plugins.enable("tasks", &scope(), Some(Some(false)), None, None).unwrap();
    assert!(place.plugins.find("tasks").unwrap().is_bundled());
    let lab = Scope { notebook: Some("lab".to_owned()), ..scope() };
    let refused = place.plugins.enable("tasks", &lab, Some(Some(true)), Some(&hash), None).unwrap_err();
    assert!(refused.to_string().contains("same in all notebooks"), "{refused}");
    place.plugins.enable("tasks", &scope(), Some(Some(true)), Some(&hash), None).unwrap();
    place.plugins.remove("tasks").unwrap();
    assert!(place.plugins.find("tasks").unwrap().is_bundled());
}

#[test]
fn nobody_said_anything_of_it_and_still_it_is_on_for_all() {
    let place = place();
    let lab = Scope { notebook: Some("lab".to_owned()), ..scope() };
    let only = [Permission::ReadFiles];
    let refused = place.plugins.enable("tasks", &lab, Some(Some(true)), None, Some(&only)).unwrap_err();
    assert!(refused.to_string().contains("what it may do"), "{refused}");
    assert_eq!(place.may("tasks", Permission::ModifyMetadata, "a.md"), Ok(()));
    // An older program was told yes of other bytes: what is bundled is what this one is.
    place.plugins.enable("tasks", &scope(), Some(Some(true)), None, None).unwrap();
    let mut row = place.system.plugin("default", "tasks").unwrap().unwrap();
    row.hash = "older".to_owned();
    place.system.set_plugin("default", "tasks", &row).unwrap();
    place.plugins.enable("tasks", &lab, Some(Some(true)), None, None).unwrap();
}

#[test]
fn what_needs_another_runs_only_where_that_runs() {
    let place = place();
    place.installed("zero", &[("manifest.yml", &view("zero", "")), ("v.js", "1")]);
    place
        .installed("apple", &[("manifest.yml", &view("apple", "requires: { zero: '^1' }\n")), ("v.js", "1")]);
    place.enable("apple");
    assert_eq!(place.state("apple"), State::Blocked);
    place.enable("zero");
    assert_eq!(place.state("apple"), State::On);
    let lab = Scope { notebook: Some("lab".to_owned()), ..scope() };
    place.plugins.enable("zero", &lab, Some(Some(false)), None, None).unwrap();
    let apple = place.plugins.find("apple").unwrap();
    assert_eq!(place.plugins.state(&apple, &lab).unwrap().0, State::Blocked);
}

#[test]
fn a_manifest_steers_no_terminal() {
    let temp = tempfile::tempdir().unwrap();
    let fault = |more: &str| {
        let text = format!("id: a\nname: A\nversion: 1.0.0\ntype: view\n{more}\n");
        std::fs::write(temp.path().join("manifest.yml"), text).unwrap();
        crate::plugins::catalogue::read_one(temp.path()).err().map(|problems| in_words(&problems))
    };
    for more in [
        "description: \"a\\e[2Kb\"",
        "description: \"a\\u202Eb\"",
        "permissions: [{ network_request: { hosts: [\"a\\nb\"] } }]",
        "author: \"a\\nb\"",
        "\"x\\e[2K\": 1",
    ] {
        let said = fault(more).unwrap();
        assert!(said.contains("shows as something else than it is") && !said.contains('\u{1b}'), "{said}");
    }
    assert_eq!(fault("description: \"two\\nlines\""), None);
}

#[test]
fn a_bad_plugin_is_named_with_its_line_and_stops_no_other() {
    let place = place();
    let own = place.plugins.folder().to_owned();
    let write = |path: &str, text: &str| {
        let path = own.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("good/manifest.yml", &view("good", ""));
    write("good/v.js", "");
    write("no-version/manifest.yml", "id: no-version\nname: x\ntype: view\n");
    write("bad-id/manifest.yml", "id: Bad Id\nname: x\nversion: 1.0.0\ntype: view\n");
    write(
        "bad-key/manifest.yml",
        "id: bad-key\nname: x\nversion: 1.0.0\ntype: view\n\nviews:\n  - id: 7\n    name: x\n",
    );
    write("no-script/manifest.yml", &view("no-script", ""));
    write("escapes/manifest.yml", &view("escapes", "").replace("v.js", "../good/v.js"));
    write("not-yaml/manifest.yml", "id: [1\nname: x\n");
    write("permission/manifest.yml", &view("permission", "permissions: [everything]\n"));
    let bomb: String = (0..12)
        .map(|at| {
            format!(
                "a{at}: &a{at} [{}]\n",
                vec![if at == 0 { "x".to_owned() } else { format!("*a{}", at - 1) }; 9].join(", ")
            )
        })
        .collect();
    write("bomb/manifest.yml", &bomb);
    let huge = own.join("huge");
    fs::create_dir_all(&huge).unwrap();
    fs::File::create(huge.join("manifest.yml")).unwrap().set_len(100 << 20).unwrap();

    let catalogue = place.plugins.catalogue();
    assert!(catalogue.find("good").is_some_and(|plugin| plugin.blocked.is_none()));
    let problem = |folder: &str| {
        let found = catalogue.problems.iter().find(|one| one.file.contains(&format!("/{folder}/")));
        found.unwrap_or_else(|| panic!("{folder} is named: {:?}", catalogue.problems)).clone()
    };
    assert!(problem("no-version").message.contains("`version` is missing"));
    assert_eq!((problem("bad-id").line, problem("bad-id").key.as_deref()), (Some(1), Some("id")));
    assert_eq!((problem("bad-key").line, problem("bad-key").key.as_deref()), (Some(7), Some("views/0/id")));
    assert!(problem("bad-key").message.contains("must be a text"));
    assert!(problem("no-script").message.contains("v.js"));
    assert!(problem("escapes").message.contains("no path inside"));
    assert!(problem("not-yaml").line.is_some());
    assert!(
        problem("permission").message.contains("must be one of `read_files`"),
        "{:?}",
        problem("permission")
    );
    assert!(problem("bomb").message.contains("cannot be read"));
    assert!(problem("huge").message.contains("larger than"));
}

#[test]
fn what_one_needs_comes_before_it_and_circles_are_refused() {
    let place = place();
    let own = place.plugins.folder().to_owned();
    for (id, requires) in [
        ("zero", ""),
        ("apple", "requires: { zero: '^1' }"),
        ("circle-a", "requires: { circle-b: '*' }"),
        ("circle-b", "requires: { circle-a: '*' }"),
        ("old", "requires: { zero: '>=2.0.0' }"),
        ("alone", "requires: { nobody: '^1' }"),
        ("above", "requires: { alone: '^1' }"),
        ("future", "codex_version: '>=9.0.0'"),
        ("original", "codex_version: '>=1.0.0'"),
    ] {
        let folder = own.join(id);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("manifest.yml"), view(id, &format!("{requires}\n"))).unwrap();
        fs::write(folder.join("v.js"), "").unwrap();
    }
    let catalogue = place.plugins.catalogue();
    let at = |id: &str| catalogue.plugins.iter().position(|plugin| plugin.id() == id).unwrap();
    assert!(at("zero") < at("apple"));
    let blocked = |id: &str| catalogue.find(id).unwrap().blocked.clone().unwrap_or_default();
    for (id, words) in [
        ("zero", ""),
        ("apple", ""),
        ("original", ""),
        ("circle-a", "circle"),
        ("circle-b", "circle"),
        ("old", "here is 1.0.0"),
        ("alone", "not here"),
        ("above", "`alone`, which cannot run"),
        ("future", "version >=9.0.0"),
    ] {
        assert!(
            blocked(id).contains(words) && blocked(id).is_empty() == words.is_empty(),
            "{id}: {}",
            blocked(id)
        );
    }
    let hash = catalogue.find("future").unwrap().hash.clone();
    assert!(place.plugins.enable("future", &scope(), Some(Some(true)), Some(&hash), None).is_err());
}

#[test]
fn directories_of_the_original_load_as_they_are() {
    let place = place();
    let own = place.plugins.folder().to_owned();
    let write = |path: &str, text: &str| {
        let path = own.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "themes/dusk/theme.yaml",
        "id: dusk\nname: Dusk\nversion: 1.0.0\ntype: theme\nauthor: A\ncodex_version: '>=1.0.0'\napi_version: 1\ntheme:\n  display_name: Dusk\n  category: dark\n  className: theme-dusk\n  stylesheet: styles/dusk.css\ncolors: { bg: '#111' }\ntemplates:\n  - id: page\n    name: Page\n    file: templates/page.yaml\n",
    );
    write("themes/dusk/styles/dusk.css", ".theme-dusk { --page-background: #111; position: fixed }");
    write("themes/dusk/templates/page.yaml", "id: page\nname: Page\ncontent: '# {title}'\n");
    write(
        "views/lanes/plugin.yaml",
        "id: lanes\nname: Lanes\nversion: 2.1.0\ntype: view\npermissions: [read_files, modify_metadata]\nviews:\n  - id: lanes\n    name: Lanes\n    icon: L\n    config_schema:\n      columns: { type: array, items: { type: object } }\nexamples:\n  - name: One\n    file: examples/one.cdx\n",
    );
    write("views/lanes/examples/one.cdx", "---\ntype: view\nview_type: lanes\n---\n");
    write(
        "integrations/stars/integration.yaml",
        "id: stars\nname: Stars\nversion: 1.0.0\ntype: integration\npermissions: [network_request, store_config]\nproperties:\n  - name: api_key\n    type: string\n    secure: true\n    ui: { type: password, label: Key }\nintegration:\n  api_type: rest\n  base_url: https://api.example.org\n  auth_method: token\n  test_endpoint: get\n  rate_limit: { requests_per_hour: 60 }\nendpoints:\n  - id: get\n    name: Get\n    method: GET\n    path: /x/{id}\n    cache_ttl: 300\n    response_type: json\n    parameters:\n      - { name: id, type: string, required: true }\nblocks:\n  - id: stars\n    name: Stars\n    component: StarsBlock.vue\n    auto_detect: true\n    url_patterns: ['^https://example\\.org/']\n",
    );
    let catalogue = place.plugins.catalogue();
    let ours = catalogue.problems.iter().filter(|one| !one.file.contains("(bundled)")).collect::<Vec<_>>();
    assert!(ours.is_empty(), "{ours:?}");
    let dusk = catalogue.find("dusk").unwrap();
    let theme = dusk.manifest.theme.clone().unwrap();
    assert_eq!((theme.class_name.as_str(), theme.colors["bg"].as_str()), ("theme-dusk", "#111"));
    place.enable("dusk");
    let templates = place.plugins.templates(&scope()).unwrap();
    assert!(templates.iter().any(|one| one.plugin == "dusk" && one.keys["content"] == "# {title}"));
    assert_eq!(catalogue.find("lanes").unwrap().manifest.views[0].script, None);
    assert!(catalogue.find("stars").unwrap().manifest.blocks[0].auto_detect);
}

#[test]
fn a_plugin_that_is_on_brings_templates_and_their_own_keys_win() {
    let place = place();
    let manifest = "id: forms\nname: Forms\nversion: 1.0.0\ntype: view\nviews: [{ id: forms, name: Forms }]\ntemplates:\n  - { id: gel, name: Gel, description: A run, file: gel.yaml, file_extension: .txt }\n  - { id: bare, file: bare.yaml }\n";
    let bare = ("bare.yaml", "content: |\n  {title}\n");
    let gel =
        ("gel.yaml", "name: Gel run\ndefault_name: 'gels/{title}.md'\ncontent: '# {title}'\nmore: [1]\n");
    place.installed("forms", &[("manifest.yml", manifest), gel, bare]);
    let of = |plugin: &str| {
        let mut all = place.plugins.templates(&scope()).unwrap();
        all.retain(|one| one.plugin == plugin);
        all
    };
    assert_eq!(of("forms"), []);
    place.enable("forms");
    let found = of("forms");
    assert_eq!(
        Value::Object(found[0].keys.clone()),
        json!({"id": "gel", "name": "Gel run", "description": "A run", "icon": "", "file_extension": ".txt",
            "default_name": "gels/{title}.md", "content": "# {title}"})
    );
    assert_eq!((&found[1].keys["id"], &found[1].keys["name"]), (&json!("bare"), &json!("bare")));
    // Not those that nobody enabled.
    fs::write(place.plugins.folder().join("forms/gel.yaml"), "content: other\n").unwrap();
    assert_eq!(of("forms"), []);
    // What is no template is named with its line.
    for (text, line) in [("name: x\n", None), ("a: 1\ncontent: }\n", Some(2))] {
        let problems = catalogue::read_one(
            &place.folder("bad", &[("manifest.yml", manifest), bare, ("gel.yaml", text)]),
        );
        let problem = problems.unwrap_err().remove(0);
        assert!(problem.file.ends_with("gel.yaml") && problem.line == line, "{problem:?}");
    }
}

#[test]
fn a_secret_is_written_and_never_lies_open() {
    let place = place();
    let manifest = "id: stars\nname: Stars\nversion: 1.0.0\ntype: integration\nproperties:\n  - { name: token, secure: true }\n  - { name: units, enum: [metric, imperial], default: metric }\n  - { name: many, type: integer }\n";
    let plugin = place.installed("stars", &[("manifest.yml", manifest)]);
    place.plugins.set_secret(&plugin, "default", "token", Some("hunter2-hunter2")).unwrap();
    assert_eq!(place.plugins.secrets(&plugin, "default").unwrap().0, ["token"]);
    assert_eq!(
        place.plugins.secret(&plugin, "default", "token").unwrap().as_deref(),
        Some("hunter2-hunter2")
    );
    assert_eq!(place.plugins.secret(&plugin, "other", "token").unwrap(), None);
    let config = place.plugins.config(&plugin, "default").unwrap();
    assert_eq!(json!(config), json!({"units": "metric"}));
    for entry in fs::read_dir(place.temp.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            assert!(!bytes.windows(7).any(|part| part == b"hunter2"), "{}", path.display());
        }
    }
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(place.plugins.folder().join(".key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Moved to another plugin's place it opens nothing.
    let thief = manifest.replace("id: stars", "id: thief");
    let thief = place.installed("thief", &[("manifest.yml", &thief)]);
    let sealed = place.system.plugin_secrets("default", "stars").unwrap().remove(0);
    place.system.set_plugin_secret("default", "thief", &sealed).unwrap();
    let why = place.plugins.secret(&thief, "default", "token").unwrap_err();
    assert!(why.to_string().contains("cannot be opened"), "{why}");

    let set = |key: &str, value: Value| {
        let changes = [(key.to_owned(), value)].into_iter().collect();
        place.plugins.set_config(&plugin, "default", &changes).map_err(|why| why.to_string())
    };
    assert_eq!(set("units", json!("imperial")), Ok(()));
    assert!(set("units", json!("cubits")).unwrap_err().contains("must be one of"));
    assert!(set("many", json!("x")).unwrap_err().contains("type integer"));
    assert!(set("token", json!("x")).unwrap_err().contains("secret"));
    assert!(set("nothing", json!(1)).unwrap_err().contains("no setting"));

    place.plugins.remove("stars").unwrap();
    assert!(place.plugins.find("stars").is_err());
    assert_eq!(place.system.plugin_secrets("default", "stars").unwrap(), []);
}

#[test]
fn the_address_of_a_service_is_one_that_can_be_asked() {
    let place = place();
    let stars = "id: stars\nname: Stars\nversion: 1.0.0\ntype: integration\npermissions: [{ network_request: { hosts: [api.example.org] } }]\n\
        integration: { api_type: rest, base_url: 'https://api.example.org' }\n";
    let plugin = place.installed("stars", &[("manifest.yml", stars)]);
    let set = |address: Value| {
        let change = json!({ "base_url": address });
        place
            .plugins
            .set_config(&plugin, "default", change.as_object().unwrap())
            .map_err(|why| why.to_string())
    };
    for bad in [
        json!("ftp://x"),
        json!("no address"),
        json!("https://me:pass@x.org"),
        json!(7),
        json!("file:///etc/passwd"),
    ] {
        assert!(set(bad.clone()).unwrap_err().contains("base_url"), "{bad}");
    }
    // Not even a default says it for the user.
    let sly = stars.replace("id: stars", "id: sly")
        + "properties: [{ name: base_url, default: 'http://127.0.0.1:9500' }]\n";
    let sly = place.installed("sly", &[("manifest.yml", &sly)]);
    assert_eq!(place.plugins.config(&sly, "default").unwrap().get("base_url"), None);
    for good in [json!("http://127.0.0.1:9477"), json!("https://stars.example.org/v2"), Value::Null] {
        assert_eq!(set(good), Ok(()));
    }
}

#[test]
fn what_will_hardly_do_what_was_meant_is_said() {
    let place = place();
    let text = "id: stars\nname: Stars\nversion: 1.0.0\ntype: integration\npermisions: []\npermissions:\n  - network_request: { hosts: [other.example.org] }\n\
        integration: { api_type: rest, base_url: 'http://api.example.org:8080' }\nendpoints:\n  - id: get\n    method: get\n    path: /x/{foo}\n    parameters: [{ name: bar, from_config: nokey }]\n\
        examples: [{ name: E, file: none.cdx }]\nproperties:\n";
    let plugin = place.installed("stars", &[("manifest.yml", text)]);
    let mut said: Vec<(String, usize)> =
        plugin.manifest.advice.iter().map(|one| (one.key.clone().unwrap(), one.line.unwrap())).collect();
    said.sort_by_key(|(_, line)| *line);
    let expect = [
        ("permisions", 5),
        ("integration/base_url", 8),
        ("endpoints/0/path", 12),
        ("endpoints/0/parameters/0/from_config", 13),
        ("examples/0/file", 14),
    ];
    assert_eq!(said, expect.map(|(key, line)| (key.to_owned(), line)), "{:?}", plugin.manifest.advice);
    assert_eq!(plugin.manifest.endpoints[0].method.as_deref(), Some("GET"));
}

#[test]
fn what_is_bundled_is_whole() {
    let catalogue = Catalogue::read(Path::new("/nonexistent"), &|_, _| false);
    assert_eq!(catalogue.problems, []);
    for plugin in &catalogue.plugins {
        assert_eq!(plugin.blocked, None, "{}", plugin.id());
        assert_eq!(plugin.manifest.advice, [], "{}", plugin.id());
        assert_eq!(advice::examples::on(plugin, &catalogue.plugins), [], "{}", plugin.id());
        if let Some(theme) = &plugin.manifest.theme {
            let clean =
                theme::clean(&plugin.files.text(&theme.stylesheet).unwrap(), &theme.class_name).unwrap();
            assert_eq!(clean.warnings, [], "{}", plugin.id());
        }
        assert!(plugin.is_bundled());
    }
}

#[tokio::test]
async fn a_change_on_disk_is_heard() {
    let place = place();
    let mut changes = place.plugins.changes();
    changes.mark_unchanged();
    let folder = place.plugins.folder().join("board");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("manifest.yml"), view("board", "")).unwrap();
    fs::write(folder.join("v.js"), "").unwrap();
    changes.changed().await.unwrap();
    assert!(place.plugins.find("board").is_ok());
}

#[test]
fn an_importer_that_may_make_nothing_is_told_so() {
    let place = place();
    let manifest = "id: lines\nname: Lines\nversion: 1.0.0\ntype: importer\nimporters:\n  - { id: lines, name: Lines, script: l.js, extensions: [.txt] }\n";
    let plugin = place.installed("lines", &[("manifest.yml", manifest), ("l.js", "1")]);
    let advice = &plugin.manifest.advice;
    assert_eq!((advice.len(), advice[0].key.as_deref(), advice[0].line), (1, Some("importers"), Some(5)));
    assert!(advice[0].message.contains("`write_files`"), "{advice:?}");
    let sound = manifest.replace("importers:", "permissions: [write_files]\nimporters:");
    let plugin = place.installed("lines", &[("manifest.yml", &sound), ("l.js", "1")]);
    assert_eq!(plugin.manifest.advice, []);
}
