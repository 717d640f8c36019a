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
