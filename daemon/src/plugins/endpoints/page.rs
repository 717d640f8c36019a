//! What a web page says about itself: Open Graph (ogp.me), Twitter cards, and the plain elements of HTML.

use html5gum::{Token, Tokenizer};
use serde_json::{Map, Value, json};

/// More of a page is not read: what it says of itself stands in its head.
pub const BYTES: usize = 512 << 10;

/// Title, description, picture, site and kind of a page.
pub fn metadata(html: &str, url: &reqwest::Url) -> Value {
    let mut meta: Map<String, Value> = Map::new();
    let (mut title, mut in_title, mut icon) = (String::new(), false, None);
    for token in Tokenizer::new(html).flatten() {
        match token {
            Token::StartTag(tag) => {
                let attribute = |name: &str| {
                    let value = tag.attributes.get(name.as_bytes());
                    value.map(|value| String::from_utf8_lossy(value).into_owned())
                };
                match tag.name.as_slice() {
                    b"title" => in_title = title.is_empty(),
                    b"meta" => {
                        let key = attribute("property").or_else(|| attribute("name")).unwrap_or_default();
                        let content = attribute("content").unwrap_or_default();
                        if !content.trim().is_empty() {
                            meta.entry(key.to_ascii_lowercase()).or_insert(json!(content.trim()));
                        }
                    }
                    b"link" => {
                        let rel = attribute("rel").unwrap_or_default().to_ascii_lowercase();
                        if icon.is_none() && rel.split_ascii_whitespace().any(|one| one == "icon") {
                            icon = attribute("href");
                        }
                    }
                    b"body" => break,
                    _ => {}
                }
            }
            Token::String(text) if in_title && title.len() < 500 => {
                title.push_str(&String::from_utf8_lossy(&text))
            }
            Token::EndTag(tag) if tag.name.as_slice() == b"title" => in_title = false,
            _ => {}
        }
    }
    let first = |keys: &[&str]| keys.iter().find_map(|key| meta.get(*key)).cloned().unwrap_or(Value::Null);
    let or = |value: Value, other: Value| if value.is_null() { other } else { value };
    let absolute = |value: Value| match value.as_str().and_then(|text| url.join(text).ok()) {
        Some(address) if matches!(address.scheme(), "http" | "https") => json!(address.as_str()),
        _ => Value::Null,
    };
    let title = Some(title.trim().to_owned()).filter(|title| !title.is_empty());
    json!({
        "url": or(absolute(first(&["og:url"])), json!(url.as_str())),
        "title": or(first(&["og:title", "twitter:title"]), json!(title)),
        "description": first(&["og:description", "twitter:description", "description"]),
        "image": absolute(first(&["og:image", "og:image:url", "twitter:image"])),
        "site_name": or(first(&["og:site_name"]), json!(url.host_str())),
        "type": or(first(&["og:type"]), json!("website")),
        "icon": absolute(json!(icon)),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_page_says_what_it_is() {
        let url = reqwest::Url::parse("https://example.org/a/b").unwrap();
        let html = "<!doctype html><HTML><head><title>Plain &amp; simple</title><meta property=og:title content='Shown'>\
            <meta name=description content='What it is'><meta property='og:image' content='/i.png'><link rel='shortcut icon' href='x.ico'>\
            </head><body><meta property='og:site_name' content='too late'>";
        let said = metadata(html, &url);
        assert_eq!(said["title"], "Shown");
        assert_eq!(said["description"], "What it is");
        assert_eq!(said["image"], "https://example.org/i.png");
        assert_eq!(said["icon"], "https://example.org/a/x.ico");
        assert_eq!(said["site_name"], "example.org");
        let plain = metadata(
            "<title>Plain &amp; simple</title><meta property=og:image content='javascript:1'>",
            &url,
        );
        assert_eq!((&plain["title"], &plain["image"]), (&json!("Plain & simple"), &Value::Null));
        for hostile in ["", "<title", "<meta property", "\0\0", &"<title>".repeat(10_000)] {
            metadata(hostile, &url);
        }
    }
}
