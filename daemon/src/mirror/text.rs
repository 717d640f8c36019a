//! What a text says about itself: frontmatter, first heading, links; its media type; how names are ordered.

use codex_crdt_model::entry::birth::Kind;
use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};

use super::sidecar::extension;
use super::tasks::{self, RawTask};

/// Media type of views.
pub const VIEW_TYPE: &str = "application/x-codex-view";

/// The YAML between `---` lines at the very start, and the rest.
pub fn split(text: &str) -> (Option<&str>, &str) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some((first, rest)) = text.split_once('\n') else { return (None, text) };
    if first.trim_end() != "---" {
        return (None, text);
    }
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return (Some(&rest[..at]), &rest[at + line.len()..]);
        }
        at += line.len();
    }
    (None, text)
}

/// Whether a file of this name may begin with frontmatter.
pub fn has_frontmatter(name: &str) -> bool {
    let end = extension(name).unwrap_or_default();
    ["md", "markdown", "cdx"].iter().any(|known| end.eq_ignore_ascii_case(known))
}

/// A link out of a Markdown text, not yet looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawLink {
    /// As it is written, without fragment and query, `%20` undone.
    pub target: String,
    /// `wiki`, `link`, `image`, or `embed` for a wikilink that is shown in its place.
    pub kind: &'static str,
}

impl RawLink {
    /// Whether what it means is shown in its place.
    pub fn is_embedded(&self) -> bool {
        matches!(self.kind, "image" | "embed")
    }

    /// Whether its target is a name anywhere in the notebook, not only a path.
    pub fn is_wiki(&self) -> bool {
        is_wiki(self.kind)
    }

    /// Last name of the target in lower case, without `.md`.
    pub fn key(&self) -> String {
        key(&self.target)
    }
}

/// Whether the target of a link of this kind is a name anywhere in the notebook, not only a path.
pub fn is_wiki(kind: &str) -> bool {
    matches!(kind, "wiki" | "embed")
}

/// Last name of a path in lower case, without `.md`.
pub fn key(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default().to_lowercase();
    name.strip_suffix(".md").map(str::to_owned).unwrap_or(name)
}

/// How texts are read.
pub const OPTIONS: Options =
    Options::ENABLE_WIKILINKS.union(Options::ENABLE_TABLES).union(Options::ENABLE_TASKLISTS);

/// What a Markdown body says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Markdown {
    /// Its first heading.
    pub heading: Option<String>,
    /// Its links, each once.
    pub links: Vec<RawLink>,
    /// Boxes in its lists.
    pub tasks: Vec<RawTask>,
}

/// First heading, links and tasks of a Markdown body.
pub fn markdown(body: &str) -> Markdown {
    let mut heading: Option<String> = None;
    let mut inside = false;
    let mut links: Vec<RawLink> = Vec::new();
    let mut boxes = Vec::new();
    for (event, range) in Parser::new_ext(body, OPTIONS).into_offset_iter() {
        match event {
            Event::TaskListMarker(done) => boxes.push((range, done)),
            Event::Start(Tag::Item) => boxes.extend(tasks::box_of_two(body, range.start)),
            Event::Start(Tag::Heading { .. }) if heading.is_none() => {
                inside = true;
                heading = Some(String::new());
            }
            Event::End(TagEnd::Heading(_)) => {
                inside = false;
                heading = heading.filter(|text| !text.trim().is_empty());
            }
            Event::Text(text) | Event::Code(text) if inside => {
                heading.get_or_insert_default().push_str(&text);
            }
            Event::Start(Tag::Link { link_type, dest_url, .. }) => {
                let wiki = matches!(link_type, LinkType::WikiLink { .. });
                links.extend(link(&dest_url, if wiki { "wiki" } else { "link" }));
            }
            Event::Start(Tag::Image { link_type, dest_url, .. }) => {
                let wiki = matches!(link_type, LinkType::WikiLink { .. });
                links.extend(link(&dest_url, if wiki { "embed" } else { "image" }));
            }
            _ => {}
        }
    }
    each_once(&mut links);
    Markdown {
        heading: heading.map(|text| text.trim().to_owned()),
        links,
        tasks: tasks::of_boxes(body, &boxes),
    }
}

/// Leaves the first of those that say the same.
pub fn each_once(links: &mut Vec<RawLink>) {
    let mut seen = std::collections::BTreeSet::new();
    links.retain(|link| seen.insert((link.target.clone(), link.kind)));
}

/// A link that stays inside the notebook; `None` for web addresses and places in the same text.
pub fn link(target: &str, kind: &'static str) -> Option<RawLink> {
    let target = target.split(['#', '?']).next().unwrap_or_default().trim();
    let scheme = target.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    });
    if target.is_empty() || target.starts_with("//") || (scheme && !is_wiki(kind)) {
        return None;
    }
    let target = if is_wiki(kind) { target.to_owned() } else { percent_decoded(target) };
    Some(RawLink { target, kind })
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match hex.and_then(|hex| data_encoding::HEXLOWER_PERMISSIVE.decode(hex).ok()) {
            Some(byte) => {
                decoded.extend(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

/// Media type by name, else by kind.
pub fn media_type(name: &str, kind: Kind) -> String {
    match kind {
        Kind::Folder => return "inode/directory".into(),
        Kind::Symlink => return "inode/symlink".into(),
        Kind::Text | Kind::Blob => {}
    }
    let end = extension(name).unwrap_or_default().to_ascii_lowercase();
    let known = match (end.as_str(), name) {
        ("cdx", _) => VIEW_TYPE,
        ("md" | "markdown", _) => "text/markdown",
        (_, "Dockerfile") => "text/x-dockerfile",
        (_, "Makefile") => "text/x-makefile",
        _ => "",
    };
    if !known.is_empty() {
        return known.into();
    }
    let guess = mime_guess::from_path(name).first_raw().unwrap_or_default();
    // `.ts` is TypeScript to a scientist, not a video, when its bytes are text.
    let binary = ["video/", "audio/", "image/", "font/"].iter().any(|kind| guess.starts_with(kind));
    match kind {
        Kind::Text if guess.is_empty() || (binary && guess != "image/svg+xml") => "text/plain".into(),
        _ if guess.is_empty() => "application/octet-stream".into(),
        _ => guess.into(),
    }
}

/// A key that orders names as people do: any case, `note 2` before `note 10`.
pub fn sort_key(name: &str) -> Vec<u8> {
    let lower = name.to_lowercase();
    let mut key = Vec::with_capacity(lower.len() + 8);
    let mut rest = lower.as_str();
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_digit() {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let digits = rest[..end].trim_start_matches('0');
            // A digit still sorts among other characters as one; its length comes before its value.
            key.push(b'0');
            key.push(u8::try_from(digits.len()).unwrap_or(u8::MAX));
            key.extend(digits.as_bytes());
            rest = &rest[end..];
        } else {
            key.extend(first.to_string().as_bytes());
            rest = &rest[first.len_utf8()..];
        }
    }
    key
}
