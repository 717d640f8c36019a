//! Before a service that gives tokens as RFC 6749 says, holds to PKCE, and takes each refresh token once.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Form, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::*;
use crate::plugins::endpoints::reach;
use crate::system::{PluginAnswer, System};

type Fields = BTreeMap<String, String>;

/// What the service knows.
#[derive(Default)]
struct Known {
    challenge: String,
    redirect: String,
    /// How many tokens it gave: the last one is `access-N`, to be renewed with `refresh-N`.
    given: u32,
    /// It takes no access token below this.
    oldest: u32,
    /// It renews nothing any more.
    is_over: bool,
    /// It cannot answer now.
    is_away: bool,
    revoked: Vec<String>,
    asked: Vec<Fields>,
}

type Service = Arc<Mutex<Known>>;

async fn token(Shared(service): Shared<Service>, Form(form): Form<Fields>) -> Response {
    let mut known = lock(&service);
    known.asked.push(form.clone());
    if known.is_away {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let no = |error: &str| {
        let more = format!("because of {}", form.get("refresh_token").map_or("", String::as_str));
        let body = json!({"error": error, "error_description": more});
        (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
    };
    if form["client_id"] != "me" || form.get("client_secret").is_some_and(|secret| secret != "shh") {
        return no("invalid_client");
    }
    match form["grant_type"].as_str() {
        "authorization_code" => {
            let hash = digest::digest(&digest::SHA256, form["code_verifier"].as_bytes());
            let is_same = BASE64URL_NOPAD.encode(hash.as_ref()) == known.challenge;
            if form["code"] != "good" || !is_same || form["redirect_uri"] != known.redirect {
                return no("invalid_grant");
            }
        }
        "refresh_token" if known.is_over || form["refresh_token"] != format!("refresh-{}", known.given) => {
            return no("invalid_grant");
        }
        _ => {}
    }
    known.given += 1;
    let n = known.given;
    let said = json!({"access_token": format!("access-{n}"), "refresh_token": format!("refresh-{n}"), "expires_in": 3600, "token_type": "Bearer"});
    axum::Json(said).into_response()
}

async fn revoke(Shared(service): Shared<Service>, Form(form): Form<Fields>) {
    lock(&service).revoked.push(form["token"].clone());
}

async fn events(Shared(service): Shared<Service>, headers: HeaderMap) -> Response {
    let bearer = headers["authorization"].to_str().unwrap_or_default().to_owned();
    let number: u32 = bearer.strip_prefix("Bearer access-").and_then(|n| n.parse().ok()).unwrap_or(0);
    if number == 0 || number < lock(&service).oldest {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    axum::Json(json!({"number": number})).into_response()
}

struct Place {
    plugins: Plugins,
    service: Service,
    temp: tempfile::TempDir,
}

fn scope() -> Scope {
    Scope { workspace: "default".to_owned(), notebook: None }
}

async fn place() -> Place {
    let service = Service::default();
    let router = Router::new()
        .route("/token", post(token))
        .route("/revoke", post(revoke))
        .route("/events", get(events))
        .with_state(Arc::clone(&service));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let place = with_addresses(service, &format!("{base}/auth"), &format!("{base}/token"), &base);
    let plugin = place.plugin();
    let config = json!({"base_url": base, "client_id": "me"});
    place.plugins.set_config(&plugin, "default", config.as_object().unwrap()).unwrap();
    place.plugins.set_secret(&plugin, "default", "client_secret", Some("shh")).unwrap();
    place
}

fn with_addresses(service: Service, authorize: &str, token: &str, base: &str) -> Place {
    let temp = tempfile::tempdir().unwrap();
    let system = System::open(&temp.path().join("system.db")).unwrap();
    let folder = temp.path().join("plugins/agenda");
    std::fs::create_dir_all(&folder).unwrap();
    let manifest = format!(
        "id: agenda\nname: Agenda\nversion: 1.0.0\ntype: integration\npermissions: [{{ network_request: {{ hosts: [api.example.org] }} }}]\n\
         properties: [{{ name: client_id }}, {{ name: client_secret, secure: true }}]\n\
         integration:\n  base_url: 'https://api.example.org'\n  auth_method: oauth2\n  \
         oauth: {{ authorize_url: '{authorize}', token_url: '{token}', revoke_url: '{base}/revoke', scopes: [read, list] }}\n\
         endpoints: [{{ id: events, path: /events, cache_ttl: 0 }}, {{ id: kept, path: /events, cache_ttl: 60 }}]\n"
    );
    std::fs::write(folder.join("manifest.yml"), manifest).unwrap();
    let engine = crate::plugins::endpoints::Engine::with_lookup(reach::system());
    let plugins = Plugins::with_engine(temp.path().join("plugins"), system, engine);
    let hash = plugins.find("agenda").unwrap().hash.clone();
    plugins.enable("agenda", &scope(), Some(Some(true)), Some(&hash), None).unwrap();
    Place { plugins, service, temp }
}

impl Place {
    fn plugin(&self) -> Arc<Plugin> {
        self.plugins.find("agenda").unwrap()
    }

    /// What the browser is sent to; the service notes what it will hold the program to.
    async fn begun(&self) -> Fields {
        let begun = self.plugins.sign_in("agenda", &scope()).await.unwrap();
        let url = Url::parse(&begun.url).unwrap();
        let said: Fields = url.query_pairs().into_owned().collect();
        let mut known = lock(&self.service);
        known.challenge.clone_from(&said["code_challenge"]);
        known.redirect.clone_from(&said["redirect_uri"]);
        said
    }

    async fn signed_in(&self) {
        let said = self.begun().await;
        let (status, page) = comes_back(&said, &[("state", &said["state"]), ("code", "good")]).await;
        assert!(status == StatusCode::OK && page.contains("Signed in"), "{status}: {page}");
    }

    fn is_signed_in(&self) -> Option<bool> {
        self.plugins.is_signed_in(&self.plugin(), "default").unwrap()
    }

    async fn ask(&self) -> Result<Value, String> {
        let answer = self.plugins.ask("agenda", &scope(), "events", &serde_json::Map::new(), false).await;
        answer.map(|answer| answer.data["number"].clone()).map_err(|why| why.to_string())
    }

    fn outlive(&self) {
        let old = self.plugins.tokens(&self.plugin(), &scope()).unwrap().unwrap();
        self.plugins.keep_tokens(&self.plugin(), &scope(), &Tokens { until: now_ms(), ..old }).unwrap();
    }
}

/// What a browser does at the end.
async fn comes_back(said: &Fields, with: &[(&str, &str)]) -> (StatusCode, String) {
    let mut url = Url::parse(&said["redirect_uri"]).unwrap();
    url.query_pairs_mut().extend_pairs(with);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let response = reqwest::Client::builder().no_proxy().build().unwrap().get(url).send().await.unwrap();
    assert!(response.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    (response.status(), response.text().await.unwrap())
}

#[tokio::test]
async fn the_user_says_yes_in_a_browser_and_the_daemon_asks_with_what_comes_back() {
    let place = place().await;
    assert_eq!(place.is_signed_in(), Some(false));
    assert!(place.ask().await.unwrap_err().contains("not signed in"));
    let said = place.begun().await;
    assert_eq!((said["response_type"].as_str(), said["client_id"].as_str()), ("code", "me"));
    assert_eq!((said["scope"].as_str(), said["code_challenge_method"].as_str()), ("read list", "S256"));
    assert!(said["redirect_uri"].starts_with("http://127.0.0.1:"));
    let (status, _) = comes_back(&said, &[("state", &said["state"]), ("code", "good")]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((place.is_signed_in(), place.ask().await.unwrap()), (Some(true), json!(1)));
    assert_eq!(lock(&place.service).asked[0]["client_secret"], "shh");
    // It lies nowhere in the open, and is none of the settings.
    let database = std::fs::read(place.temp.path().join("system.db")).unwrap();
    let log = std::fs::read(place.temp.path().join("system.db-wal")).unwrap_or_default();
    for bytes in [database, log] {
        let is_there = |word: &[u8]| bytes.windows(word.len()).any(|part| part == word);
        assert!(!is_there(b"access-1") && !is_there(b"refresh-1"));
    }
    assert_eq!(place.plugins.secrets(&place.plugin(), "default").unwrap().0, ["client_secret"]);
}

#[tokio::test]
async fn whoever_does_not_know_the_state_changes_nothing() {
    let place = place().await;
    let said = place.begun().await;
    for with in [
        vec![("code", "good")],
        vec![("state", "guessed"), ("code", "good")],
        vec![("state", "guessed"), ("error", "x")],
    ] {
        let (status, page) = comes_back(&said, &with).await;
        assert!(status == StatusCode::BAD_REQUEST && page.contains("not the sign-in"), "{status}: {page}");
    }
    assert!(lock(&place.service).asked.is_empty());
    // It is still waited for.
    let (status, _) = comes_back(&said, &[("state", &said["state"]), ("code", "good")]).await;
    assert_eq!((status, place.is_signed_in()), (StatusCode::OK, Some(true)));
}

#[tokio::test]
async fn a_code_that_was_stolen_is_worth_nothing() {
    let place = place().await;
    let said = place.begun().await;
    // Somebody else's verifier belongs to this challenge.
    lock(&place.service).challenge = "other".to_owned();
    let (status, page) = comes_back(&said, &[("state", &said["state"]), ("code", "good")]).await;
    assert!(status == StatusCode::BAD_REQUEST && page.contains("invalid_grant"), "{page}");
    assert_eq!(place.is_signed_in(), Some(false));
}

#[tokio::test]
async fn a_no_of_the_user_is_told_and_nothing_is_kept() {
    let place = place().await;
    let said = place.begun().await;
    let (_, page) = comes_back(&said, &[("state", &said["state"]), ("error", "access_denied")]).await;
    assert!(page.contains("Access was not given"), "{page}");
    let said = place.begun().await;
    let (_, page) = comes_back(&said, &[("state", &said["state"]), ("error", "<b>odd</b>")]).await;
    assert!(page.contains("&lt;b&gt;odd"), "{page}");
    assert_eq!((place.is_signed_in(), lock(&place.service).asked.len()), (Some(false), 0));
    assert_eq!(place.plugins.tally("agenda").1, 0, "it is no refusal of ours");
}

#[tokio::test]
async fn an_old_token_is_renewed_once_for_all_who_ask() {
    let place = place().await;
    place.signed_in().await;
    place.outlive();
    let (a, b, c) = tokio::join!(place.ask(), place.ask(), place.ask());
    assert_eq!((a, b, c), (Ok(json!(2)), Ok(json!(2)), Ok(json!(2))));
    assert_eq!(lock(&place.service).asked.len(), 2, "a sign-in and one renewal");
    // The next one is renewed with what came with this one.
    place.outlive();
    assert_eq!(place.ask().await, Ok(json!(3)));
}

#[tokio::test]
async fn a_token_that_is_refused_before_its_time_is_renewed() {
    let place = place().await;
    place.signed_in().await;
    lock(&place.service).oldest = 2;
    assert_eq!(place.ask().await, Ok(json!(2)));
    // One that is refused for good is asked for once more, not for ever.
    lock(&place.service).oldest = 9;
    assert!(place.ask().await.unwrap_err().contains("401"));
    assert_eq!(lock(&place.service).given, 3);
}

#[tokio::test]
async fn what_cannot_be_renewed_is_signed_out_and_says_so() {
    let place = place().await;
    place.signed_in().await;
    place.outlive();
    lock(&place.service).is_over = true;
    assert!(place.ask().await.unwrap_err().contains("sign in under Settings"));
    assert_eq!(place.is_signed_in(), Some(false));
}

#[tokio::test]
async fn who_cannot_renew_a_sign_in_now_is_shown_what_was_said_before() {
    let place = place().await;
    place.signed_in().await;
    let parameters = serde_json::Map::new();
    let kept = async || place.plugins.ask("agenda", &scope(), "kept", &parameters, false).await;
    assert!(!kept().await.unwrap().stale);
    place.outlive();
    lock(&place.service).is_away = true;
    let answer = kept().await.unwrap();
    assert_eq!((&answer.data["number"], answer.stale), (&json!(1), false), "it is new enough");
    let scope = scope();
    let call = place.plugins.prepare(place.plugin(), &scope, "kept", &parameters, None).unwrap();
    let system = &place.plugins.inner.system;
    let old = system.plugin_answer(&call.key()).unwrap().unwrap();
    system.keep_plugin_answer(&call.key(), &PluginAnswer { at: old.at - 120_000, ..old }).unwrap();
    assert!(kept().await.unwrap().stale);
    assert!(place.ask().await.unwrap_err().contains("503"), "nothing was kept of this one");
    // A "no" is no silence.
    lock(&place.service).is_away = false;
    lock(&place.service).is_over = true;
    assert!(kept().await.unwrap_err().to_string().contains("sign in under Settings"));
}

#[tokio::test]
async fn a_token_follows_its_plugin_to_no_other_service() {
    let place = place().await;
    place.signed_in().await;
    let other = json!({"base_url": "https://other.example"});
    place.plugins.set_config(&place.plugin(), "default", other.as_object().unwrap()).unwrap();
    assert_eq!(place.is_signed_in(), Some(false));
    assert!(place.ask().await.unwrap_err().contains("sign in again"));
    let error = place.plugins.sign_in("agenda", &scope()).await.unwrap_err().to_string();
    assert!(error.contains("`client_secret` was given for other hosts"), "{error}");
    // It can be forgotten all the same, and is told to nobody.
    place.plugins.sign_out("agenda", &scope()).await.unwrap();
    assert!(lock(&place.service).revoked.is_empty());
}

#[tokio::test]
async fn signing_out_forgets_the_tokens_and_gives_them_back() {
    let place = place().await;
    place.signed_in().await;
    place.plugins.sign_out("agenda", &scope()).await.unwrap();
    assert_eq!(place.is_signed_in(), Some(false));
    assert_eq!(lock(&place.service).revoked, ["refresh-1"]);
    assert!(place.ask().await.is_err());
}

#[tokio::test]
async fn tokens_are_asked_for_where_the_manifest_may_reach_and_nowhere_else() {
    let fine = "https://api.example.org/x";
    for (authorize, token) in [
        ("https://evil.example/auth", fine),
        (fine, "https://evil.example/token"),
        (fine, "http://127.0.0.1:1/token"),
        (fine, "http://api.example.org/token"),
        ("javascript:alert(1)", fine),
    ] {
        let place = with_addresses(Service::default(), authorize, token, "https://api.example.org");
        let id = json!({"client_id": "me"});
        place.plugins.set_config(&place.plugin(), "default", id.as_object().unwrap()).unwrap();
        let error = place.plugins.sign_in("agenda", &scope()).await.unwrap_err();
        assert!(matches!(error, EndpointError::Unreachable { .. }), "{authorize} {token}: {error}");
    }
    let place = with_addresses(Service::default(), fine, fine, "https://api.example.org");
    let error = place.plugins.sign_in("agenda", &scope()).await.unwrap_err().to_string();
    assert!(error.contains("`client_id` is not set"), "{error}");
    place.plugins.enable("agenda", &scope(), None, None, Some(&[])).unwrap();
    let error = place.plugins.sign_in("agenda", &scope()).await.unwrap_err();
    assert!(matches!(error, EndpointError::Plugin(_)), "{error}");
}
