//! From a declared endpoint and what is given, a request: path, query, headers, body.

use std::collections::BTreeMap;

use reqwest::{Method, Url};
use serde_json::{Map, Value, json};

use super::redact::Secrets;
use crate::plugins::manifest::{Endpoint, Integration, Parameter};

/// A request that can be sent.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// How.
    pub method: Method,
    /// Where.
    pub url: Url,
    /// What goes with it everywhere.
    pub headers: Vec<(String, String)>,
    /// What goes with it to the declared host only.
    pub secret_headers: Vec<(String, String)>,
    /// JSON.
    pub body: Option<Value>,
    /// Names the answer among those that are kept: what was asked, without secrets.
    pub key: String,
    /// Whether a secret goes with it.
    pub has_secret: bool,
    /// What its answer must not hold: all that this plugin has.
    pub secrets: Secrets,
}

impl Prepared {
    /// Whether asking twice is asking once.
    pub fn is_safe(&self) -> bool {
        self.method.is_safe()
    }
}

/// Makes it, or says what is missing. `auth` names the secret that is sent as `auth_method` says.
pub fn prepare(
    endpoint: &Endpoint,
    integration: &Integration,
    base: &str,
    given: &Map<String, Value>,
    config: &Map<String, Value>,
    secrets: &BTreeMap<String, String>,
    auth: Option<&str>,
) -> Result<Prepared, String> {
    let known: Vec<&str> = endpoint.parameters.iter().map(|one| one.name.as_str()).collect();
    if let Some(unknown) = given.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!("it has no parameter `{unknown}`; it has {}", known.join(", ")));
    }
    let method =
        endpoint.method.as_deref().unwrap_or("GET").parse().map_err(|_| "its method is none".to_owned())?;
    let mut values: BTreeMap<&str, Value> = BTreeMap::new();
    let mut has_secret = false;
    let mut public: BTreeMap<&str, Value> = BTreeMap::new();
    for parameter in &endpoint.parameters {
        let secret = parameter.from_config.as_ref().and_then(|key| secrets.get(key));
        match value(parameter, given, config)? {
            Some(value) => {
                public.insert(&parameter.name, value.clone());
                values.insert(&parameter.name, value);
            }
            None if secret.is_some() => {
                let secret = secret.cloned().unwrap_or_default();
                values.insert(&parameter.name, json!(secret));
                has_secret = true;
            }
            None if parameter.required => {
                let from = parameter.from_config.as_ref().map(|key| format!(", nor is the setting `{key}`"));
                return Err(format!(
                    "the parameter `{}` is not given{}",
                    parameter.name,
                    from.unwrap_or_default()
                ));
            }
            None => {}
        }
    }
    let key = json!([endpoint.id, endpoint.path, endpoint.response_type, public]);
    let key = blake3::hash(format!("{base}\n{key}").as_bytes()).to_hex().to_string();
    let mut url = match &endpoint.path {
        Some(path) => address(base, path, &mut values)?,
        None => {
            let page = values.remove("url").and_then(|url| url.as_str().map(str::to_owned));
            let page = page.ok_or("the parameter `url` is not given")?;
            Url::parse(&page).map_err(|why| {
                format!("`{}` is no address: {why}", page.chars().take(100).collect::<String>())
            })?
        }
    };
    let mut body = None;
    if endpoint.path.is_some() {
        if method == Method::GET || method == Method::DELETE || method == Method::HEAD {
            if !values.is_empty() {
                let mut pairs = url.query_pairs_mut();
                for (name, value) in &values {
                    match value {
                        Value::Array(items) => {
                            pairs.extend_pairs(items.iter().map(|item| (*name, plain(item))));
                        }
                        value => drop(pairs.append_pair(name, &plain(value))),
                    }
                }
            }
        } else {
            body = Some(json!(values));
        }
    }
    // Of a page, whoever asks says where it is: what is kept for the service goes to the service alone.
    let is_there =
        endpoint.path.is_some() || Url::parse(base).is_ok_and(|base| base.origin() == url.origin());
    let secret = auth.and_then(|name| secrets.get(name)).filter(|_| is_there);
    let mut secret_headers = Vec::new();
    match (integration.auth_method.as_str(), secret) {
        ("token" | "oauth2", Some(secret)) => {
            secret_headers.push(("authorization".to_owned(), format!("Bearer {secret}")));
        }
        ("api_key", Some(secret)) => secret_headers.push(("x-api-key".to_owned(), secret.clone())),
        _ => {}
    }
    has_secret |= !secret_headers.is_empty();
    let accept = match endpoint.response_type.as_deref() {
        None | Some("json") if endpoint.path.is_some() => "application/json",
        Some("image") => "image/*",
        _ => "*/*",
    };
    let secrets = Secrets::of(secrets.values().map(String::as_str));
    let headers = vec![("accept".to_owned(), accept.to_owned())];
    Ok(Prepared { method, url, headers, secret_headers, body, key, has_secret, secrets })
}

/// The name among the secrets of a token that a sign-in gave; no setting can have it.
pub const OAUTH_TOKEN: &str = ".oauth_token";

fn value(
    parameter: &Parameter,
    given: &Map<String, Value>,
    config: &Map<String, Value>,
) -> Result<Option<Value>, String> {
    let from_config = parameter.from_config.as_ref().and_then(|key| config.get(key));
    let value =
        given.get(&parameter.name).or(from_config).or(Some(&parameter.default)).cloned().unwrap_or_default();
    let fits = match (parameter.kind.as_deref(), &value) {
        (_, Value::Null) => return Ok(None),
        (Some("number"), Value::Number(_)) | (Some("boolean"), Value::Bool(_)) => true,
        (Some("integer"), Value::Number(number)) => number.is_i64() || number.is_u64(),
        (Some("number" | "integer"), Value::String(text)) => text.parse::<f64>().is_ok(),
        (Some("number" | "integer" | "boolean"), _) => false,
        (Some("array"), Value::Array(items)) => !items.iter().any(|item| item.is_object() || item.is_array()),
        (_, value) => !value.is_object() && !value.is_array(),
    };
    if !fits {
        let kind = parameter.kind.as_deref().unwrap_or("string");
        return Err(format!("the parameter `{}` is {value}; it must be of type {kind}", parameter.name));
    }
    Ok(Some(value))
}

/// `{name}` in the path is taken from the values; each stays one step of the path, whatever stands in it.
fn address(base: &str, path: &str, values: &mut BTreeMap<&str, Value>) -> Result<Url, String> {
    // A service may have several hosts: a path can be a whole address.
    let whole = path.starts_with("https://").then(|| path[8..].split_once('/')).flatten();
    let (base, path) = match whole {
        Some((host, rest)) => (format!("https://{host}"), rest),
        None => (base.to_owned(), path),
    };
    let mut url = Url::parse(&base).map_err(|why| format!("`base_url` is no address: {why}"))?;
    let mut steps = Vec::new();
    for step in path.trim_start_matches('/').split('/') {
        let mut filled = step.to_owned();
        let names: Vec<&str> =
            values.keys().copied().filter(|name| step.contains(&format!("{{{name}}}"))).collect();
        for name in names {
            let value = values.remove(name).unwrap_or_default();
            // Whoever reads addresses leaves some of them out, and then it may be another address.
            if plain(&value).contains(char::is_control) {
                return Err(format!("the parameter `{name}` has a control character, which no address has"));
            }
            filled = filled.replace(&format!("{{{name}}}"), &plain(&value));
        }
        if let Some(missing) =
            filled.split_once('{').and_then(|(_, rest)| rest.split_once('}')).filter(|_| filled == step)
        {
            return Err(format!("the parameter `{}` is not given", missing.0));
        }
        if filled == "." || filled == ".." {
            return Err(format!("`{filled}` cannot stand in the address"));
        }
        steps.push(filled);
    }
    let mut segments =
        url.path_segments_mut().map_err(|()| "`base_url` is no address of a service".to_owned())?;
    segments.pop_if_empty().extend(&steps);
    drop(segments);
    Ok(url)
}

/// As it stands in an address; of a list, with commas.
fn plain(value: &Value) -> String {
    if let Value::Array(items) = value {
        return items.iter().map(plain).collect::<Vec<_>>().join(",");
    }
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
