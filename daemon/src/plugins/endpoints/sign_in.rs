//! Signing in at a service: OAuth 2.0 for native apps (RFC 8252). The user says yes in a browser, which comes back to a port of
//! this machine that is open for just that; what it brings is worth nothing without the verifier that never left (PKCE, RFC 7636).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State as Shared};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use data_encoding::BASE64URL_NOPAD;
use reqwest::Url;
use ring::digest;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::{Mutex as AsyncMutex, oneshot};
use tokio_util::task::AbortOnDropHandle;

use super::redact::Secrets;
use super::{ANSWER_BYTES, EndpointError, Reach};
use crate::clock::now_ms;
use crate::plugins::manifest::OAuth;
use crate::plugins::{Permission, Plugin, PluginError, Plugins, Scope, lock};

/// So long the browser may take.
const WITHIN: Duration = Duration::from_mins(10);
/// A token that ends this soon is not used any more, in milliseconds.
const SOON: i64 = 60_000;
/// How long a token is good if the service does not say, in seconds (RFC 6749 leaves it open).
const UNSAID: i64 = 3600;
/// The name under which tokens are kept; no setting can have it.
const TOKENS: &str = ".oauth";

/// Sign-ins that are under way, and one queue for each plugin whose tokens are renewed: a renewal uses the old token up.
#[derive(Default)]
pub struct SignIns {
    waiting: std::sync::Mutex<BTreeMap<Key, AbortOnDropHandle<()>>>,
    renewals: std::sync::Mutex<BTreeMap<Key, Arc<AsyncMutex<()>>>>,
}

/// Workspace and plugin.
type Key = (String, String);

/// A sign-in that has begun.
#[derive(Debug, Clone)]
pub struct Begun {
    /// What the user opens in a browser on this machine.
    pub url: String,
    /// Until when it is waited for, in milliseconds since 1970.
    pub until: i64,
}

/// What a service gave.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Tokens {
    access: String,
    refresh: Option<String>,
    /// In milliseconds since 1970.
    until: i64,
}

/// The answer of a token address (RFC 6749, 5.1 and 5.2).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    access_token: Option<String>,
    refresh_token: Option<String>,
    expires_in: Option<i64>,
    error: Option<String>,
    error_description: Option<String>,
}

/// What the browser comes back with (RFC 6749, 4.1.2).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Back {
    state: String,
    code: Option<String>,
    error: Option<String>,
}

/// All that one sign-in needs, from its beginning to its end.
struct SignIn {
    plugins: Plugins,
    plugin: Arc<Plugin>,
    scope: Scope,
    service: Service,
    redirect: String,
    state: String,
    verifier: String,
    /// Said once it is over.
    over: std::sync::Mutex<Option<oneshot::Sender<()>>>,
}

/// Where tokens come from, and as whom this program asks.
struct Service {
    oauth: OAuth,
    token_url: Url,
    client_id: String,
    client_secret: Option<String>,
    reach: Reach,
}

impl Plugins {
    /// Begins a sign-in: what to open in a browser. One that was under way is given up.
    pub async fn sign_in(&self, id: &str, scope: &Scope) -> Result<Begun, EndpointError> {
        let plugin = self.may(id, scope, "sign-in", Permission::NetworkRequest, |_| Ok(()))?;
        let service = self.service(&plugin, scope)?;
        let mut url = service.address(&plugin, "authorize_url", &service.oauth.authorize_url)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let address = listener.as_ref().ok().and_then(|listener| listener.local_addr().ok());
        let (Ok(listener), Some(address)) = (listener, address) else {
            return Err(input("no port of this machine is free for the browser to come back to"));
        };
        let (state, verifier) = (random()?, random()?);
        let redirect = format!("http://{address}/");
        let challenge = BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()).as_ref());
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &service.client_id)
            .append_pair("redirect_uri", &redirect)
            .append_pair("scope", &service.oauth.scopes.join(" "))
            .append_pair("state", &state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        let (over, ended) = oneshot::channel();
        let sign_in = SignIn {
            plugins: self.clone(),
            plugin,
            scope: scope.clone(),
            service,
            redirect,
            state,
            verifier,
            over: std::sync::Mutex::new(Some(over)),
        };
        let router = Router::new().route("/", get(back)).with_state(Arc::new(sign_in));
        let waiting = tokio::spawn(async move {
            let served = axum::serve(listener, router).with_graceful_shutdown(async {
                let _ = ended.await;
            });
            let _ = tokio::time::timeout(WITHIN, served.into_future()).await;
        });
        let key = (scope.workspace.clone(), id.to_owned());
        lock(&self.inner.engine.sign_ins.waiting).insert(key, AbortOnDropHandle::new(waiting));
        let until = now_ms() + i64::try_from(WITHIN.as_millis()).unwrap_or(i64::MAX);
        Ok(Begun { url: url.into(), until })
    }

    /// Whether there are tokens; nothing for a plugin that has no service to sign in at.
    pub fn is_signed_in(&self, plugin: &Plugin, workspace: &str) -> Result<Option<bool>, PluginError> {
        if plugin.manifest.integration.as_ref().is_none_or(|one| one.oauth.is_none()) {
            return Ok(None);
        }
        Ok(Some(self.has_secret(plugin, workspace, TOKENS)?))
    }

    /// Forgets the tokens and what was asked with them, and tells the service if it says where. Whether that worked changes nothing
    /// here: a lost service must not keep anybody signed in.
    pub async fn sign_out(&self, id: &str, scope: &Scope) -> Result<(), EndpointError> {
        let plugin = self.find(id)?;
        let key = (scope.workspace.clone(), id.to_owned());
        lock(&self.inner.engine.sign_ins.waiting).remove(&key);
        // Those of another service are told to nobody.
        let tokens = self.tokens(&plugin, scope).ok().flatten();
        self.keep_secret(&plugin, &scope.workspace, TOKENS, None)?;
        self.inner.system.forget_plugin_answers(&scope.workspace, id).map_err(PluginError::from)?;
        if let Some(tokens) = tokens
            && let Ok(service) = self.service(&plugin, scope)
            && let Some(revoke) = &service.oauth.revoke_url
            && let Ok(url) = service.address(&plugin, "revoke_url", revoke)
        {
            let token = tokens.refresh.unwrap_or(tokens.access);
            let sent = service.send(&url, &[("token", &token)]).await;
            if let Err(why) = sent {
                tracing::info!(plugin = id, "signed out here, but the service was not told: {why}");
            }
        }
        Ok(())
    }

    /// A token that is good now; renewed if the old one is not, or if it was `refused`.
    pub(super) async fn token(
        &self,
        plugin: &Arc<Plugin>,
        scope: &Scope,
        refused: Option<&str>,
    ) -> Result<String, EndpointError> {
        let key = (scope.workspace.clone(), plugin.id().to_owned());
        let queue = Arc::clone(lock(&self.inner.engine.sign_ins.renewals).entry(key).or_default());
        let _turn = queue.lock().await;
        let tokens = self.tokens(plugin, scope)?.ok_or_else(not_signed_in)?;
        // Whoever was before in the queue may have renewed it.
        if tokens.until > now_ms() + SOON && refused != Some(tokens.access.as_str()) {
            return Ok(tokens.access);
        }
        let Some(refresh) = tokens.refresh.clone() else {
            self.keep_secret(plugin, &scope.workspace, TOKENS, None)?;
            return Err(not_signed_in());
        };
        let service = self.service(plugin, scope)?;
        let said = service.ask(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)]).await;
        match said.map_err(|why| service.failed(why))? {
            Ok(mut renewed) => {
                renewed.refresh = renewed.refresh.or(Some(refresh));
                self.keep_tokens(plugin, scope, &renewed)?;
                Ok(renewed.access)
            }
            // It was taken back there, or is too old: only a new sign-in helps.
            Err(why) if why.starts_with("invalid_grant") => {
                self.keep_secret(plugin, &scope.workspace, TOKENS, None)?;
                Err(not_signed_in())
            }
            Err(why) => {
                let host = service.token_url.host_str().unwrap_or_default().to_owned();
                let reason = format!("does not renew the sign-in: {why}");
                Err(EndpointError::Service { host, status: Some(400), reason })
            }
        }
    }

    fn service(&self, plugin: &Plugin, scope: &Scope) -> Result<Service, EndpointError> {
        let integration = plugin.manifest.integration.clone().unwrap_or_default();
        let oauth = integration
            .oauth
            .clone()
            .ok_or_else(|| input(format!("the plugin `{}` has no service to sign in at", plugin.id())))?;
        let config = self.config(plugin, &scope.workspace)?;
        let client_id = config.get("client_id").and_then(serde_json::Value::as_str).unwrap_or_default();
        if client_id.is_empty() {
            let say =
                "the setting `client_id` is not set: the service gives one to whoever registers a program";
            return Err(input(say));
        }
        let token_url = oauth.token_url.clone();
        let mut service = Service {
            client_id: client_id.to_owned(),
            client_secret: self.secret(plugin, &scope.workspace, "client_secret")?,
            reach: self.reach(plugin, &config),
            token_url: Url::parse("https://token.invalid").map_err(|why| input(why.to_string()))?,
            oauth,
        };
        service.token_url = service.address(plugin, "token_url", &token_url)?;
        Ok(service)
    }

    fn tokens(&self, plugin: &Plugin, scope: &Scope) -> Result<Option<Tokens>, PluginError> {
        let kept = self.secret(plugin, &scope.workspace, TOKENS)?;
        Ok(kept.and_then(|json| serde_json::from_str(&json).ok()))
    }

    fn keep_tokens(&self, plugin: &Plugin, scope: &Scope, tokens: &Tokens) -> Result<(), PluginError> {
        let json = serde_json::to_string(tokens).map_err(|why| PluginError::Refused(why.to_string()))?;
        self.keep_secret(plugin, &scope.workspace, TOKENS, Some(&json))
    }
}

impl Service {
    /// An address of the manifest, if it is one of its hosts and nobody can listen in.
    fn address(&self, plugin: &Plugin, key: &str, written: &str) -> Result<Url, EndpointError> {
        let refused = |reason| EndpointError::Unreachable { plugin: plugin.id().to_owned(), reason };
        let url = Url::parse(written).map_err(|why| refused(format!("`{key}` is no address: {why}")))?;
        self.reach.allows(&url).map_err(|why| refused(format!("`{key}`: {why}")))?;
        if url.scheme() != "https" && !self.reach.is_own(&url) {
            return Err(refused(format!("`{key}` must begin with https")));
        }
        Ok(url)
    }

    /// Asks for tokens; inside, the service's own "no": its code, and what it says of it.
    async fn ask(&self, what: &[(&str, &str)]) -> Result<Result<Tokens, String>, String> {
        let (status, text) = self.send(&self.token_url, what).await?;
        let said: Said = serde_json::from_str(&text).unwrap_or_default();
        if let Some(error) = said.error {
            let more = said.error_description.map(|more| format!(": {more}")).unwrap_or_default();
            return Ok(Err(self.without_secrets(&format!("{error}{more}"), what)));
        }
        let Some(access) = said.access_token.filter(|token| status.is_success() && !token.is_empty()) else {
            return Err(format!("answers {status} without a token"));
        };
        let seconds = said.expires_in.unwrap_or(UNSAID).clamp(0, 365 * 86_400);
        Ok(Ok(Tokens { access, refresh: said.refresh_token, until: now_ms() + seconds * 1000 }))
    }

    async fn send(&self, url: &Url, what: &[(&str, &str)]) -> Result<(StatusCode, String), String> {
        let mut form = Url::parse("form:").map_err(|why| why.to_string())?;
        form.query_pairs_mut().extend_pairs(what).append_pair("client_id", &self.client_id);
        if let Some(secret) = &self.client_secret {
            form.query_pairs_mut().append_pair("client_secret", secret);
        }
        let request = self.reach.client().map_err(|why| why.to_string())?.post(url.clone());
        let request = request
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(form.query().unwrap_or_default().to_owned());
        let in_words = |why: reqwest::Error| format!("cannot be reached: {}", why.without_url());
        let mut response = request.send().await.map_err(in_words)?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(part) = response.chunk().await.map_err(in_words)? {
            if bytes.len() + part.len() > ANSWER_BYTES {
                return Err(format!("answers with more than {} KiB", ANSWER_BYTES >> 10));
            }
            bytes.extend_from_slice(&part);
        }
        Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn failed(&self, reason: String) -> EndpointError {
        let host = self.token_url.host_str().unwrap_or_default().to_owned();
        EndpointError::Service { host, status: None, reason }
    }

    /// A service may say what it was sent.
    fn without_secrets(&self, text: &str, sent: &[(&str, &str)]) -> String {
        let secret = sent.iter().filter(|(name, _)| *name != "grant_type").map(|(_, value)| *value);
        Secrets::of(secret.chain(self.client_secret.as_deref())).hide(text)
    }
}

/// The browser comes back. Whoever does not know the state is nobody, and changes nothing.
async fn back(Shared(sign_in): Shared<Arc<SignIn>>, Query(back): Query<Back>) -> Response {
    // Hashes are compared in constant time.
    if blake3::hash(back.state.as_bytes()) != blake3::hash(sign_in.state.as_bytes()) {
        return page(
            StatusCode::BAD_REQUEST,
            "This is not the sign-in that Codex waits for",
            "Begin again there.",
        );
    }
    let Some(over) = lock(&sign_in.over).take() else {
        return page(StatusCode::GONE, "This sign-in is over", "This tab can be closed.");
    };
    let done = sign_in.end(back).await;
    let _ = over.send(());
    match done {
        Ok(()) => page(StatusCode::OK, "Signed in", "Codex has what it needs. This tab can be closed."),
        Err(why) => {
            sign_in.plugins.changed();
            page(StatusCode::BAD_REQUEST, "Not signed in", &why)
        }
    }
}

impl SignIn {
    async fn end(&self, back: Back) -> Result<(), String> {
        let Some(code) = back.code else {
            let why = back.error.unwrap_or_else(|| "it gave no code".to_owned());
            return Err(match why.as_str() {
                "access_denied" => "Access was not given.".to_owned(),
                why => format!("The service says no: {why}"),
            });
        };
        let what = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", self.redirect.as_str()),
            ("code_verifier", self.verifier.as_str()),
        ];
        let host = self.service.token_url.host_str().unwrap_or_default();
        let said = self.service.ask(&what).await.map_err(|why| format!("{host} {why}"))?;
        let tokens = said.map_err(|why| format!("{host} says no: {why}"))?;
        // It may have been switched off, or be another one by now.
        self.plugins
            .may(self.plugin.id(), &self.scope, "sign-in", Permission::NetworkRequest, |_| Ok(()))
            .map_err(|why| why.to_string())?;
        let system = &self.plugins.inner.system;
        system
            .forget_plugin_answers(&self.scope.workspace, self.plugin.id())
            .map_err(|why| why.to_string())?;
        self.plugins.keep_tokens(&self.plugin, &self.scope, &tokens).map_err(|why| why.to_string())
    }
}

fn page(status: StatusCode, title: &str, text: &str) -> Response {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{0}</title><h1>{0}</h1><p>{1}</p></html>",
        escape(title),
        escape(text)
    );
    // The address of this page holds the code: it must go nowhere.
    let headers: [(HeaderName, &str); 4] = [
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONNECTION, "close"),
    ];
    (status, headers, Html(html)).into_response()
}

fn random() -> Result<String, EndpointError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|why| input(format!("there is no randomness: {why}")))?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

fn input(reason: impl Into<String>) -> EndpointError {
    EndpointError::Input { endpoint: "sign-in".to_owned(), reason: reason.into() }
}

fn not_signed_in() -> EndpointError {
    input("it is not signed in; sign in under Settings → Plugins, or with `codexd plugin sign-in`")
}

#[cfg(test)]
mod tests;
