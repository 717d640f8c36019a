//! One request on its way: the gate, the tries, the redirects, and what comes back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use reqwest::header::{
    CONTENT_TYPE, ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, RETRY_AFTER,
};
use reqwest::{Response, StatusCode, Url};
use serde_json::json;

use super::breaker::{End, Gate, Turn, Wait};
use super::reach::Reach;
use super::{ANSWER_BYTES, Answer, EndpointError, Prepared, page};
use crate::clock::now_ms;
use crate::plugins::manifest::{Endpoint, RateLimit};
use crate::plugins::{Plugin, PluginError, Plugins, Scope, lock};
use crate::system::PluginAnswer;

/// All tries together.
const ALL: Duration = Duration::from_secs(20);
const AGAIN: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];
const REDIRECTS: usize = 5;
/// What a service said is shown for so long, in seconds, after it should have been asked again.
const STALE: u64 = 30 * 24 * 3600;
const PICTURE_BYTES: usize = 5 << 20;

/// Everything that one request needs.
pub(super) struct Call<'a> {
    pub plugins: &'a Plugins,
    pub plugin: Arc<Plugin>,
    pub scope: &'a Scope,
    pub endpoint: Endpoint,
    pub reach: Reach,
    pub prepared: Prepared,
    /// What had changed about plugins when it was prepared.
    pub since: u64,
}

impl Call<'_> {
    pub fn allows(&self, url: &Url) -> Result<(), EndpointError> {
        // A service may put what it was sent into the address that it leads to.
        let refused = |reason: String| EndpointError::Unreachable {
            plugin: self.plugin.id().to_owned(),
            reason: self.prepared.secrets.hide(&reason),
        };
        self.reach.allows(url).map_err(refused)?;
        if url.scheme() == "http" && self.prepared.has_secret && !self.reach.is_own(url) {
            return Err(refused("a secret is sent over https only".to_owned()));
        }
        Ok(())
    }

    fn gate<T>(&self, work: impl FnOnce(&mut Gate) -> T) -> T {
        let mut gates = lock(&self.plugins.inner.engine.gates);
        work(gates.entry((self.scope.workspace.clone(), self.plugin.id().to_owned())).or_default())
    }

    /// What the service says, or said before. A "no" ends what it said before.
    pub async fn answer(&self, fresh: bool) -> Result<Answer, EndpointError> {
        self.settled(self.tried(fresh).await)
    }

    /// The same, where a "no" is not yet the last word.
    pub async fn tried(&self, fresh: bool) -> Result<Answer, EndpointError> {
        let known = self.known()?;
        if let Some(known) = known.as_ref().filter(|known| !fresh && age(known) < self.endpoint.cache_ttl) {
            return self.shown(known, false);
        }
        match self.asked(known.as_ref()).await {
            Ok(answer) => {
                self.keep(&answer)?;
                self.shown(&answer, false)
            }
            Err(error) => self.instead_of(error, fresh),
        }
    }

    /// What it said before, where it cannot be asked now: better than nothing, if it is said from when it is.
    pub fn instead_of(&self, error: EndpointError, fresh: bool) -> Result<Answer, EndpointError> {
        match self.known()? {
            Some(known)
                if error.is_for_now() && age(&known) < self.endpoint.cache_ttl.saturating_add(STALE) =>
            {
                self.shown(&known, fresh || age(&known) >= self.endpoint.cache_ttl)
            }
            _ => Err(error),
        }
    }

    /// What it said before is not true any more, or not for whoever asks now.
    pub fn settled(&self, answer: Result<Answer, EndpointError>) -> Result<Answer, EndpointError> {
        let Err(EndpointError::Service { host, status: Some(status @ (401 | 403 | 404 | 410)), reason }) =
            answer
        else {
            return answer;
        };
        let forgotten = self.plugins.inner.system.forget_plugin_answer(&self.key());
        let more =
            if forgotten.map_err(PluginError::from)? { "; what it said before is forgotten" } else { "" };
        Err(EndpointError::Service { host, status: Some(status), reason: format!("{reason}{more}") })
    }

    fn keep(&self, answer: &PluginAnswer) -> Result<(), EndpointError> {
        if !self.prepared.is_safe() || self.endpoint.cache_ttl == 0 {
            return Ok(());
        }
        let system = &self.plugins.inner.system;
        system.keep_plugin_answer(&self.key(), answer).map_err(PluginError::from)?;
        // It was asked with other settings, another secret or other permissions than those of now.
        if *self.plugins.inner.changes.borrow() != self.since {
            system.forget_plugin_answer(&self.key()).map_err(PluginError::from)?;
        }
        Ok(())
    }

    pub fn key(&self) -> (String, String, String) {
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
            let mut held = self.enter(&limit).map_err(|wait| last.take().unwrap_or(wait))?;
            let tried = tokio::time::timeout_at(deadline.into(), self.exchange(known)).await;
            let error = match tried {
                Ok(Ok(answer)) => {
                    held.leave(End::Answered);
                    return Ok(answer);
                }
                Ok(Err(error)) => error,
                Err(_) => self.service(None, "takes too long to answer"),
            };
            let is_theirs = error.is_for_now();
            // A "no" is an answer.
            held.leave(if is_theirs { End::Failed } else { End::Answered });
            let may_again = matches!(&error, EndpointError::Service { status, .. } if *status != Some(429));
            let may_again = may_again && is_theirs && self.prepared.is_safe();
            match pauses.next().filter(|pause| may_again && Instant::now() + **pause < deadline) {
                Some(pause) if !self.gate(|gate| gate.is_left_alone(Instant::now() + *pause)) => {
                    last = Some(error);
                    tokio::time::sleep(*pause).await;
                }
                _ => return Err(error),
            }
        }
    }

    fn enter(&self, limit: &RateLimit) -> Result<Held<'_, '_>, EndpointError> {
        let turn = self.gate(|gate| gate.enter(limit, Instant::now()));
        Ok(Held { call: self, turn: Some(turn.map_err(|wait| self.wait(&wait))?) })
    }

    async fn exchange(&self, known: Option<&PluginAnswer>) -> Result<PluginAnswer, EndpointError> {
        let client = self.reach.client().map_err(|error| self.unreachable(&error))?;
        let mut url = self.prepared.url.clone();
        let mut status = None;
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
            status = Some(response.status().as_u16());
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let to = to.and_then(|to| url.join(to).ok());
            let Some(to) = to else {
                return Err(self.service(status, "sends to an address that is none"));
            };
            self.allows(&to)?;
            url = to;
        }
        Err(self.service(status, "sends from one address to the next without an end"))
    }

    /// What is no success, in words; a service that says when it wants to be asked again is left alone until then.
    fn refusal(&self, status: StatusCode, headers: &HeaderMap) -> EndpointError {
        // Elsewhere it says nothing: a door that puts it on every answer ends none.
        let may_wait = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::FORBIDDEN
        );
        let again = retry_after(headers).filter(|again| may_wait && !again.is_zero());
        let Some(again) = again else {
            return self.service(Some(status.as_u16()), format!("answers {status}"));
        };
        self.gate(|gate| gate.leave_alone(again, Instant::now()));
        // Some say "forbidden" when they mean "too often": a real one would not say when it ends.
        let meant = if status == StatusCode::FORBIDDEN { StatusCode::TOO_MANY_REQUESTS } else { status };
        let seconds = again.as_secs();
        self.service(
            Some(meant.as_u16()),
            format!("answers {status}, and wants to be asked again in {seconds} s"),
        )
    }

    async fn read(&self, mut response: Response, url: &Url) -> Result<PluginAnswer, EndpointError> {
        let status = response.status();
        if !status.is_success() {
            return Err(self.refusal(status, response.headers()));
        }
        let secrets = &self.prepared.secrets;
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let unsaid = |text: Option<&str>| text.filter(|text| secrets.hide(text) == *text).map(str::to_owned);
        let (etag, modified) = (unsaid(header(ETAG)), unsaid(header(LAST_MODIFIED)));
        let media_type = secrets.hide(header(CONTENT_TYPE).unwrap_or_default());
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
        // Where it cannot be taken out, all of it stays out.
        if (matches!(wanted, "image" | "binary") || bytes.contains(&0)) && secrets.stand_in(&bytes) {
            return Err(self.service(Some(status.as_u16()), "answers with a secret that it was sent"));
        }
        let text = String::from_utf8_lossy(&bytes);
        let mut data = match wanted {
            "page" => page::metadata(&text, url),
            "json" => serde_json::from_str(&text).map_err(|why| {
                self.service(Some(status.as_u16()), format!("answers with JSON that cannot be read: {why}"))
            })?,
            "image" | "binary" => json!(BASE64.encode(&bytes)),
            _ => json!(text),
        };
        if !matches!(wanted, "image" | "binary") {
            secrets.hide_in(&mut data);
        }
        Ok(PluginAnswer { etag, modified, at: now_ms(), media_type, body: data.to_string() })
    }

    fn shown(&self, answer: &PluginAnswer, stale: bool) -> Result<Answer, EndpointError> {
        let data = serde_json::from_str(&answer.body)
            .map_err(|why| self.service(None, format!("was kept wrongly: {why}")))?;
        Ok(Answer { data, media_type: answer.media_type.clone(), as_of: answer.at, stale })
    }

    fn wait(&self, wait: &Wait) -> EndpointError {
        let (left, reason) = match wait {
            Wait::Rate(left) => (left, "that is as often as it may be asked"),
            Wait::Open(left) => (left, "it did not answer several times"),
            Wait::Said(left) => (left, "the service wants to be left alone until then"),
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
        if reason.contains("lookup address") {
            // The resolver's own words help nobody.
            reason = "its name is not found; is this device online?".to_owned();
        }
        if reason.contains("where plugins do not reach") {
            let reason = self.prepared.secrets.hide(&reason);
            return EndpointError::Unreachable { plugin: self.plugin.id().to_owned(), reason };
        }
        self.service(None, self.prepared.secrets.hide(&format!("cannot be reached: {reason}")))
    }
}

/// Seconds since a service said it.
fn age(answer: &PluginAnswer) -> u64 {
    now_ms().saturating_sub(answer.at).max(0).unsigned_abs() / 1000
}

/// A turn at the gate. It is given back also when nobody waits for the answer any more and all of this is dropped.
struct Held<'a, 'b> {
    call: &'a Call<'b>,
    turn: Option<Turn>,
}

impl Held<'_, '_> {
    fn leave(&mut self, end: End) {
        if let Some(turn) = self.turn.take() {
            self.call.gate(|gate| gate.leave(turn, end, Instant::now()));
        }
    }
}

impl Drop for Held<'_, '_> {
    fn drop(&mut self) {
        self.leave(End::Dropped);
    }
}

/// In how long a service wants to be asked again (RFC 9110, 10.2.3): seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let said = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !said.is_empty() && said.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(said.parse().unwrap_or(u64::MAX)));
    }
    let until = jiff::fmt::rfc2822::parse(said).ok()?.timestamp().as_millisecond();
    Some(Duration::from_millis(until.saturating_sub(now_ms()).max(0).unsigned_abs()))
}
