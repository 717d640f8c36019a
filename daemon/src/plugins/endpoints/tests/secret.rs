//! A secret goes where it was meant to go, once it is clear which one, and does not come back.

use super::*;

const SECRET: &str = "hunter2/hunter2";

/// A manifest with these secrets, and this more in `integration`.
fn with_secrets(names: &[&str], more: &str) -> String {
    let secrets: Vec<String> = names.iter().map(|name| format!("{{ name: {name}, secure: true }}")).collect();
    let had = "{ name: token, secure: true }";
    MANIFEST
        .replace(had, &secrets.join(", "))
        .replace("auth_method: token", &format!("auth_method: token{more}"))
}

#[tokio::test]
async fn no_secret_comes_back() {
    let place = place().await;
    place.set_secret("token", Some(SECRET));
    let answer = place.ask("any", json!({"what": "echo"})).await.unwrap();
    assert_eq!(answer.data["said"], "Bearer •••");
    let answer = place.ask("kept", json!({"what": "escaped"})).await.unwrap();
    let seen = answer.data.to_string();
    assert!(!seen.contains("hunter") && seen.matches("•••").count() == 5, "{seen}");
    let why = place.fails("picture", json!({"what": "stamped"})).await;
    assert!(why.contains("with a secret"), "{why}");
    assert!(place.is_kept("escaped"));
    for file in ["system.db", "system.db-wal"] {
        let bytes = std::fs::read(place.temp.path().join(file)).unwrap_or_default();
        assert!(!bytes.windows(6).any(|part| part == b"hunter"), "{file}");
    }
}

#[tokio::test]
async fn the_secret_that_is_sent_is_the_one_that_is_meant() {
    let sent = |manifest: String| async move {
        let place = near(&manifest).await;
        for property in place.plugin().manifest.properties.iter().filter(|one| one.secure) {
            place.set_secret(&property.name, Some(&format!("value of {}", property.name)));
        }
        let headers = place.prepare("any", json!({"what": "x"})).unwrap().secret_headers;
        headers.into_iter().map(|(_, value)| value).collect::<Vec<_>>()
    };
    assert_eq!(sent(with_secrets(&["key"], "")).await, ["Bearer value of key"]);
    let both = ["account_password", "token"];
    assert_eq!(sent(with_secrets(&both, "")).await, ["Bearer value of token"]);
    let named = with_secrets(&both, ", auth_secret: account_password");
    assert_eq!(sent(named).await, ["Bearer value of account_password"]);
    // One that is a parameter is not the one that is left.
    let parameter =
        with_secrets(&["account", "key"], "").replace("{ name: q }", "{ name: q, from_config: account }");
    assert_eq!(sent(parameter.clone()).await, ["Bearer value of key"]);
    let key = parameter.replace("auth_method: token", "auth_method: api_key");
    assert_eq!(sent(key).await, [""; 0], "it is sent as the parameter, and nothing else is");
}

#[test]
fn a_manifest_that_leaves_open_which_secret_is_sent_is_refused() {
    for (manifest, key, words) in [
        (
            with_secrets(&["account_password", "pin"], ""),
            "integration/auth_method",
            "`auth_secret` in `integration`",
        ),
        (with_secrets(&["token"], ", auth_secret: units"), "integration/auth_secret", "`units` is no secret"),
    ] {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("manifest.yml"), manifest).unwrap();
        let problems = crate::plugins::catalogue::read_one(temp.path()).unwrap_err();
        assert_eq!(problems[0].key.as_deref(), Some(key));
        assert!(problems[0].message.contains(words) && problems[0].line.is_some(), "{problems:?}");
    }
}

#[tokio::test]
async fn a_page_that_a_script_names_is_read_without_the_secret() {
    for hosts in ["[api.example.org]", "['*']"] {
        let place = near(&MANIFEST.replace("[api.example.org]", hosts)).await;
        place.set_secret("token", Some(SECRET));
        let elsewhere = place.prepare("page", json!({"url": "https://api.example.org/x"})).unwrap();
        assert!(elsewhere.secret_headers.is_empty() && !elsewhere.has_secret);
        let config = place.plugins.config(&place.plugin(), "default").unwrap();
        let own = format!("{}page", config["base_url"].as_str().unwrap());
        assert_eq!(place.prepare("page", json!({"url": own})).unwrap().secret_headers.len(), 1);
    }
}

#[tokio::test]
async fn a_secret_of_the_programs_plugin_is_not_for_one_that_takes_its_place() {
    let place = place().await;
    let secrets = || place.plugins.secrets(&place.plugins.find("github").unwrap(), "default").unwrap();
    let set = || {
        place
            .plugins
            .set_secret(&place.plugins.find("github").unwrap(), "default", "token", Some(SECRET))
            .unwrap()
    };
    let (good, again) = ((vec!["token".to_owned()], vec![]), (vec![], vec!["token".to_owned()]));
    set();
    assert_eq!(secrets(), good);
    let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/integrations/github");
    let to = place.plugins.folder().join("other");
    std::fs::create_dir_all(&to).unwrap();
    for file in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
    *lock(&place.plugins.inner.catalogue) = None;
    let hash =
        place.plugins.catalogue().waiting.iter().find(|one| one.id() == "github").unwrap().hash.clone();
    place.plugins.enable("github", &scope(), Some(Some(true)), Some(&hash), None).unwrap();
    assert_eq!(secrets(), again);
    // Given to it, it is its own; and what it has the program's may have, too.
    set();
    assert_eq!(secrets(), good);
    place.plugins.enable("github", &scope(), Some(Some(false)), None, None).unwrap();
    assert_eq!(secrets(), good);
}

#[tokio::test]
async fn a_secret_follows_its_plugin_to_no_other_host() {
    let place = place().await;
    let secrets = || place.plugins.secrets(&place.plugin(), "default").unwrap();
    let change = |from: &str, to: &str| {
        std::fs::write(place.plugins.folder().join("stars/manifest.yml"), MANIFEST.replace(from, to))
            .unwrap();
        *lock(&place.plugins.inner.catalogue) = None;
        let hash = place.plugin().hash.clone();
        place.plugins.enable("stars", &scope(), Some(Some(true)), Some(&hash), None).unwrap();
    };
    let token = vec!["token".to_owned()];
    place.set_secret("token", Some(SECRET));
    assert_eq!(secrets(), (token.clone(), vec![]));
    change("hosts: [api.example.org]", "hosts: [api.example.org, evil.example]");
    assert_eq!(secrets(), (vec![], token.clone()));
    let why = place.fails("any", json!({"what": "fine"})).await;
    assert!(
        why.contains("`token` was given for other hosts") && why.contains("codexd plugin secret stars token")
    );
    assert_eq!(place.asked(), 0);
    // What is the same as before, or less, is no reason to ask; nor is another path at the same service.
    for (from, to) in [("version: 1.0.0", "version: 1.0.1"), ("path: '/{what}'", "path: '/v2/{what}'")] {
        change(from, to);
        assert_eq!(secrets(), (token.clone(), vec![]), "{to}");
    }
    let whole = "path: 'https://other.example/{what}'";
    change("path: '/{what}'", whole);
    assert_eq!(secrets(), (vec![], token.clone()));
    place.set_secret("token", Some(SECRET));
    assert_eq!(secrets(), (token.clone(), vec![]));
}

#[tokio::test]
async fn a_secret_goes_to_the_service_for_which_its_user_gave_it() {
    let place = far(reach::system());
    place.set_secret("token", Some(SECRET));
    assert_eq!(place.prepare("any", json!({"what": "x"})).unwrap().secret_headers.len(), 1);
    place.set_config(json!({"base_url": "http://lab.example:8080/v1"}));
    let why = place.prepare("any", json!({"what": "x"})).unwrap_err().to_string();
    assert!(why.contains("give it again"), "{why}");
    place.set_config(json!({"base_url": null}));
    assert_eq!(place.prepare("any", json!({"what": "x"})).unwrap().secret_headers.len(), 1);
    place.set_config(json!({"base_url": "http://lab.example:8080/v1"}));
    place.set_secret("token", Some(SECRET));
    place.set_config(json!({"base_url": "http://lab.example:8080/v2"}));
    assert_eq!(place.prepare("any", json!({"what": "x"})).unwrap().secret_headers.len(), 1);
}

#[tokio::test]
async fn a_secret_that_is_said_to_be_for_other_hosts_does_not_open() {
    let place = place().await;
    place.set_secret("token", Some(SECRET));
    place.set_config(json!({"base_url": "https://evil.example"}));
    let system = &place.plugins.inner.system;
    let old = system.plugin_secrets("default", "stars").unwrap().remove(0);
    let hosts = json!(["api.example.org", "service https://evil.example"]).to_string();
    for (hosts, words) in [(Some(hosts), "cannot be opened"), (None, "given for other hosts")] {
        let secret = crate::system::PluginSecret { hosts, ..old.clone() };
        system.set_plugin_secret("default", "stars", &secret).unwrap();
        let why = place.prepare("any", json!({"what": "x"})).unwrap_err().to_string();
        assert!(why.contains(words), "{why}");
    }
}
