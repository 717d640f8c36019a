//! Who may talk to the desk: the bearer token of the run file, or a browser's session, which begins with a
//! one-time link.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::{HeaderMap, StatusCode};
use codex_crdt_model::ids::UnixMs;
use serde::Serialize;
use utoipa::ToSchema;

use super::desk::Desk;
use super::error::ApiError;
use crate::clock::now_ms;
use crate::home::random;
use crate::system::{System, SystemError};

/// How long a browser stays signed in.
pub const SESSION_MS: UnixMs = 30 * 24 * 3_600_000;
/// How long a one-time link is good for.
pub const LINK_MS: UnixMs = 10 * 60_000;

/// The keys to the desk.
#[derive(Debug)]
pub struct Auth {
    bearer_hash: [u8; 32],
    system: System,
    cookie: String,
    base_url: String,
    // One-time tokens and when they end.
    links: Mutex<BTreeMap<String, UnixMs>>,
}

/// How a request proved itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The bearer token.
    Bearer,
    /// The session cookie: what changes something needs the CSRF header as well.
    Session,
}

/// A random token, 256 bits, hex.
pub fn new_token() -> String {
    data_encoding::HEXLOWER.encode(&random::<32>())
}

impl Auth {
    /// `bearer` is what the run file says; `base_url` what the desk is served at.
    pub fn new(bearer: &str, system: System, base_url: &str) -> Self {
        // Cookies know no ports: two daemons on one machine must not overwrite each other's.
        let port = base_url.rsplit(':').next().unwrap_or_default();
        Self {
            bearer_hash: digest(bearer),
            system,
            cookie: format!("codex_session_{port}"),
            base_url: base_url.to_owned(),
            links: Mutex::default(),
        }
    }

    /// Whether, and how, these headers prove that the user sent them.
    pub fn check(&self, headers: &HeaderMap) -> Result<Option<Proof>, SystemError> {
        if let Some(value) = headers.get(AUTHORIZATION) {
            let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
            // Digests are compared, so that the time it takes says nothing about the token.
            let right = token.is_some_and(|token| digest(token.trim()) == self.bearer_hash);
            return Ok(right.then_some(Proof::Bearer));
        }
        let Some(token) = self.cookie_of(headers) else { return Ok(None) };
        Ok(self.system.session(&token, now_ms())?.map(|_| Proof::Session))
    }

    /// A link that signs one browser in, once.
    pub fn link(&self) -> String {
        let token = new_token();
        let now = now_ms();
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|_, ends| *ends > now);
        let url = format!("{}/?token={token}", self.base_url);
        links.insert(token, now + LINK_MS);
        url
    }

    /// Exchanges a one-time token for the value of a `Set-Cookie` header.
    pub fn redeem(&self, token: &str) -> Result<Option<String>, SystemError> {
        let now = now_ms();
        let ends = self.links.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
        if ends.is_none_or(|ends| ends <= now) {
            return Ok(None);
        }
        let session = new_token();
        self.system.add_session(&session, &new_token(), now, now + SESSION_MS)?;
        let age = SESSION_MS / 1000;
        Ok(Some(format!("{}={session}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}", self.cookie)))
    }

    fn cookie_of(&self, headers: &HeaderMap) -> Option<String> {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == self.cookie)
            .map(|(_, value)| value.to_owned())
    }
}

fn digest(token: &str) -> [u8; 32] {
    blake3::derive_key("codex 2026 bearer token", token.as_bytes())
}

/// A fresh sign-in link.
#[derive(Debug, Serialize, ToSchema)]
pub struct Link {
    /// Open it in a browser within ten minutes; it works once.
    pub url: String,
}

/// Makes a one-time link to the desk.
#[utoipa::path(post, path = "/api/v1/session/links", tag = "session", responses((status = 201, body = Link)))]
pub async fn make_link(State(desk): State<Desk>) -> Result<(StatusCode, Json<Link>), ApiError> {
    Ok((StatusCode::CREATED, Json(Link { url: desk.auth().link() })))
}
