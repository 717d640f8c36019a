//! Talks to the running daemon of a home.

use std::path::Path;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use super::failure::Failure;
use crate::home::{Place, RunFile};

/// A running daemon.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    run: RunFile,
    home: String,
}

impl Client {
    /// The daemon of the home that the option or the environment names.
    pub fn find(home: Option<&Path>) -> Result<Self, Failure> {
        let place = Place::find(home)?;
        let shown = place.dir.display().to_string();
        let Some(run) = RunFile::read(&place) else {
            return Err(Failure::new(format!(
                "no daemon runs on the home {shown}; start one with `codexd serve`, or give another --home"
            )));
        };
        // Never used on loopback, but the client does not start without one; an error means it was done before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // A proxy must never see what is said to this machine.
        let http = reqwest::Client::builder().no_proxy().build();
        let http = http.map_err(|error| Failure::new(format!("cannot talk to the daemon: {error}")))?;
        Ok(Self { http, run, home: shown })
    }

    /// A request to `/api/v1` and what follows.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/api/v1{path}", self.run.url)).bearer_auth(&self.run.token)
    }

    /// Sends a request; a refusal becomes the line that is shown.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| {
            let why = if error.is_connect() { "it does not answer".to_owned() } else { error.to_string() };
            Failure::new(format!(
                "cannot reach the daemon (pid {}) of the home {} at {}: {why}; start it again with `codexd serve`",
                self.run.pid, self.home, self.run.url
            ))
        })?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body: Value = response.json().await.unwrap_or_default();
        let message = body["error"]["message"].as_str().map(str::to_owned);
        Err(Failure::new(message.unwrap_or_else(|| unexplained(status))))
    }

    /// JSON for JSON.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = self.send(request).await?;
        response
            .json()
            .await
            .map_err(|error| Failure::new(format!("cannot read the daemon's answer: {error}")))
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::GET, path, None).await
    }

    /// The bytes of what is there.
    pub async fn bytes(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let response = self.send(self.request(Method::GET, path)).await?;
        let bytes = response.bytes().await;
        let bytes = bytes.map_err(|error| Failure::new(format!("the daemon's answer broke off: {error}")))?;
        Ok(bytes.to_vec())
    }

    /// DELETE, answered with nothing.
    pub async fn delete(&self, path: &str) -> Result<(), Failure> {
        self.send(self.request(Method::DELETE, path)).await.map(|_| ())
    }

    /// PUT.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// POST.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.call(Method::POST, path, Some(body)).await
    }
}

fn unexplained(status: StatusCode) -> String {
    format!("the daemon answered {status} and said no more; look at its log (CODEX_LOG=info)")
}

/// One part of a path or a query, escaped.
pub fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escaped = text
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    escaped.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn without_a_daemon_the_line_says_what_to_do() {
        let temp = tempfile::tempdir().unwrap();
        let failure = Client::find(Some(temp.path())).unwrap_err();
        let line = failure.line().unwrap();
        assert!(line.contains("no daemon runs") && line.contains("codexd serve"), "{line}");
    }

    #[test]
    fn parts_of_paths_are_escaped() {
        assert_eq!(escape("a b/ü?"), "a%20b%2F%C3%BC%3F");
    }
}
