//! Sets and removes single properties in a text's parts.

use super::{Key, Parts, is_silent, split, split_inner, with_eol};

/// Why a property cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PropertyRefused {
    /// The frontmatter is not split into keys.
    #[error(
        "its frontmatter is not one list of distinct keys that stand for themselves: it is no valid YAML or longer than 64 KiB, has a key twice, is \
         written in braces, or one key repeats another by an anchor (`*name`); change it in the text"
    )]
    Broken,
    /// The source is not one entry of a YAML block mapping.
    #[error("`{source_text}` is not one line or block of YAML that sets `{key}`")]
    NotOneKey {
        /// The key that was to be set.
        key: String,
        /// Its beginning.
        source_text: String,
    },
    /// With it the frontmatter would not read as it was meant.
    #[error("the frontmatter would no longer be valid YAML with `{key}` changed")]
    Breaks {
        /// The key.
        key: String,
    },
}

/// Sets the source of a key in place or at the end, or removes it (`None`); makes frontmatter if there is none.
pub fn set(parts: &mut Parts, key: &str, source: Option<&str>) -> Result<(), PropertyRefused> {
    if !parts.raw.is_empty() {
        return Err(PropertyRefused::Broken);
    }
    let mut edited = parts.clone();
    match source {
        None => remove(&mut edited, key),
        Some(source) => put(&mut edited, key, source)?,
    }
    if split(&edited.join()) != edited {
        return Err(PropertyRefused::Breaks { key: key.to_owned() });
    }
    *parts = edited;
    Ok(())
}

fn remove(parts: &mut Parts, key: &str) {
    let Some(at) = parts.keys.iter().position(|known| known.name == key) else { return };
    let removed = parts.keys.remove(at);
    let after = trailing(&removed.source);
    if after.trim().is_empty() {
        return;
    }
    // Comments below a key are rather about the next one.
    match at.checked_sub(1) {
        Some(previous) => parts.keys[previous].source.push_str(after),
        None => parts.head.push_str(after),
    }
}

fn put(parts: &mut Parts, key: &str, source: &str) -> Result<(), PropertyRefused> {
    let eol = parts.eol();
    let mut source = with_eol(source, eol).into_owned();
    if !source.ends_with('\n') {
        source.push_str(eol);
    }
    let alone = split_inner(&source);
    if alone.keys.len() != 1 || alone.keys[0].name != key || !alone.head.is_empty() {
        let source_text = source.chars().take(80).collect();
        return Err(PropertyRefused::NotOneKey { key: key.to_owned(), source_text });
    }
    if !parts.has_front() {
        let body = std::mem::take(&mut parts.body);
        let unmarked = body.strip_prefix('\u{feff}');
        let mark = if unmarked.is_some() { "\u{feff}" } else { "" };
        parts.open = format!("{mark}---{eol}");
        parts.close = format!("---{eol}");
        parts.body = unmarked.unwrap_or(&body).to_owned();
    }
    match parts.keys.iter_mut().find(|known| known.name == key) {
        Some(known) => {
            let after = trailing(&known.source);
            if !after.is_empty() && !source.ends_with(after) {
                source.push_str(after);
            }
            known.source = source;
        }
        None => parts.keys.push(Key { name: key.to_owned(), source }),
    }
    Ok(())
}

/// The comments and empty lines at the end of a key's source, which are not part of its value.
fn trailing(source: &str) -> &str {
    let mut start = source.len();
    for line in source.split_inclusive('\n').rev() {
        let indented = line.starts_with([' ', '\t']) && !line.trim().is_empty();
        if indented || !is_silent(line) {
            break;
        }
        start -= line.len();
    }
    &source[start..]
}
