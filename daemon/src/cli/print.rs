//! What commands print: for people in columns, for programs as JSON.

use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

use serde_json::Value;

use super::failure::Failure;
use crate::signs;

/// How to print.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// As JSON.
    pub json: bool,
}

impl Output {
    /// A value as JSON, or what `people` makes of it.
    pub fn show(self, value: &Value, people: impl FnOnce(&Value) -> String) {
        let text =
            if self.json { serde_json::to_string_pretty(value).unwrap_or_default() } else { people(value) };
        line(text.trim_end());
    }
}

/// A line on stdout. Whoever closed the pipe has seen enough.
pub fn line(text: &str) {
    if !text.is_empty() {
        let _ = writeln!(std::io::stdout(), "{}", signs::plain(text));
    }
}

/// A word about what was done, beside it: on stderr.
pub fn note(text: &str) {
    beside(&format!("note: {text}"));
}

/// A line on stderr, beside what programs read.
pub fn beside(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", signs::plain(text));
}

/// So many of something: `1 entry`, `2 entries`.
pub fn counted(number: usize, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

/// Asks whoever sits there; what goes on without a yes takes one with `--yes`, which is said where nobody is to be asked.
pub fn agreed(question: &str, to_do: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(format!("nobody is there to ask; say `--yes` to {to_do}")));
    }
    let _ = write!(std::io::stderr(), "{} [y/N] ", signs::plain(question));
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|why| Failure::new(format!("cannot read the answer: {why}")))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Whether a person looks on, to whom progress can be shown.
pub fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// A line that is overwritten by the next, if a person looks on.
pub fn progress(text: &str) {
    let mut stderr = std::io::stderr();
    if is_watched() {
        let _ = write!(stderr, "\r\x1b[K{}", signs::plain(text));
        let _ = stderr.flush();
    }
}

/// The items of a page, one line each.
pub fn items(page: &Value, line: impl Fn(&Value) -> String, none: &str) -> String {
    let lines: Vec<_> = page["items"].as_array().into_iter().flatten().map(line).collect();
    if lines.is_empty() { none.to_owned() } else { lines.join("\n") }
}

/// A text in a value, empty if there is none.
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Whoever did something on a device, and that device if it is called otherwise.
pub fn doer(row: &Value) -> String {
    let is_called = |who: &str, device: &str| who == device || who.starts_with(&format!("{device} ("));
    match (row["who"].as_str(), row["device_name"].as_str()) {
        (Some(who), Some(device)) if !device.is_empty() && !is_called(who, device) => {
            format!("{who}, on {device}")
        }
        (Some(who), _) => who.to_owned(),
        (None, Some(device)) => device.to_owned(),
        (None, None) => short(text(row, "device")).to_owned(),
    }
}

/// Whoever signed something: a name that everybody can take, and the fingerprint, which nobody can.
pub fn signer(one: &Value) -> String {
    let name = one["person_name"].as_str().unwrap_or("somebody who is no member any more");
    format!("{name} ({})", text(one, "fingerprint"))
}

/// The first eight digits of an id.
pub fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

/// Reads `30s`, `2m`, `1h`, or seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("`{text}` is no time: give it as 30s, 2m or 1h");
    let split = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().map_err(|_| bad())?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" | "" => Ok(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs).ok_or_else(bad),
        "h" => number.checked_mul(3600).map(Duration::from_secs).ok_or_else(bad),
        _ => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one() {
        let counted = |number| counted(number, "entry", "entries");
        assert_eq!([0, 1, 2].map(counted), ["0 entries", "1 entry", "2 entries"]);
    }

    #[test]
    fn times_are_read() {
        for (text, expect) in [
            ("30s", Some(30_000)),
            ("2m", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("250ms", Some(250)),
            ("5", Some(5_000)),
            ("", None),
            ("s", None),
            ("-1s", None),
            ("1d", None),
        ] {
            let read = duration(text).ok().map(|time| time.as_millis());
            assert_eq!(read, expect, "{text}");
        }
    }
}
