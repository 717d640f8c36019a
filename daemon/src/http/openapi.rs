//! `openapi.json`, made from the handlers themselves.

use axum::Json;
use utoipa::OpenApi;

use super::{
    activity, auth, bundles, collab, comments, content, diff, entries, events, history, inviting, keys,
    links, notebooks, people, plugins, seals, search, status, storage, tasks, templates, timestamps, upload,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Codex", description = "The desk of a Codex daemon, on localhost."),
    paths(
        status::health,
        status::status,
        storage::storage,
        auth::make_link,
        notebooks::list,
        notebooks::add,
        notebooks::add_example,
        notebooks::show,
        notebooks::change,
        notebooks::remove,
        keys::show,
        keys::change,
        keys::list,
        notebooks::rebuild_mirror,
        bundles::export,
        bundles::download,
        bundles::import,
        bundles::upload,
        entries::list,
        entries::create,
        entries::show,
        entries::change,
        entries::remove,
        upload::upload,
        collab::socket,
        content::get,
        content::put,
        content::get_file,
        content::put_file,
        history::history,
        diff::diff,
        activity::activity,
        history::version_content,
        history::restore,
        entries::fetch,
        entries::holders,
        history::conflicts,
        history::notebook_conflicts,
        history::entry_conflicts,
        history::settle,
        links::links,
        links::backlinks,
        links::graph,
        links::undo_move,
        search::search,
        search::query,
        search::tags,
        templates::list,
        templates::daily,
        templates::snippet,
        tasks::list,
        tasks::change,
        comments::list,
        comments::all,
        comments::begin,
        comments::reply,
        comments::resolve,
        comments::reopen,
        comments::edit,
        comments::remove,
        seals::all,
        seals::list,
        seals::make,
        seals::witness,
        seals::unlock,
        seals::sealed_content,
        seals::rule,
        seals::set_rule,
        timestamps::show,
        timestamps::set,
        timestamps::off,
        timestamps::now,
        timestamps::distrust,
        people::peers,
        people::members,
        people::set_role,
        people::revoke,
        people::release,
        people::quarantine,
        people::set_profile,
        people::recovery,
        inviting::invite,
        inviting::invites,
        inviting::withdraw,
        inviting::join,
        inviting::requests,
        inviting::approve,
        inviting::reject,
        plugins::list,
        plugins::change,
        plugins::add,
        plugins::remove,
        plugins::calls::call,
        plugins::calls::picture,
        plugins::endpoints::ask,
        plugins::endpoints::sign_in,
        plugins::endpoints::sign_out,
        plugins::imports::import,
        plugins::exports::export,
        plugins::transforms::transform,
        plugins::frames::frame,
        plugins::frames::theme_css,
        plugins::appearance::show,
        plugins::appearance::choose,
        plugins::views::show,
        plugins::views::check,
        plugins::views::examples,
        events::socket,
    )
)]
struct Api;

/// The description of this API. Handlers are named for what they do to their own thing; an operation's id names
/// the thing as well.
pub fn describe() -> utoipa::openapi::OpenApi {
    let mut api = Api::openapi();
    for item in api.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            let tag = operation.tags.iter().flatten().next().cloned().unwrap_or_default();
            operation.operation_id = operation.operation_id.take().map(|id| format!("{tag}_{id}"));
        }
    }
    api
}

/// The description of this API, served.
pub async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(describe())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The page's types are made from this file. `CODEX_UPDATE=1` writes it anew.
    #[test]
    fn the_page_is_made_for_this_api() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../web-ui/openapi.json");
        let now = format!("{}\n", describe().to_pretty_json().unwrap());
        if std::env::var_os("CODEX_UPDATE").is_some() {
            std::fs::write(file, &now).unwrap();
        }
        let known = std::fs::read_to_string(file).unwrap_or_default();
        assert!(
            known == now,
            "web-ui/openapi.json is not current: run this test with CODEX_UPDATE=1, then `npm run types`"
        );
    }

    #[test]
    fn every_path_is_described() {
        let api = describe();
        for path in ["/api/v1/status", "/api/v1/notebooks/{nb}/entries/{e}/content", "/api/v1/events"] {
            assert!(api.paths.paths.contains_key(path), "{path}");
        }
        let mut ids = std::collections::BTreeSet::new();
        for (path, item) in &api.paths.paths {
            let operations = [&item.get, &item.put, &item.post, &item.delete, &item.patch];
            for operation in operations.into_iter().flatten() {
                let id = operation.operation_id.clone().unwrap();
                assert!(ids.insert(id.clone()), "two operations are called {id}");
                for parameter in operation.parameters.iter().flatten() {
                    let utoipa::openapi::RefOr::T(parameter) = parameter else { panic!("{id}") };
                    let named = path.contains(&format!("{{{}}}", parameter.name));
                    let is_path = parameter.parameter_in == utoipa::openapi::path::ParameterIn::Path;
                    assert_eq!(named, is_path, "{id}: {}", parameter.name);
                }
            }
        }
    }
}
