//! Before a service that answers as such services do, and as they should not.
#![allow(clippy::unwrap_used)]

mod kept;
mod secret;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::IntoResponse;

use std::time::{Duration, Instant};

use serde_json::json;

use super::breaker::End;
use super::*;
use crate::clock::now_ms;
use crate::plugins::lock;
use crate::plugins::manifest::RateLimit;
use crate::system::{PluginAnswer, System};

/// What the service was asked, and how often.
#[derive(Clone, Default)]
struct Service {
    asked: Arc<AtomicUsize>,
    last: Arc<Mutex<(String, HeaderMap)>>,
    /// Told of each request that will never be answered.
    hangs: Arc<tokio::sync::Notify>,
    /// Lets one that waits go on.
    go: Arc<tokio::sync::Notify>,
}

async fn serve(Shared(service): Shared<Service>, uri: Uri, headers: HeaderMap) -> axum::response::Response {
    let number = service.asked.fetch_add(1, Ordering::SeqCst);
    *lock(&service.last) = (uri.to_string(), headers.clone());
    let json_type = [("content-type", "application/json")];
    match uri.path().rsplit('/').next().unwrap_or_default() {
        "fine" => (json_type, "{\"a\":1}").into_response(),
        "etag" if headers.get("if-none-match").is_some_and(|tag| tag == "\"one\"") => {
            StatusCode::NOT_MODIFIED.into_response()
        }
        "etag" => ([("content-type", "application/json"), ("etag", "\"one\"")], "{\"a\":1}").into_response(),
        "missing" => (StatusCode::NOT_FOUND, "no").into_response(),
        "down" => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        "stumbles" if number == 0 => StatusCode::BAD_GATEWAY.into_response(),
        "stumbles" => (json_type, "{}").into_response(),
        "huge" => (json_type, "x".repeat(ANSWER_BYTES + 1)).into_response(),
        "html" => ([("content-type", "text/html")], "<script>").into_response(),
        "picture" => ([("content-type", "image/png")], vec![1_u8, 2, 3]).into_response(),
        "echo" => (json_type, json!({"said": headers["authorization"].to_str().unwrap()}).to_string())
            .into_response(),
        "hangs" => {
            service.hangs.notify_one();
            std::future::pending().await
        }
        "waits" => {
            service.hangs.notify_one();
            service.go.notified().await;
            (json_type, "{}").into_response()
        }
        "unauthorized" => StatusCode::UNAUTHORIZED.into_response(),
        "forbidden" => StatusCode::FORBIDDEN.into_response(),
        "gone" => StatusCode::GONE.into_response(),
        "teapot" => StatusCode::IM_A_TEAPOT.into_response(),
        "escaped" => (json_type, escaped(headers["authorization"].to_str().unwrap())).into_response(),
        "stamped" => {
            let said = [b"\x89PNG\0".as_slice(), headers["authorization"].as_bytes()].concat();
            ([("content-type", "image/png")], said).into_response()
        }
        "busy" => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "120")]).into_response(),
        "later" => (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", LATER)]).into_response(),
        "too-often" => (StatusCode::FORBIDDEN, [("retry-after", "60")]).into_response(),
        "loop" => (StatusCode::FOUND, [("location", "/loop")]).into_response(),
        "away" => (StatusCode::FOUND, [("location", "http://169.254.169.254/latest")]).into_response(),
        "elsewhere" => (StatusCode::FOUND, [("location", "https://evil.example/")]).into_response(),
        _ => (json_type, json!({"path": uri.to_string()}).to_string()).into_response(),
    }
}

/// What was sent, as JSON may hold it.
fn escaped(said: &str) -> String {
    let (slashes, percent) = (said.replace('/', "\\/"), said.replace('/', "%2F"));
    let letters: String = said.chars().map(|letter| format!("\\u{:04x}", u32::from(letter))).collect();
    let base64 = data_encoding::BASE64.encode(said.as_bytes());
    format!(
        "{{\"{slashes}\": [\"{letters}\", \"{percent}\", \"{base64}\"], \"in\": \"{{\\\"k\\\": \\\"{said}\\\"}}\"}}"
    )
}

/// An HTTP date that is far away.
const LATER: &str = "Tue, 31 Dec 2199 23:59:59 GMT";

const MANIFEST: &str = "id: stars\nname: Stars\nversion: 1.0.0\ntype: integration\npermissions: [{ network_request: { hosts: [api.example.org] } }]\n\
properties: [{ name: token, secure: true }, { name: units, default: metric }]\n\
integration: { base_url: 'https://api.example.org', auth_method: token, rate_limit: { requests_per_minute: 100 } }\n\
endpoints:\n  - { id: any, path: '/{what}', cache_ttl: 0, parameters: [{ name: what, required: true }, { name: q }, { name: n, type: integer }, { name: all, type: array }, { name: units, from_config: units }] }\n  \
- { id: kept, path: '/{what}', cache_ttl: 3600, parameters: [{ name: what, required: true }] }\n  \
- { id: brief, path: '/etag', cache_ttl: 1 }\n  \
- { id: post, method: POST, path: '/{what}', parameters: [{ name: what, required: true }, { name: text }] }\n  \
- { id: picture, path: '/{what}', response_type: image, parameters: [{ name: what, required: true }] }\n  \
- { id: page, parameters: [{ name: url, required: true }] }\n";

struct Place {
    plugins: Plugins,
    scope: Scope,
    service: Service,
    temp: tempfile::TempDir,
}

fn scope() -> Scope {
    Scope { workspace: "default".to_owned(), notebook: None }
}

/// A plugin whose service is here, because the user of this device says so.
async fn place() -> Place {
    near(MANIFEST).await
}

async fn near(manifest: &str) -> Place {
    let place = installed(manifest, reach::system());
    let service = place.service.clone();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(serve).with_state(service);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let plugin = place.plugins.find("stars").unwrap();
    let own = [("base_url".to_owned(), json!(format!("http://{address}/")))].into_iter().collect();
    place.plugins.set_config(&plugin, "default", &own).unwrap();
    place
}

/// A plugin whose service is where the manifest says, and names lead where the test says.
fn far(lookup: Lookup) -> Place {
    installed(MANIFEST, lookup)
}

fn installed(manifest: &str, lookup: Lookup) -> Place {
    let temp = tempfile::tempdir().unwrap();
    let system = System::open(&temp.path().join("system.db")).unwrap();
    let folder = temp.path().join("plugins/stars");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("manifest.yml"), manifest).unwrap();
    let plugins = Plugins::with_engine(temp.path().join("plugins"), system, Engine::with_lookup(lookup));
    let hash = plugins.find("stars").unwrap().hash.clone();
    plugins.enable("stars", &scope(), Some(Some(true)), Some(&hash), None).unwrap();
    Place { plugins, scope: scope(), service: Service::default(), temp }
}

impl Place {
    async fn ask(&self, endpoint: &str, parameters: Value) -> Result<Answer, EndpointError> {
        self.plugins.ask("stars", &scope(), endpoint, parameters.as_object().unwrap(), false).await
    }

    async fn fails(&self, endpoint: &str, parameters: Value) -> String {
        self.ask(endpoint, parameters).await.unwrap_err().to_string()
    }

    fn plugin(&self) -> Arc<Plugin> {
        self.plugins.find("stars").unwrap()
    }

    fn set_secret(&self, name: &str, value: Option<&str>) {
        self.plugins.set_secret(&self.plugin(), "default", name, value).unwrap();
    }

    fn set_config(&self, config: Value) {
        self.plugins.set_config(&self.plugin(), "default", config.as_object().unwrap()).unwrap();
    }

    fn prepare(&self, endpoint: &str, parameters: Value) -> Result<Prepared, EndpointError> {
        let given = parameters.as_object().unwrap();
        let call = self.plugins.prepare(self.plugin(), &self.scope, endpoint, given, None)?;
        Ok(call.prepared)
    }

    /// Under what an answer is kept.
    fn key(&self, endpoint: &str, parameters: Value) -> (String, String, String) {
        let key = self.prepare(endpoint, parameters).unwrap().key;
        ("default".to_owned(), "stars".to_owned(), key)
    }

    /// What a service said so many seconds ago.
    fn said(&self, what: &str, seconds: i64) {
        let answer = PluginAnswer {
            at: now_ms() - seconds * 1000,
            etag: None,
            modified: None,
            media_type: "application/json".into(),
            body: "{\"old\":1}".into(),
        };
        let key = self.key("kept", json!({"what": what}));
        self.plugins.inner.system.keep_plugin_answer(&key, &answer).unwrap();
    }

    fn is_kept(&self, what: &str) -> bool {
        let key = self.key("kept", json!({"what": what}));
        self.plugins.inner.system.plugin_answer(&key).unwrap().is_some()
    }

    fn gate(&self, work: impl FnOnce(&mut Gate)) {
        let mut gates = lock(&self.plugins.inner.engine.gates);
        work(gates.entry(("default".to_owned(), "stars".to_owned())).or_default());
    }

    fn asked(&self) -> usize {
        self.service.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn parameters_go_where_they_belong() {
    let place = place().await;
    let plugin = place.plugins.find("stars").unwrap();
    place.plugins.set_secret(&plugin, "default", "token", Some("hunter2-hunter2")).unwrap();
    let answer = place.ask("any", json!({"what": "a/../b c?x", "q": "ü & =", "n": 3})).await.unwrap();
    let path = answer.data["path"].as_str().unwrap();
    assert_eq!(path, "/a%2F..%2Fb%20c%3Fx?n=3&q=%C3%BC+%26+%3D&units=metric");
    assert_eq!(lock(&place.service.last).1["authorization"], "Bearer hunter2-hunter2");
    assert!(place.fails("any", json!({})).await.contains("`what` is not given"));
    assert!(place.fails("any", json!({"what": ".."})).await.contains("cannot stand"));
    // Whoever reads an address leaves out tabs and ends of lines: `..` would be left.
    for what in [".\t.", "\t..", "..\n", ".\r."] {
        assert!(
            place.fails("any", json!({"what": what})).await.contains("has a control character"),
            "{what:?}"
        );
    }
    assert!(place.fails("any", json!({"what": "x", "n": "many"})).await.contains("type integer"));
    let list = place.ask("any", json!({"what": "x", "all": ["a b", 2, true]})).await.unwrap();
    assert_eq!(list.data["path"].as_str().unwrap(), "/x?all=a+b&all=2&all=true&units=metric");
    assert!(place.fails("any", json!({"what": "x", "all": [["a"]]})).await.contains("type array"));
    assert!(place.fails("any", json!({"what": "x", "q": ["a"]})).await.contains("type string"));
    assert!(place.fails("any", json!({"what": "x", "other": 1})).await.contains("no parameter `other`"));
    assert!(place.fails("nothing", json!({})).await.contains("it has any, kept"));
}

#[tokio::test]
async fn an_answer_is_kept_as_long_as_declared_and_shown_as_of_then() {
    let place = place().await;
    let first = place.ask("kept", json!({"what": "fine"})).await.unwrap();
    let again = place.ask("kept", json!({"what": "fine"})).await.unwrap();
    assert_eq!((place.asked(), &first, again.stale), (1, &again, false));
    // When it is old, the service says whether it changed.
    place.ask("brief", json!({})).await.unwrap();
    let key = place.key("brief", json!({}));
    let system = &place.plugins.inner.system;
    let old = PluginAnswer { at: now_ms() - 2000, ..system.plugin_answer(&key).unwrap().unwrap() };
    system.keep_plugin_answer(&key, &old).unwrap();
    let fresh = place.ask("brief", json!({})).await.unwrap();
    assert_eq!((place.asked(), fresh.data, fresh.stale), (3, json!({"a": 1}), false));
    assert!(fresh.as_of > old.at);
}

#[tokio::test]
async fn what_does_not_answer_is_shown_as_of_before_and_then_left_alone() {
    let place = place().await;
    place.said("down", 7200);
    let answer = place.ask("kept", json!({"what": "down"})).await.unwrap();
    assert_eq!((answer.data, answer.stale), (json!({"old": 1}), true));
    assert!(now_ms() - answer.as_of >= 7_200_000);
    assert_eq!(place.asked(), 3, "tried again, twice");
    assert!(place.fails("any", json!({"what": "down"})).await.contains("503"));
    let before = place.asked();
    assert!(place.fails("any", json!({"what": "fine"})).await.contains("did not answer several times"));
    assert_eq!(place.asked(), before);
}

#[tokio::test]
async fn only_what_is_safe_is_tried_again() {
    let place = place().await;
    assert!(place.ask("any", json!({"what": "stumbles"})).await.is_ok());
    assert_eq!(place.asked(), 2);
    let other = self::place().await;
    assert!(other.ask("post", json!({"what": "stumbles", "text": "x"})).await.is_err());
    assert_eq!(other.asked(), 1);
    let no = self::place().await;
    assert!(no.fails("any", json!({"what": "missing"})).await.contains("404"));
    assert_eq!(no.asked(), 1, "a no is an answer");
}

#[tokio::test]
async fn answers_are_bounded_in_size_and_kind() {
    let place = place().await;
    assert!(place.fails("any", json!({"what": "huge"})).await.contains("more than 2048 KiB"));
    assert!(place.fails("picture", json!({"what": "html"})).await.contains("where image was declared"));
    assert_eq!(place.ask("picture", json!({"what": "picture"})).await.unwrap().data, json!("AQID"));
    assert!(place.fails("any", json!({"what": "loop"})).await.contains("without an end"));
}

#[tokio::test]
async fn a_redirect_leads_nowhere_else() {
    let place = place().await;
    for what in ["away", "elsewhere"] {
        let error = place.ask("any", json!({"what": what})).await.unwrap_err();
        assert!(matches!(error, EndpointError::Unreachable { .. }), "{error}");
    }
    assert!(matches!(
        place.ask("page", json!({"url": "http://127.0.0.1:1/"})).await.unwrap_err(),
        EndpointError::Unreachable { .. }
    ));
    let (_, refused, refusals) = place.plugins.tally("stars");
    assert_eq!(refused, 3);
    assert!(refusals.iter().any(|one| one.reason.contains("evil.example")));
}

#[tokio::test]
async fn a_declared_name_that_leads_home_is_refused() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    // First public, then this machine: what DNS rebinding does.
    let place = far(Arc::new(move |_| {
        let turn = counted.fetch_add(1, Ordering::SeqCst);
        let address = if turn == 0 { Ipv4Addr::new(127, 0, 0, 1) } else { Ipv4Addr::new(10, 0, 0, 7) };
        Box::pin(async move { Ok(vec![IpAddr::V4(address)]) })
    }));
    for _ in 0..2 {
        let error = place.ask("any", json!({"what": "fine"})).await.unwrap_err();
        assert!(matches!(error, EndpointError::Unreachable { .. }), "{error}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert_eq!(place.plugins.tally("stars").1, 2);
}

#[tokio::test]
async fn only_what_is_refused_here_is_counted_as_refused() {
    // Nobody knows the name: this device is not online.
    let away = far(Arc::new(|_| Box::pin(async { Err(std::io::Error::other("failed to lookup address")) })));
    let why = away.fails("post", json!({"what": "fine", "text": "x"})).await;
    assert!(why.contains("its name is not found"), "{why}");
    assert_eq!(away.plugins.tally("stars").1, 0);
    // It was asked with too little, or for what there is not, or the service has no such thing.
    let place = place().await;
    for (endpoint, what) in [("any", json!({})), ("nothing", json!({})), ("any", json!({"what": "missing"}))]
    {
        place.fails(endpoint, what).await;
    }
    assert_eq!(place.plugins.tally("stars").1, 0);
    // It may not go there.
    place.fails("page", json!({"url": "http://127.0.0.1:1/"})).await;
    let (_, refused, refusals) = place.plugins.tally("stars");
    assert_eq!((refused, refusals[0].call.as_str()), (1, "endpoint page"));
}

#[tokio::test]
async fn nothing_is_asked_without_the_permission() {
    let place = place().await;
    place.plugins.enable("stars", &scope(), None, None, Some(&[])).unwrap();
    assert!(matches!(place.ask("any", json!({"what": "fine"})).await, Err(EndpointError::Plugin(_))));
    assert_eq!(place.asked(), 0);
}

#[tokio::test]
async fn a_probe_whose_tab_is_closed_does_not_close_the_gate_for_ever() {
    let place = place().await;
    let limit = RateLimit::default();
    let a_while_ago = Instant::now().checked_sub(Duration::from_secs(31)).unwrap();
    place.gate(|gate| {
        for _ in 0..5 {
            let turn = gate.enter(&limit, a_while_ago).unwrap();
            gate.leave(turn, End::Failed, a_while_ago);
        }
    });
    tokio::select! {
        answer = place.ask("any", json!({"what": "hangs"})) => panic!("{answer:?}"),
        () = place.service.hangs.notified() => {}
    }
    assert_eq!(place.ask("any", json!({"what": "fine"})).await.unwrap().data, json!({"a": 1}));
}

#[tokio::test]
async fn a_service_that_says_when_is_asked_then_and_not_before() {
    for (what, status, seconds) in
        [("busy", "429", "in 120 s"), ("later", "503", "in 3600 s"), ("too-often", "403", "in 60 s")]
    {
        let place = place().await;
        assert!(place.fails("any", json!({"what": what})).await.contains(status), "{what}");
        let why = place.fails("any", json!({"what": "fine"})).await;
        assert!(why.contains("left alone") && why.contains(seconds), "{what}: {why}");
        assert_eq!(place.asked(), 1, "{what}: and not tried again by itself");
    }
}
