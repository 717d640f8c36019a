//! `openapi.json`, made from the handlers themselves.

use axum::Json;
use utoipa::OpenApi;

use super::{auth, content, entries, events, history, notebooks, people, search, status, upload};

#[derive(OpenApi)]
#[openapi(
    info(title = "Codex", description = "The desk of a Codex daemon, on localhost."),
    paths(
        status::health,
        status::status,
        auth::make_link,
        notebooks::list,
        notebooks::add,
        notebooks::show,
        notebooks::change,
        notebooks::remove,
        notebooks::rebuild_mirror,
        entries::list,
        entries::create,
        entries::show,
        entries::change,
        entries::remove,
        upload::upload,
        content::get,
        content::put,
        content::get_file,
        content::put_file,
        history::history,
        history::version_content,
        history::restore,
        entries::fetch,
        history::conflicts,
        history::notebook_conflicts,
        history::entry_conflicts,
        history::settle,
        search::links,
        search::backlinks,
        search::search,
        search::query,
        search::tags,
        people::peers,
        people::members,
        people::invite,
        people::join,
        events::socket,
    )
)]
struct Api;

/// The description of this API.
pub async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Api::openapi())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_described() {
        let api = Api::openapi();
        for path in ["/api/v1/status", "/api/v1/notebooks/{nb}/entries/{e}/content", "/api/v1/events"] {
            assert!(api.paths.paths.contains_key(path), "{path}");
        }
    }
}
