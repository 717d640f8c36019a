//! Requests that a plugin declares and the daemon makes. A plugin names an endpoint and gives parameters; where they go, with
//! which secret, and what of the answer comes back, is decided here.

pub mod breaker;
mod call;
pub mod page;
pub mod reach;
mod redact;
mod request;
mod sign_in;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use reqwest::Url;
use serde_json::{Map, Value};

use super::permission::Permission;
use super::{Plugin, PluginError, Plugins, Scope};
use breaker::Gate;
use call::Call;
use reach::{Lookup, Reach};
pub use request::Prepared;
pub use sign_in::Begun;
use sign_in::SignIns;

/// The largest answer.
const ANSWER_BYTES: usize = 2 << 20;

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

impl EndpointError {
    /// Whether it may be otherwise in a while: no answer at all, or one that the service is in trouble or was asked too often.
    fn is_for_now(&self) -> bool {
        match self {
            Self::Wait { .. } => true,
            Self::Service { status, .. } => status.is_none_or(|status| status >= 500 || status == 429),
            _ => false,
        }
    }
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

impl Plugins {
    /// Asks an endpoint of a plugin, or answers with what it said before; fresh: asks in any case.
    pub async fn ask(
        &self,
        id: &str,
        scope: &Scope,
        endpoint: &str,
        parameters: &Map<String, Value>,
        fresh: bool,
    ) -> Result<Answer, EndpointError> {
        let call = format!("endpoint {endpoint}");
        let answer = async {
            let plugin = self.may(id, scope, &call, Permission::NetworkRequest, |_| Ok(()))?;
            if !plugin.is_behind_a_sign_in() {
                return self.prepare(plugin, scope, endpoint, parameters, None)?.answer(fresh).await;
            }
            let token = match self.token(&plugin, scope, None).await {
                Ok(token) => token,
                // Who is away from the network cannot renew a sign-in either.
                Err(error) if error.is_for_now() => {
                    return self.prepare(plugin, scope, endpoint, parameters, None)?.instead_of(error, fresh);
                }
                Err(error) => return Err(error),
            };
            let call = self.prepare(Arc::clone(&plugin), scope, endpoint, parameters, Some(&token))?;
            match call.tried(fresh).await {
                // Tokens end also before their time.
                Err(EndpointError::Service { status: Some(401), .. }) => {
                    let token = self.token(&plugin, scope, Some(&token)).await?;
                    self.prepare(plugin, scope, endpoint, parameters, Some(&token))?.answer(fresh).await
                }
                answer => call.settled(answer),
            }
        }
        .await;
        // What `may` refused is counted there. A service's no, or none, is no refusal of ours.
        if let Err(error @ EndpointError::Unreachable { .. }) = &answer {
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
        let since = *self.inner.changes.borrow();
        let found = manifest.endpoints.iter().find(|one| one.id == endpoint).cloned();
        let endpoint = found.ok_or_else(|| EndpointError::Unknown {
            plugin: plugin.id().to_owned(),
            endpoint: endpoint.to_owned(),
            known: manifest.endpoints.iter().map(|one| one.id.as_str()).collect::<Vec<_>>().join(", "),
        })?;
        let input = |reason| EndpointError::Input { endpoint: endpoint.id.clone(), reason };
        let auth = manifest.auth_secret(&endpoint).map_err(input)?.map(str::to_owned);
        let config = self.config(&plugin, &scope.workspace)?;
        let integration = manifest.integration.clone().unwrap_or_default();
        let own = config.get("base_url").and_then(Value::as_str).map(str::to_owned);
        let base = own.unwrap_or_else(|| integration.base_url.clone());
        let mut secrets = BTreeMap::new();
        for property in manifest.properties.iter().filter(|one| one.secure) {
            let value = self.secret(&plugin, &scope.workspace, &property.name);
            if let Some(value) = value.map_err(|why| match why {
                PluginError::Refused(reason) => input(reason),
                why => why.into(),
            })? {
                secrets.insert(property.name.clone(), value);
            }
        }
        if let Some(token) = token {
            secrets.insert(request::OAUTH_TOKEN.to_owned(), token.to_owned());
        }
        let auth = if token.is_some() { Some(request::OAUTH_TOKEN) } else { auth.as_deref() };
        let reach = self.reach(&plugin, &config);
        let prepared = request::prepare(&endpoint, &integration, &base, parameters, &config, &secrets, auth)
            .map_err(input)?;
        let call = Call { plugins: self, plugin, scope, endpoint, reach, prepared, since };
        call.allows(&call.prepared.url)?;
        Ok(call)
    }

    /// What the declared hosts are, and the service that the user of this device named.
    fn reach(&self, plugin: &Plugin, config: &Map<String, Value>) -> Reach {
        let own = config.get("base_url").and_then(Value::as_str).and_then(|own| Url::parse(own).ok());
        Reach { hosts: plugin.manifest.hosts(), own, lookup: Arc::clone(&self.inner.engine.lookup) }
    }
}

impl Plugin {
    fn is_behind_a_sign_in(&self) -> bool {
        self.manifest.integration.as_ref().is_some_and(|one| one.auth_method == "oauth2")
    }
}
