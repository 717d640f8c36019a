//! The desk: HTTP on localhost. Everything goes through [`crate::daemon::Daemon`]; nothing here touches the
//! user's files but to serve bytes whose hash the store confirms.
//!
//! [`app`] is the whole router, so that a test needs no port.

pub mod activity;
pub mod auth;
pub mod bundles;
pub mod collab;
pub mod comments;
pub mod content;
pub mod desk;
pub mod diff;
pub mod dto;
pub mod entries;
pub mod error;
pub mod events;
pub mod guard;
pub mod history;
pub mod input;
pub mod inviting;
pub mod keys;
pub mod links;
pub mod locks;
pub mod notebooks;
pub mod openapi;
pub mod people;
pub mod plugins;
pub mod properties;
pub mod ranges;
pub mod reading;
pub mod seals;
pub mod search;
pub mod sidecar;
pub mod spool;
pub mod status;
pub mod storage;
pub mod tasks;
pub mod templates;
pub mod timestamps;
pub mod ui;
pub mod upload;
pub mod xml;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, patch, post, put};
use axum::{Router, middleware};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

pub use auth::Auth;
pub use desk::Desk;
pub use error::ApiError;

/// The largest JSON body: a text of 1 MiB whose every character is escaped, and a little more.
pub const JSON_BYTES: usize = 8 << 20;

/// Everything that is served.
pub fn app(desk: Desk) -> Router {
    let auth = Arc::clone(desk.auth());
    // Bytes of attachments are sent as they are: they are mostly compressed already, and ranges count them.
    let worth_it = SizeAbove::new(1024)
        .and(NotForContentType::const_new("application/octet-stream"))
        .and(NotForContentType::const_new("image/"))
        .and(NotForContentType::const_new("audio/"))
        .and(NotForContentType::const_new("video/"))
        .and(NotForContentType::const_new("application/pdf"))
        .and(NotForContentType::const_new("application/zip"));
    let pages = Router::new().route("/", get(ui::root)).fallback(ui::asset);
    let api = api().layer(CompressionLayer::new().compress_when(worth_it));
    let app = pages.nest("/api/v1", api).with_state(desk);
    app.layer(DefaultBodyLimit::max(JSON_BYTES)).layer(middleware::from_fn_with_state(auth, guard::guard))
}

fn api() -> Router<Desk> {
    Router::new()
        .route("/health", get(status::health))
        .route("/status", get(status::status))
        .route("/openapi.json", get(openapi::document))
        .route("/session/links", post(auth::make_link))
        .route("/notebooks", get(notebooks::list).post(notebooks::add))
        .route("/examples", post(notebooks::add_example))
        .route("/notebooks/{nb}", get(notebooks::show).patch(notebooks::change).delete(notebooks::remove))
        .route("/notebooks/{nb}/properties", get(keys::show).patch(keys::change))
        .route("/notebooks/{nb}/keys", get(keys::list))
        .route("/notebooks/{nb}/mirror/rebuild", post(notebooks::rebuild_mirror))
        .route("/notebooks/{nb}/bundle", get(bundles::download).post(bundles::export))
        .route("/bundles", post(bundles::import))
        .route("/bundles/upload", post(bundles::upload).layer(DefaultBodyLimit::disable()))
        .route("/storage", get(storage::storage))
        .route("/notebooks/{nb}/entries", get(entries::list).post(entries::create))
        .route("/notebooks/{nb}/entries/upload", post(upload::upload).layer(DefaultBodyLimit::disable()))
        .route(
            "/notebooks/{nb}/entries/{e}",
            get(entries::show).patch(entries::change).delete(entries::remove),
        )
        .route(
            "/notebooks/{nb}/entries/{e}/content",
            get(content::get).put(content::put).layer(DefaultBodyLimit::disable()),
        )
        .route("/notebooks/{nb}/entries/{e}/collab", get(collab::socket))
        .route("/notebooks/{nb}/entries/{e}/history", get(history::history))
        .route("/notebooks/{nb}/entries/{e}/diff", get(diff::diff))
        .route("/notebooks/{nb}/entries/{e}/versions/{v}/content", get(history::version_content))
        .route("/notebooks/{nb}/entries/{e}/restore", post(history::restore))
        .route("/notebooks/{nb}/entries/{e}/fetch", post(entries::fetch))
        .route("/notebooks/{nb}/entries/{e}/holders", get(entries::holders))
        .route("/notebooks/{nb}/entries/{e}/links", get(links::links))
        .route("/notebooks/{nb}/entries/{e}/backlinks", get(links::backlinks))
        .route("/notebooks/{nb}/entries/{e}/graph", get(links::graph))
        .route("/notebooks/{nb}/moves/undo", post(links::undo_move))
        .route("/notebooks/{nb}/entries/{e}/comments", get(comments::list).post(comments::begin))
        .route("/notebooks/{nb}/entries/{e}/comments/{id}", patch(comments::edit).delete(comments::remove))
        .route("/notebooks/{nb}/entries/{e}/comments/{id}/replies", post(comments::reply))
        .route("/notebooks/{nb}/entries/{e}/comments/{id}/resolve", post(comments::resolve))
        .route("/notebooks/{nb}/entries/{e}/comments/{id}/reopen", post(comments::reopen))
        .route("/comments", get(comments::all))
        .route("/notebooks/{nb}/entries/{e}/seals", get(seals::list).post(seals::make))
        .route("/notebooks/{nb}/entries/{e}/seals/{seal}/witnesses", post(seals::witness))
        .route("/notebooks/{nb}/entries/{e}/seals/{seal}/content", get(seals::sealed_content))
        .route("/notebooks/{nb}/entries/{e}/seals/{seal}/unlock", post(seals::unlock))
        .route("/notebooks/{nb}/seal-rule", get(seals::rule).put(seals::set_rule))
        .route("/seals", get(seals::all))
        .route("/timestamps", get(timestamps::show).put(timestamps::set).delete(timestamps::off))
        .route("/timestamps/now", post(timestamps::now))
        .route("/timestamps/certificates/{fingerprint}", delete(timestamps::distrust))
        .route("/notebooks/{nb}/entries/{e}/conflicts", get(history::entry_conflicts))
        .route("/notebooks/{nb}/conflicts", get(history::notebook_conflicts))
        .route("/notebooks/{nb}/conflicts/{number}", post(history::settle))
        .route(
            "/notebooks/{nb}/files/{*path}",
            get(content::get_file).put(content::put_file).layer(DefaultBodyLimit::disable()),
        )
        .route("/search", get(search::search))
        .route("/query", post(search::query))
        .route("/tags", get(search::tags))
        .route("/templates", get(templates::list))
        .route("/notebooks/{nb}/daily", post(templates::daily))
        .route("/snippets", post(templates::snippet))
        .route("/tasks", get(tasks::list))
        .route("/tasks/{id}", patch(tasks::change))
        .route("/activity", get(activity::activity))
        .route("/conflicts", get(history::conflicts))
        .route("/peers", get(people::peers))
        .route("/members", get(people::members))
        .route("/roles", post(people::set_role))
        .route("/revocations", post(people::revoke))
        .route("/releases", post(people::release))
        .route("/quarantine", get(people::quarantine))
        .route("/profile", post(people::set_profile))
        .route("/recovery", post(people::recovery))
        .route("/requests", get(inviting::requests))
        .route("/requests/{id}/approve", post(inviting::approve))
        .route("/requests/{id}/reject", post(inviting::reject))
        .route("/invites", get(inviting::invites).post(inviting::invite))
        .route("/invites/{id}", delete(inviting::withdraw))
        .route("/join", post(inviting::join))
        .route("/plugins", get(plugins::list).post(plugins::add))
        .route("/plugins/{id}", put(plugins::change).delete(plugins::remove))
        .route("/plugins/{id}/calls", post(plugins::calls::call))
        .route("/plugins/{id}/endpoints/{endpoint}", post(plugins::endpoints::ask))
        .route(
            "/plugins/{id}/sign-in",
            post(plugins::endpoints::sign_in).delete(plugins::endpoints::sign_out),
        )
        .route(
            "/plugins/{id}/importers/{importer}",
            post(plugins::imports::import).layer(DefaultBodyLimit::max(crate::plugins::code::FILE_BYTES + 1)),
        )
        .route("/plugins/{id}/exporters/{exporter}", post(plugins::exports::export))
        .route("/plugins/{id}/transformers/{transformer}", post(plugins::transforms::transform))
        .route("/plugins/{id}/picture", get(plugins::calls::picture))
        .route("/plugins/{id}/frame", get(plugins::frames::frame))
        .route("/plugins/{id}/theme.css", get(plugins::frames::theme_css))
        .route("/appearance", get(plugins::appearance::show).put(plugins::appearance::choose))
        .route("/notebooks/{nb}/entries/{e}/view", get(plugins::views::show))
        .route("/views/check", post(plugins::views::check))
        .route("/views/examples", get(plugins::views::examples))
        .route("/events", get(events::socket))
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::no_such_method)
}
