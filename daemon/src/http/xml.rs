//! Setting properties in an XML sidecar: the elements of the named keys go, new ones come at the end of the
//! root, and every other byte stays.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::Event;
use serde_json::Value;

/// The text of a sidecar with these properties set (`Some`) or removed (`None`).
pub fn with_properties(source: &str, edits: &[(String, Option<Value>)]) -> Result<String, String> {
    // The parser leaves byte order marks out of its positions.
    let marks = source.len() - source.trim_start_matches('\u{feff}').len();
    let (marks, source) = source.split_at(marks);
    let plan = survey(source, edits)?;
    let mut text = marks.to_owned();
    let mut at = 0;
    for gone in &plan.gone {
        text.push_str(&source[at..gone.start]);
        at = gone.end;
        // The line that held only this element goes as a whole.
        let indent = text.len() - text.trim_end_matches([' ', '\t']).len();
        let rest = &source[at..];
        let line_ends = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'));
        if let Some(after) = line_ends.filter(|_| text[..text.len() - indent].ends_with('\n')) {
            text.truncate(text.len() - indent);
            at = source.len() - after.len();
        }
    }
    let mut new = String::new();
    for (key, value) in edits {
        if let Some(value) = value {
            write(&mut new, key, value, 1)?;
        }
    }
    text.push_str(&source[at..plan.end.start]);
    if !new.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&new);
    match plan.empty_root {
        Some(name) => text.push_str(&format!("</{name}>")),
        None => text.push_str(&source[plan.end.clone()]),
    }
    text.push_str(&source[plan.end.end..]);
    Ok(text)
}

struct Plan {
    gone: Vec<Range<usize>>,
    // The root's end tag, or an empty root's `/>`.
    end: Range<usize>,
    empty_root: Option<String>,
}

fn survey(source: &str, edits: &[(String, Option<Value>)]) -> Result<Plan, String> {
    let fault = |reason: String| format!("the XML sidecar cannot be read: {reason}");
    let named = |name: &str| edits.iter().any(|(key, _)| key == name);
    let mut reader = Reader::from_str(source);
    let mut plan = Plan { gone: Vec::new(), end: 0..0, empty_root: None };
    let (mut depth, mut child_from, mut found_root) = (0_usize, None, false);
    let position = |reader: &Reader<&[u8]>| usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
    loop {
        let from = position(&reader);
        let event = reader.read_event().map_err(|error| fault(error.to_string()))?;
        let to = position(&reader);
        match event {
            Event::Start(start) => {
                if depth == 0 {
                    found_root = true;
                    refuse_attributes(&start, named)?;
                } else if depth == 1 && named(start.name().as_ref()) {
                    child_from = Some(from);
                }
                depth += 1;
            }
            Event::Empty(start) if depth == 0 => {
                refuse_attributes(&start, named)?;
                return empty_root(source, from, to, start.name().as_ref());
            }
            Event::Empty(start) if depth == 1 && named(start.name().as_ref()) => plan.gone.push(from..to),
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if depth == 1
                    && let Some(begun) = child_from.take()
                {
                    plan.gone.push(begun..to);
                }
                if depth == 0 {
                    plan.end = from..to;
                }
            }
            Event::Eof if found_root && depth == 0 => return Ok(plan),
            Event::Eof => return Err(fault("it has no whole root element".into())),
            _ => {}
        }
    }
}

fn refuse_attributes(
    start: &quick_xml::events::BytesStart<'_>,
    named: impl Fn(&str) -> bool,
) -> Result<(), String> {
    for attribute in start.attributes().flatten() {
        let key: &str = attribute.key.as_ref();
        if named(key) {
            return Err(format!("`{key}` is an attribute of the root element; change it in the file itself"));
        }
    }
    Ok(())
}

fn empty_root(source: &str, from: usize, to: usize, name: &str) -> Result<Plan, String> {
    let slash = source[from..to].rfind("/>").map(|at| from + at);
    let slash = slash.ok_or("the XML sidecar's root element cannot be read")?;
    // `/>` becomes `>` by taking the slash away; the new elements and the end tag follow.
    let gone = slash..slash + 1;
    Ok(Plan { gone: vec![gone], end: to..to, empty_root: Some(name.to_owned()) })
}

fn write(text: &mut String, key: &str, value: &Value, depth: usize) -> Result<(), String> {
    if !is_name(key) {
        return Err(format!("`{key}` cannot be the name of an XML element"));
    }
    let indent = "  ".repeat(depth);
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| write(text, key, item, depth)),
        Value::Object(map) => {
            text.push_str(&format!("{indent}<{key}>\n"));
            map.iter().try_for_each(|(key, value)| write(text, key, value, depth + 1))?;
            text.push_str(&format!("{indent}</{key}>\n"));
            Ok(())
        }
        Value::Null => {
            text.push_str(&format!("{indent}<{key}/>\n"));
            Ok(())
        }
        scalar => {
            let shown = scalar.as_str().map_or_else(|| scalar.to_string(), str::to_owned);
            text.push_str(&format!("{indent}<{key}>{}</{key}>\n", escape(shown.as_str())));
            Ok(())
        }
    }
}

fn is_name(key: &str) -> bool {
    key.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && key.chars().all(|letter| letter.is_alphanumeric() || "_-.".contains(letter))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_named_elements_change() {
        let source = "<?xml version=\"1.0\"?>\n<meta by=\"x\">\n  <!-- kept -->\n  <status>open</status>\n  <due>1</due>\n</meta>\n";
        let edits = [
            ("status".into(), Some(json!("a<b"))),
            ("due".into(), None),
            ("tags".into(), Some(json!(["p", "q"]))),
        ];
        assert_eq!(
            with_properties(source, &edits).as_deref(),
            Ok(
                "<?xml version=\"1.0\"?>\n<meta by=\"x\">\n  <!-- kept -->\n  <status>a&lt;b</status>\n  <tags>p</tags>\n  <tags>q</tags>\n</meta>\n"
            )
        );
        assert_eq!(
            with_properties("<m/>", &[("a".into(), Some(json!(1)))]).as_deref(),
            Ok("<m>\n  <a>1</a>\n</m>")
        );
    }

    #[test]
    fn a_byte_order_mark_stays_and_moves_nothing() {
        for marks in ["\u{feff}", "\u{feff}\u{feff}"] {
            let source = format!("{marks}<m>\n  <ä>1</ä>\n  <b>2</b>\n</m>\n");
            let edits = [("ä".into(), None), ("c".into(), Some(json!(3)))];
            let expected = format!("{marks}<m>\n  <b>2</b>\n  <c>3</c>\n</m>\n");
            assert_eq!(with_properties(&source, &edits), Ok(expected));
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let edit = |key: &str| [(key.to_owned(), Some(json!("v")))];
        assert!(with_properties("<m by=\"x\"/>", &edit("by")).is_err());
        assert!(with_properties("<m><a></m>", &edit("k")).is_err());
        assert!(with_properties("", &edit("k")).is_err());
        assert!(with_properties("<m></m>", &edit("two words")).is_err());
    }
}
