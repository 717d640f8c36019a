//! Properties: read from YAML, JSON and XML, merged by key, laid flat for look-ups. Any input gives an answer;
//! what cannot be read is said in a sentence for the user.

use std::collections::BTreeSet;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use saphyr_parser::{Event as Yaml, Parser};
use serde_json::{Map, Number, Value};

use super::dates;

/// Properties by key.
pub type Properties = Map<String, Value>;

/// Deeper nesting is kept in the value but has no keys of its own.
const FLAT_DEPTH: usize = 4;
/// Deeper XML is refused: it is no metadata.
const XML_DEPTH: usize = 64;

/// So deep may lists and mappings of YAML lie in one another. The parser takes ten times that, but only says no after a time that grows
/// with the square of the depth.
const YAML_DEPTH: usize = 100;

/// Reads a YAML mapping. An empty source has no properties.
pub fn yaml(source: &str) -> Result<Properties, String> {
    if is_deep(source) {
        return Err(format!("the YAML cannot be read: it is nested more than {YAML_DEPTH} levels deep"));
    }
    let value: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(source).map_err(|e| format!("the YAML cannot be read: {e}"))?;
    match from_yaml(value) {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Properties::new()),
        _ => Err("the YAML is not a list of `key: value`".into()),
    }
}

/// Whether it is nested too deep, as far as a second parser sees, which says one event after the other and costs no more than what was
/// read; where that one stops, all that is open after it counts.
fn is_deep(source: &str) -> bool {
    if source.bytes().filter(|byte| matches!(byte, b'[' | b'{' | b'-' | b'?')).count() <= YAML_DEPTH {
        return false;
    }
    let mut depth = 0_usize;
    let mut read = 0;
    for event in Parser::new_from_str(source) {
        let Ok((event, span)) = event else {
            return source.chars().skip(read).filter(|c| matches!(c, '[' | '{')).count() > YAML_DEPTH;
        };
        read = span.start.index();
        match event {
            Yaml::SequenceStart(..) | Yaml::MappingStart(..) => depth += 1,
            Yaml::SequenceEnd | Yaml::MappingEnd => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > YAML_DEPTH {
            return true;
        }
    }
    false
}

/// Reads a JSON object.
pub fn json(source: &str) -> Result<Properties, String> {
    match serde_json::from_str(source.trim_start_matches('\u{feff}')) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err("the JSON is not an object".into()),
        Err(e) => Err(format!("the JSON cannot be read: {e}")),
    }
}

/// Reads XML: the root's attributes and elements are the properties. An element's text is a string, its
/// attributes merge in, repeated tags are a list, text beside others is `_text`.
pub fn xml(source: &str) -> Result<Properties, String> {
    let fault = |reason: String| format!("the XML cannot be read: {reason}");
    let mut reader = quick_xml::Reader::from_str(source.trim_start_matches('\u{feff}'));
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    loop {
        let event = reader.read_event().map_err(|e| fault(e.to_string()))?;
        let closed = match event {
            Event::Start(start) if open.len() >= XML_DEPTH => {
                return Err(fault(format!("`{}` is nested too deep", start.name().as_ref())));
            }
            Event::Start(start) => {
                open.push(Element::new(&start).map_err(fault)?);
                None
            }
            Event::Empty(start) => Some(Element::new(&start).map_err(fault)?),
            Event::End(_) => open.pop(),
            Event::Text(text) => {
                append(&mut open, &text.xml10_content());
                None
            }
            Event::CData(text) => {
                append(&mut open, &text.xml10_content());
                None
            }
            Event::GeneralRef(name) => {
                let known = name.resolve_char_ref().ok().flatten().map(String::from).or_else(|| {
                    quick_xml::escape::resolve_predefined_entity(&name.xml10_content()).map(str::to_owned)
                });
                append(&mut open, &known.unwrap_or_else(|| format!("&{};", name.xml10_content())));
                None
            }
            Event::Eof => break,
            _ => None,
        };
        let Some(element) = closed else { continue };
        match open.last_mut() {
            Some(parent) => parent.take(element),
            None if root.is_some() => return Err(fault("it has two roots".into())),
            None => root = Some(element),
        }
    }
    if !open.is_empty() {
        return Err(fault("it ends inside an element".into()));
    }
    match root.ok_or_else(|| fault("it has no element".into()))?.value() {
        Value::Object(map) => Ok(map),
        Value::String(text) if text.is_empty() => Ok(Properties::new()),
        text => Ok(Properties::from_iter([("_text".to_owned(), text)])),
    }
}

struct Element {
    name: String,
    map: Properties,
    text: String,
}

impl Element {
    fn new(start: &BytesStart<'_>) -> Result<Self, String> {
        let mut map = Properties::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|e| e.to_string())?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| e.to_string())?;
            map.insert(attribute.key.as_ref().to_owned(), Value::String(value.into_owned()));
        }
        Ok(Self { name: start.name().as_ref().to_owned(), map, text: String::new() })
    }

    fn take(&mut self, child: Element) {
        let name = child.name.clone();
        let value = child.value();
        match self.map.get_mut(&name) {
            None => {
                self.map.insert(name, value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }

    fn value(mut self) -> Value {
        let text = self.text.trim();
        if self.map.is_empty() {
            return Value::String(text.to_owned());
        }
        if !text.is_empty() {
            self.map.insert("_text".into(), Value::String(text.to_owned()));
        }
        Value::Object(self.map)
    }
}

fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn from_yaml(value: serde_yaml_ng::Value) -> Value {
    use serde_yaml_ng::Value as Yaml;
    match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(bool) => Value::Bool(bool),
        Yaml::Number(number) => yaml_number(&number),
        Yaml::String(text) => Value::String(dates::iso(text)),
        Yaml::Sequence(list) => Value::Array(list.into_iter().map(from_yaml).collect()),
        Yaml::Mapping(map) => {
            let pairs = map.into_iter().map(|(key, value)| (text(&from_yaml(key)), from_yaml(value)));
            Value::Object(pairs.collect())
        }
        Yaml::Tagged(tagged) => from_yaml(tagged.value),
    }
}

fn yaml_number(number: &serde_yaml_ng::Number) -> Value {
    let exact = number.as_i64().map(Number::from).or_else(|| number.as_u64().map(Number::from));
    exact
        .or_else(|| number.as_f64().and_then(Number::from_f64))
        .map_or_else(|| Value::String(number.to_string()), Value::Number)
}

/// Merges by key; earlier sources win. Says where they disagree.
pub fn merge<'a>(sources: impl IntoIterator<Item = (&'a str, &'a Properties)>) -> (Properties, Vec<String>) {
    let mut merged: Map<String, Value> = Map::new();
    let mut owners: std::collections::BTreeMap<&str, &str> = std::collections::BTreeMap::new();
    let mut warnings = Vec::new();
    for (source, properties) in sources {
        for (key, value) in properties {
            match merged.get(key) {
                None => {
                    merged.insert(key.clone(), value.clone());
                    owners.insert(key, source);
                }
                Some(shown) if shown == value => {}
                Some(shown) => warnings.push(format!(
                    "`{key}` is `{}` in {} and `{}` in {source}; the first counts",
                    short(&text(shown)),
                    owners[key.as_str()],
                    short(&text(value)),
                )),
            }
        }
    }
    (merged, warnings)
}

fn short(text: &str) -> String {
    if text.chars().count() <= 60 { text.to_owned() } else { text.chars().take(60).chain(['…']).collect() }
}

/// One scalar, as look-ups need it.
#[derive(Debug, Clone, PartialEq)]
pub struct Flat {
    /// `key`, or `outer.inner`.
    pub key: String,
    /// The value.
    pub value: Value,
    /// As people write it.
    pub text: String,
    /// If it is, or reads as, a number.
    pub number: Option<f64>,
    /// If it reads as a date.
    pub moment: Option<i64>,
}

/// Longer keys cannot be searched for.
const KEY_BYTES: usize = 512;
/// Keys and texts of one entry that can be searched for: each item of a list repeats its key.
const FLAT_BYTES: usize = 1 << 20;

/// What each of them costs beside its key and text.
const ROW_BYTES: usize = 64;
/// Tags of one entry.
const TAGS: usize = 1000;

/// Scalars of an entry.
#[derive(Debug, Default)]
pub struct Flattened {
    /// One for each item of a list, with dotted keys for what is nested.
    pub flat: Vec<Flat>,
    /// Whether something was too long, or too much.
    pub is_cut: bool,
    bytes: usize,
}

/// All scalars, as far as an entry may have them.
pub fn flatten(properties: &Properties) -> Flattened {
    let mut found = Flattened::default();
    for (key, value) in properties {
        found.add(key, value, 0);
    }
    found
}

impl Flattened {
    fn add(&mut self, key: &str, value: &Value, depth: usize) {
        if key.len() > KEY_BYTES || self.bytes > FLAT_BYTES {
            self.is_cut = true;
            return;
        }
        match value {
            Value::Array(list) if depth < FLAT_DEPTH => {
                for item in list {
                    self.add(key, item, depth + 1);
                }
            }
            Value::Object(map) if depth < FLAT_DEPTH => {
                for (inner, value) in map {
                    self.add(&format!("{key}.{inner}"), value, depth + 1);
                }
            }
            Value::Null => {}
            scalar => {
                let text = text(scalar);
                let number = number(scalar);
                let moment = scalar.as_str().and_then(dates::moment);
                self.bytes += ROW_BYTES + key.len() + text.len();
                self.flat.push(Flat { key: key.to_owned(), value: scalar.clone(), text, number, moment });
            }
        }
    }
}

/// A value as people write it: text without quotes, anything nested as JSON.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.iter().all(|item| !item.is_array() && !item.is_object()) => {
            list.iter().map(text).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// A value as a number, if it is one or reads as one.
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => {
            text.parse::<f64>().ok().filter(|number| number.is_finite())
        }
        _ => None,
    }
}

/// The property `tags`: a list or a comma string; a leading `#` is not part of a tag.
pub fn tags(properties: &Properties) -> Vec<String> {
    let listed: Vec<String> = match properties.get("tags") {
        Some(Value::Array(list)) => list.iter().map(text).collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(one) => text(one).split(',').map(str::to_owned).collect(),
    };
    let mut known = BTreeSet::new();
    let mut tags: Vec<String> = Vec::new();
    for tag in &listed {
        let tag = tag.trim().trim_start_matches('#').trim();
        if !tag.is_empty() && tags.len() < TAGS && known.insert(tag) {
            tags.push(tag.to_owned());
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn deep_yaml_is_refused_whatever_stands_in_its_quotes() {
        let deep =
            ["[".repeat(20_000), "[\"]\",".repeat(20_000), "[']', ".repeat(20_000), "{a: ".repeat(500)];
        for deep in deep {
            assert!(yaml(&format!("a: {deep}")).unwrap_err().contains("levels deep"));
        }
        let flat = format!("a: [{}]\nb: {{c: [1, [2, [3]]]}}\n", "'[[Note]]', it's, ".repeat(2000));
        assert!(yaml(&flat).is_ok());
        assert!(yaml(&format!("a:\n{}", "  - [x, y]\n".repeat(2000))).is_ok());
    }

    #[test]
    fn what_is_searched_for_is_bounded() {
        let many = flatten(&yaml(&format!("a: [{}]", "1,".repeat(100_000))).unwrap());
        assert!(many.is_cut && many.flat.len() < 20_000);
        let long = flatten(&yaml(&format!("? {}\n: 1\nb: 2\n", "k".repeat(600))).unwrap());
        assert!(long.is_cut && long.flat.len() == 1);
        let few = flatten(&yaml("a: {b: [x, {c: 1}]}").unwrap());
        let keys: Vec<&str> = few.flat.iter().map(|flat| flat.key.as_str()).collect();
        assert_eq!((keys, few.is_cut), (vec!["a.b", "a.b.c"], false));
        let all = json!({"tags": (0..5000).map(|n| format!("t{n}")).collect::<Vec<_>>()});
        assert_eq!(tags(all.as_object().unwrap()).len(), TAGS);
    }
}
