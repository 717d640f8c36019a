//! What stands in a template instead of `{yyyy}`, `{title}` and the like.

use codex_crdt_model::ids::UnixMs;

use crate::mirror::{dates, text};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Stands for the title until all else is filled in; no text has it.
const MARK: &str = "\u{0}";

/// What the tokens stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// `2026-12-01`.
    pub day: String,
    /// What the entry is called.
    pub title: String,
}

impl Tokens {
    /// Of a moment, by this machine's calendar.
    pub fn at(now: UnixMs, title: &str) -> Self {
        Self { day: dates::day(now), title: title.to_owned() }
    }

    fn value(&self, token: &str) -> Option<String> {
        let part = |range: std::ops::Range<usize>| self.day.get(range).unwrap_or_default().to_owned();
        let month = || {
            part(5..7)
                .parse::<usize>()
                .ok()
                .and_then(|n| MONTHS.get(n.checked_sub(1)?).copied())
                .unwrap_or_default()
        };
        Some(match token {
            "yyyy" | "YYYY" => part(0..4),
            "yy" | "YY" => part(2..4),
            "mm" | "MM" => part(5..7),
            "dd" | "DD" => part(8..10),
            "month" | "Month" => month().to_owned(),
            "mon" | "Mon" => month().get(..3).unwrap_or_default().to_owned(),
            "title" => self.title.clone(),
            _ => return None,
        })
    }

    /// A text with the values of its tokens; what is no token stays.
    pub fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len() + 64);
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            filled.push_str(before);
            let value = behind.split_once('}').and_then(|(token, after)| Some((self.value(token)?, after)));
            match value {
                Some((value, after)) => {
                    filled.push_str(&value);
                    rest = after;
                }
                None => {
                    filled.push('{');
                    rest = behind;
                }
            }
        }
        filled.push_str(rest);
        filled
    }

    /// The content of a new entry. In frontmatter a title with any characters stays one value.
    pub fn content(&self, content: &str) -> String {
        let (_, body) = text::split(content);
        let front = &content[..content.len() - body.len()];
        // The title comes last: what looks like a token in it stays.
        let front = Self { title: MARK.to_owned(), ..self.clone() }.fill(front);
        let quoted = serde_json::Value::from(self.title.as_str()).to_string();
        let front = front
            .replace(&format!("\"{MARK}\""), &quoted)
            .replace(&format!("'{MARK}'"), &format!("'{}'", self.title.replace('\'', "''")))
            .replace(&format!(": {MARK}"), &format!(": {quoted}"))
            .replace(MARK, &self.title);
        format!("{front}{}", self.fill(body))
    }

    /// A name, or a path, of a new entry: a title makes no folders and no hidden file.
    pub fn name(&self, pattern: &str) -> String {
        let title: String = self
            .title
            .chars()
            .map(|c| if c.is_control() || "/\\:*?\"<>|".contains(c) { '-' } else { c })
            .collect();
        let title = title.trim().trim_start_matches('.').trim_end_matches(['.', ' ']).to_owned();
        let title: String = title.chars().take(100).collect();
        Self { title, ..self.clone() }.fill(pattern)
    }
}

/// A title as part of a file name: lower case, words with `-` between them.
pub fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.map(str::to_lowercase).collect::<Vec<_>>().join("-");
    slug.chars().take(80).collect::<String>().trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(title: &str) -> Tokens {
        Tokens { day: "2026-02-09".into(), title: title.into() }
    }

    #[test]
    fn tokens_stand_for_day_and_title_and_all_else_stays() {
        let text = "{yyyy}/{YYYY} {yy} {mm}{MM} {dd}{DD} {month} {mon} {Mon} {title} {other} {{ today }} { {";
        let expect = "2026/2026 26 0202 0909 February Feb Feb T {other} {{ today }} { {";
        assert_eq!(tokens("T").fill(text), expect);
    }

    #[test]
    fn a_title_with_any_characters_is_one_value_in_frontmatter() {
        let template = "---\na: \"{title}\"\nb: '{title}'\nc: {title}\nd: {yyyy}\n---\n# {title}\n";
        for title in ["plain", "it's: \"a\" \\ {dd} # x", "- [x]"] {
            let filled = tokens(title).content(template);
            let (front, body) = text::split(&filled);
            let read = crate::mirror::properties::yaml(front.unwrap_or_default());
            let read = read.unwrap_or_default();
            for key in ["a", "b", "c"] {
                assert_eq!(read.get(key).and_then(serde_json::Value::as_str), Some(title), "{filled}");
            }
            assert_eq!(read.get("d"), Some(&serde_json::json!(2026)), "{filled}");
            assert_eq!(body.trim_end(), format!("# {title}"));
        }
    }

    #[test]
    fn names_are_made_of_titles() {
        assert_eq!(tokens("../a/b: c?.").name("{yyyy} {title}.md"), "2026 -a-b- c-.md");
        assert_eq!(slug("Größe der Probe (2)!"), "größe-der-probe-2");
    }
}
