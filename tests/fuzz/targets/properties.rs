//! What files say about themselves or about others: properties in YAML, JSON and XML, sizes of images, rules of what is
//! left out.

use std::path::Path;

use codex_crdt_model::path::EntryPath;
use codexd::disk::ignore;
use codexd::http::xml;
use codexd::mirror::{dates, image, properties, sidecar, text};
use serde_json::Value;

use super::draw::Draw;

/// The key that is set in XML.
const KEY: &str = "set-by-fuzzing";

/// Reading is total: properties or a reason; and what was set in a sidecar is read there.
pub fn run(bytes: &[u8]) {
    image::of_head(bytes);
    let mut draw = Draw(bytes);
    let choice = draw.byte();
    let text = String::from_utf8_lossy(draw.0);
    match choice % 5 {
        0 => read(properties::yaml(&text)),
        1 => read(properties::json(&text)),
        2 => {
            read(properties::xml(&text));
            set(&text);
        }
        3 => read(Ok(image::of_svg(&text))),
        _ => {
            rules(&text);
            names(&text);
        }
    }
}

fn read(properties: Result<properties::Properties, String>) {
    let Ok(properties) = properties else { return };
    for flat in properties::flatten(&properties).flat {
        assert!(flat.number.is_none_or(f64::is_finite));
    }
    properties::tags(&properties);
    let (merged, warnings) = properties::merge([("a", &properties), ("b", &properties)]);
    assert_eq!((merged, warnings), (properties, Vec::new()));
}

fn set(source: &str) {
    let value = Value::String("<&\">".to_owned());
    let Ok(with) = xml::with_properties(source, &[(KEY.to_owned(), Some(value.clone()))]) else { return };
    let Ok(read) = properties::xml(&with) else { return };
    assert_eq!(read.get(KEY), Some(&value), "{with:?}");
    let without = xml::with_properties(&with, &[(KEY.to_owned(), None)]);
    assert!(without.is_ok_and(|without| properties::xml(&without).is_ok_and(|read| !read.contains_key(KEY))));
}

fn rules(text: &str) {
    let Some(rules) =
        ignore::parse(Path::new("/n"), &EntryPath::root().join(".codexignore"), text.as_bytes())
    else {
        return;
    };
    for (path, is_folder) in [("/n/a/b.txt", false), ("/n/a", true), ("/n/ü (1).md", false)] {
        rules.matched(path, is_folder);
    }
}

fn names(text: &str) {
    for name in text.lines().take(8) {
        assert_eq!(text::sort_key(name), text::sort_key(&name.to_lowercase()));
        let _ = (sidecar::mains(name), sidecar::sidecars(name), text::key(name), dates::moment(name));
        let _ = EntryPath::parse(name).map(|path| assert_eq!(path.to_string(), name));
    }
}
