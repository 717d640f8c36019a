//! Requests that a plugin declares and the daemon makes. A plugin names an endpoint and gives parameters; where they go, with
//! which secret, and what of the answer comes back, is decided here.

pub mod breaker;
pub mod page;
pub mod reach;
mod request;
mod sign_in;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use reqwest::header::{CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION};
use reqwest::{Response, StatusCode, Url};
use serde_json::{Map, Value, json};

use super::manifest::{Endpoint, Integration};
use super::permission::Permission;
use super::{Plugin, PluginError, Plugins, Scope, lock};
use crate::clock::now_ms;
use crate::system::PluginAnswer;
use breaker::{Gate, Wait};
use reach::{Lookup, Reach};
pub use request::Prepared;
pub use sign_in::Begun;
use sign_in::SignIns;

/// All tries together.
const ALL: Duration = Duration::from_secs(20);
const AGAIN: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];
const REDIRECTS: usize = 5;
/// The largest answer.
const ANSWER_BYTES: usize = 2 << 20;
const PICTURE_BYTES: usize = 5 << 20;

/// What a plugin's request is answered with.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// JSON, a text, or base64 of bytes.
    pub data: Value,
    /// What it is.
    pub media_type: String,
    /// When the service said so, in milliseconds since 1970.
    pub as_of: i64,
    /// It is older than it should be: the service does not answer now.
    pub stale: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The plugin may not, or is not on.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// It has no such endpoint.
    #[error("the plugin `{plugin}` has no endpoint `{endpoint}`; it has {known}")]
    Unknown {
        /// Which.
        plugin: String,
        /// What it named.
        endpoint: String,
        /// Those that it has.
        known: String,
    },
    /// What was given does not make a request.
    #[error("cannot ask `{endpoint}`: {reason}")]
    Input {
        /// Which.
        endpoint: String,
        /// What is missing.
        reason: String,
    },
    /// It would go where the plugin must not reach.
    #[error("the plugin `{plugin}` does not reach that: {reason}")]
    Unreachable {
        /// Which.
        plugin: String,
        /// Why not.
        reason: String,
    },
    /// Not now.
    #[error("`{plugin}` is asked again in {seconds} s: {reason}")]
    Wait {
        /// Which.
        plugin: String,
        /// In so many seconds.
        seconds: u64,
        /// Why not now.
        reason: &'static str,
    },
    /// The service said no, or nothing, or something else than was declared.
    #[error("{host} {reason}")]
    Service {
        /// Who was asked.
        host: String,
        /// Its HTTP status, if it gave one.
        status: Option<u16>,
        /// What it did.
        reason: String,
    },
}

/// What the engine keeps in memory: a gate for each plugin and workspace, made when it is first asked.
pub struct Engine {
    gates: Mutex<BTreeMap<(String, String), Gate>>,
    lookup: Lookup,
    sign_ins: SignIns,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Engine")
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::with_lookup(reach::system())
    }
}

impl Engine {
    /// One that looks names up otherwise.
    pub fn with_lookup(lookup: Lookup) -> Self {
        Self { gates: Mutex::default(), lookup, sign_ins: SignIns::default() }
    }
}

/// Everything that one request needs.
struct Call<'a> {
    plugins: &'a Plugins,
    plugin: Arc<Plugin>,
    scope: &'a Scope,
    endpoint: Endpoint,
    reach: Reach,
    prepared: Prepared,
}

impl Plugins {
    /// Asks an endpoint of a plugin, or answers with what it said before.
    pub async fn ask(
        &self,
        id: &str,
        scope: &Scope,
        endpoint: &str,
        parameters: &Map<String, Value>,
    ) -> Result<Answer, EndpointError> {
        let call = format!("endpoint {endpoint}");
        let answer = async {
            let plugin = self.may(id, scope, &call, Permission::NetworkRequest, |_| Ok(()))?;
            if !plugin.is_behind_a_sign_in() {
                return self.prepare(plugin, scope, endpoint, parameters, None)?.answer().await;
            }
            let token = self.token(&plugin, scope, None).await?;
            let call = self.prepare(Arc::clone(&plugin), scope, endpoint, parameters, Some(&token))?;
            match call.answer().await {
                // Tokens end also before their time.
                Err(EndpointError::Service { status: Some(401), .. }) => {
                    let token = self.token(&plugin, scope, Some(&token)).await?;
                    self.prepare(plugin, scope, endpoint, parameters, Some(&token))?.answer().await
                }
                answer => answer,
            }
        }
        .await;
        if let Err(error) = &answer
            && !matches!(error, EndpointError::Plugin(_))
        {
            self.refuse(id, &call, &error.to_string());
        }
        answer
    }

    fn prepare<'a>(
        &'a self,
        plugin: Arc<Plugin>,
        scope: &'a Scope,
        endpoint: &str,
        parameters: &Map<String, Value>,
        token: Option<&str>,
    ) -> Result<Call<'a>, EndpointError> {
        let manifest = &plugin.manifest;
        let found = manifest.endpoints.iter().find(|one| one.id == endpoint).cloned();
        let endpoint = found.ok_or_else(|| EndpointError::Unknown {
            plugin: plugin.id().to_owned(),
            endpoint: endpoint.to_owned(),
            known: manifest.endpoints.iter().map(|one| one.id.as_str()).collect::<Vec<_>>().join(", "),
        })?;
        let config = self.config(&plugin, &scope.workspace)?;
        let integration = manifest.integration.clone().unwrap_or_default();
        let own = config.get("base_url").and_then(Value::as_str).map(str::to_owned);
        let base = own.unwrap_or_else(|| integration.base_url.clone());
        let mut secrets = BTreeMap::new();
        for property in manifest.properties.iter().filter(|one| one.secure) {
            if let Some(value) = self.secret(plugin.id(), &scope.workspace, &property.name)? {
                secrets.insert(property.name.clone(), value);
            }
        }
        if let Some(token) = token {
            secrets.insert(request::OAUTH_TOKEN.to_owned(), token.to_owned());
        }
        let reach = self.reach(&plugin, &integration, &config);
        let prepared = request::prepare(&endpoint, &integration, &base, parameters, &config, &secrets)
            .map_err(|reason| EndpointError::Input { endpoint: endpoint.id.clone(), reason })?;
        let call = Call { plugins: self, plugin, scope, endpoint, reach, prepared };
        call.allows(&call.prepared.url)?;
        Ok(call)
    }

    /// What the declared hosts are, and the service that the user of this device named.
    fn reach(&self, plugin: &Plugin, integration: &Integration, config: &Map<String, Value>) -> Reach {
        let own = config.get("base_url").and_then(Value::as_str).and_then(|own| Url::parse(own).ok());
        let mut hosts: Vec<String> =
            plugin.manifest.wishes().into_iter().flat_map(|wish| wish.hosts).collect();
        if hosts.is_empty() {
            // A manifest of the original names only where it asks.
            let base = Url::parse(&integration.base_url).ok();
            hosts.extend(base.and_then(|base| base.host_str().map(str::to_owned)));
        }
        Reach { hosts, own, lookup: Arc::clone(&self.inner.engine.lookup) }
    }
}

impl Plugin {
    fn is_behind_a_sign_in(&self) -> bool {
        self.manifest.integration.as_ref().is_some_and(|one| one.auth_method == "oauth2")
    }
}

impl Call<'_> {
    fn allows(&self, url: &Url) -> Result<(), EndpointError> {
        let refused = |reason| EndpointError::Unreachable { plugin: self.plugin.id().to_owned(), reason };
        self.reach.allows(url).map_err(refused)?;
        if url.scheme() == "http" && self.prepared.has_secret() && !self.reach.is_own(url) {
            return Err(refused("a secret is sent over https only".to_owned()));
        }
        Ok(())
    }

    fn gate<T>(&self, work: impl FnOnce(&mut Gate) -> T) -> T {
        let mut gates = lock(&self.plugins.inner.engine.gates);
        work(gates.entry((self.scope.workspace.clone(), self.plugin.id().to_owned())).or_default())
    }

    async fn answer(&self) -> Result<Answer, EndpointError> {
        let known = self.known()?;
        let now = now_ms();
        if let Some(known) = &known {
            let age = now.saturating_sub(known.at).max(0).unsigned_abs() / 1000;
            if self.prepared.is_safe() && age < self.endpoint.cache_ttl {
                return self.shown(known, false);
            }
        }
        match self.asked(known.as_ref()).await {
            Ok(answer) => {
                if self.prepared.is_safe() && self.endpoint.cache_ttl > 0 {
                    let system = &self.plugins.inner.system;
                    system.keep_plugin_answer(&self.key(), &answer).map_err(PluginError::from)?;
                }
                self.shown(&answer, false)
            }
            // What it said before is better than nothing, if it says so.
            Err(error) => match known {
                Some(known) if !matches!(error, EndpointError::Unreachable { .. }) => {
                    self.shown(&known, true)
                }
                _ => Err(error),
            },
        }
    }

    fn key(&self) -> (String, String, String) {
        (self.scope.workspace.clone(), self.plugin.id().to_owned(), self.prepared.key.clone())
    }

    fn known(&self) -> Result<Option<PluginAnswer>, EndpointError> {
        if !self.prepared.is_safe() {
            return Ok(None);
        }
        Ok(self.plugins.inner.system.plugin_answer(&self.key()).map_err(PluginError::from)?)
    }

    /// Asks, and again where that is safe and the service may only have stumbled.
    async fn asked(&self, known: Option<&PluginAnswer>) -> Result<PluginAnswer, EndpointError> {
        let limit = self.plugin.manifest.integration.as_ref().map(|one| one.rate_limit).unwrap_or_default();
        let deadline = Instant::now() + ALL;
        let mut pauses = AGAIN.iter();
        let mut last = None;
        loop {
            // What it said before says more than that it is left alone now.
            let entered = self.gate(|gate| gate.enter(&limit, Instant::now()));
            entered.map_err(|wait| last.take().unwrap_or_else(|| self.wait(wait)))?;
            let tried = tokio::time::timeout_at(deadline.into(), self.exchange(known)).await;
            let error = match tried {
                Ok(Ok(answer)) => {
                    self.gate(Gate::answered);
                    return Ok(answer);
                }
                Ok(Err(error)) => error,
                Err(_) => self.service(None, "takes too long to answer"),
            };
            let is_theirs = match &error {
                EndpointError::Service { status, .. } => {
                    status.is_none_or(|status| status >= 500 || status == 429)
                }
                _ => false,
            };
            // A "no" is an answer.
            self.gate(|gate| if is_theirs { gate.failed(Instant::now()) } else { gate.answered() });
            let may_again = matches!(&error, EndpointError::Service { status, .. } if *status != Some(429));
            match pauses.next() {
                Some(pause)
                    if is_theirs
                        && may_again
                        && self.prepared.is_safe()
                        && Instant::now() + *pause < deadline =>
                {
                    last = Some(error);
                    tokio::time::sleep(*pause).await;
                }
                _ => return Err(error),
            }
        }
    }

    async fn exchange(&self, known: Option<&PluginAnswer>) -> Result<PluginAnswer, EndpointError> {
        let client = self.reach.client().map_err(|error| self.unreachable(&error))?;
        let mut url = self.prepared.url.clone();
        for _ in 0..=REDIRECTS {
            let mut request = client.request(self.prepared.method.clone(), url.clone());
            for (name, value) in &self.prepared.headers {
                request = request.header(name, value);
            }
            if url.origin() == self.prepared.url.origin() {
                // A secret is for the host that was declared, not for where it sends one.
                for (name, value) in &self.prepared.secret_headers {
                    request = request.header(name, value);
                }
            }
            if let Some(body) = &self.prepared.body {
                request = request.json(body);
            }
            if let Some(known) = known {
                if let Some(etag) = &known.etag {
                    request = request.header(IF_NONE_MATCH, etag);
                }
                if let Some(modified) = &known.modified {
                    request = request.header(IF_MODIFIED_SINCE, modified);
                }
            }
            let response = request.send().await.map_err(|error| self.unreachable(&error))?;
            if response.status() == StatusCode::NOT_MODIFIED
                && let Some(known) = known
            {
                return Ok(PluginAnswer { at: now_ms(), ..known.clone() });
            }
            if !response.status().is_redirection() {
                return self.read(response, &url).await;
            }
            if !self.prepared.is_safe() {
                return Err(self.service(
                    Some(response.status().as_u16()),
                    "sends to another address, where nothing is written",
                ));
            }
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let to = to.and_then(|to| url.join(to).ok());
            let Some(to) = to else {
                return Err(
                    self.service(Some(response.status().as_u16()), "sends to an address that is none")
                );
            };
            self.allows(&to)?;
            url = to;
        }
        Err(self.service(None, "sends from one address to the next without an end"))
    }

    async fn read(&self, mut response: Response, url: &Url) -> Result<PluginAnswer, EndpointError> {
        let status = response.status();
        if !status.is_success() {
            return Err(self.service(Some(status.as_u16()), format!("answers {status}")));
        }
        let header =
            |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (etag, modified) = (header(ETAG), header(LAST_MODIFIED));
        let media_type = header(CONTENT_TYPE).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_page = self.endpoint.path.is_none();
        let wanted = if is_page { "page" } else { self.endpoint.response_type.as_deref().unwrap_or("json") };
        let most = match wanted {
            "image" | "binary" => PICTURE_BYTES,
            "page" => page::BYTES,
            _ => ANSWER_BYTES,
        };
        let fits = match wanted {
            "image" => media_type.starts_with("image/") && media_type != "image/svg+xml",
            "json" => media_type.is_empty() || media_type.contains("json") || media_type.starts_with("text/"),
            "page" | "html" => media_type.is_empty() || media_type.contains("html"),
            "xml" => media_type.contains("xml"),
            "text" => media_type.starts_with("text/"),
            _ => true,
        };
        if !fits {
            return Err(self.service(
                Some(status.as_u16()),
                format!("answers with `{media_type}`, where {wanted} was declared"),
            ));
        }
        let mut bytes = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if bytes.len() + part.len() > most {
                if is_page {
                    bytes.extend_from_slice(&part[..most - bytes.len()]);
                    break;
                }
                return Err(
                    self.service(Some(status.as_u16()), format!("answers with more than {} KiB", most >> 10))
                );
            }
            bytes.extend_from_slice(&part);
        }
        let text = || self.prepared.without_secrets(&String::from_utf8_lossy(&bytes));
        let data = match wanted {
            "page" => page::metadata(&text(), url),
            "json" => serde_json::from_str(&text()).map_err(|why| {
                self.service(Some(status.as_u16()), format!("answers with JSON that cannot be read: {why}"))
            })?,
            "image" | "binary" => json!(BASE64.encode(&bytes)),
            _ => json!(text()),
        };
        Ok(PluginAnswer { etag, modified, at: now_ms(), media_type, body: data.to_string() })
    }

    fn shown(&self, answer: &PluginAnswer, stale: bool) -> Result<Answer, EndpointError> {
        let data = serde_json::from_str(&answer.body)
            .map_err(|why| self.service(None, format!("was kept wrongly: {why}")))?;
        Ok(Answer { data, media_type: answer.media_type.clone(), as_of: answer.at, stale })
    }

    fn wait(&self, wait: Wait) -> EndpointError {
        let (left, reason) = match wait {
            Wait::Rate(left) => (left, "that is as often as it may be asked"),
            Wait::Open(left) => (left, "it did not answer several times"),
        };
        EndpointError::Wait { plugin: self.plugin.id().to_owned(), seconds: left.as_secs() + 1, reason }
    }

    fn service(&self, status: Option<u16>, reason: impl Into<String>) -> EndpointError {
        let host = self.prepared.url.host_str().unwrap_or_default().to_owned();
        EndpointError::Service { host, status, reason: reason.into() }
    }

    /// In words, without the address: a secret may stand in it.
    fn unreachable(&self, error: &reqwest::Error) -> EndpointError {
        let mut reason = if error.is_timeout() { "it takes too long".to_owned() } else { String::new() };
        let mut at = std::error::Error::source(error);
        while let Some(inner) = at {
            reason = inner.to_string();
            at = inner.source();
        }
        if reason.contains("where plugins do not reach") {
            return EndpointError::Unreachable { plugin: self.plugin.id().to_owned(), reason };
        }
        self.service(None, self.prepared.without_secrets(&format!("cannot be reached: {reason}")))
    }
}
