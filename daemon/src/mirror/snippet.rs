//! The part of a text that shows why it was found.

use super::search::Part;
use super::words::{Phrase, folded, is_word};

/// Characters of a snippet, about.
const CHARS: usize = 180;
/// Bytes of a text that are looked through.
const BYTES: usize = 512 << 10;
/// Matches that are considered.
const MATCHES: usize = 200;

struct Word {
    start: usize,
    end: usize,
    folded: String,
}

/// The best part of `text` for these phrases; its beginning, if none of them is there.
pub fn snippet(text: &str, phrases: &[Phrase]) -> Vec<Part> {
    let text = cut(text, BYTES);
    let phrases: Vec<(Vec<String>, bool)> =
        phrases.iter().map(|p| (p.words.iter().map(|word| folded(word)).collect(), p.prefix)).collect();
    let found = matches(text, &phrases);
    let start = best(&found).map_or(0, |at| begin(text, found[at].0));
    let end = start + cut_chars(&text[start..], CHARS);
    let mut parts = Vec::new();
    let mut at = start;
    for (from, to, _) in found.iter().filter(|(from, to, _)| *from >= start && *to <= end) {
        if *from < at {
            continue;
        }
        push(&mut parts, &text[at..*from], false);
        push(&mut parts, &text[*from..*to], true);
        at = *to;
    }
    push(&mut parts, &text[at..end], false);
    if start > 0 {
        parts.insert(0, Part { text: "… ".into(), hit: false });
    }
    if end < text.len() {
        parts.push(Part { text: " …".into(), hit: false });
    }
    parts
}

/// Matches as (start, end, phrase).
fn matches(text: &str, phrases: &[(Vec<String>, bool)]) -> Vec<(usize, usize, usize)> {
    let mut found = Vec::new();
    let longest = phrases.iter().map(|(words, _)| words.len()).max().unwrap_or(0);
    let mut window: std::collections::VecDeque<Word> = std::collections::VecDeque::new();
    let mut words = words(text).peekable();
    while longest > 0 && found.len() < MATCHES {
        while window.len() < longest && words.peek().is_some() {
            window.extend(words.next());
        }
        if window.is_empty() {
            break;
        }
        for (number, (wanted, prefix)) in phrases.iter().enumerate() {
            let Some(last) = wanted.len().checked_sub(1).filter(|last| *last < window.len()) else {
                continue;
            };
            let fits = wanted.iter().enumerate().all(|(at, wanted)| {
                let word = &window[at].folded;
                if at == last && *prefix { word.starts_with(wanted.as_str()) } else { word == wanted }
            });
            if fits {
                found.push((window[0].start, window[last].end, number));
                break;
            }
        }
        window.pop_front();
    }
    found
}

fn words(text: &str) -> impl Iterator<Item = Word> + '_ {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(is_word)?;
        let end = text[start..].find(|c| !is_word(c)).map_or(text.len(), |length| start + length);
        rest = end;
        Some(Word { start, end, folded: folded(&text[start..end]) })
    })
}

/// The match at which the most different phrases, then the most matches, are near.
fn best(found: &[(usize, usize, usize)]) -> Option<usize> {
    let worth = |at: usize| {
        let near = found[at..].iter().take_while(|(_, end, _)| *end < found[at].0 + CHARS);
        let mut different: Vec<usize> = near.clone().map(|(_, _, phrase)| *phrase).collect();
        different.sort_unstable();
        different.dedup();
        (different.len(), near.count())
    };
    // Of equals the first.
    (0..found.len()).rev().max_by_key(|at| worth(*at))
}

/// A word's beginning a little before a place.
fn begin(text: &str, place: usize) -> usize {
    let mut start = place.saturating_sub(CHARS / 4);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    if start == 0 {
        return 0;
    }
    text[start..place].find(char::is_whitespace).map_or(place, |space| start + space + 1).min(place)
}

fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Bytes of the first characters, up to the end of a word where one is near.
fn cut_chars(text: &str, chars: usize) -> usize {
    let Some((end, _)) = text.char_indices().nth(chars) else { return text.len() };
    match text[..end].rfind(char::is_whitespace) {
        Some(space) if space > end / 2 => space,
        _ => end,
    }
}

/// Adds a part, with each run of blanks as one.
fn push(parts: &mut Vec<Part>, text: &str, hit: bool) {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_whitespace() {
            plain.push(c);
        } else if !plain.ends_with(' ') {
            plain.push(' ');
        }
    }
    if !plain.is_empty() {
        parts.push(Part { text: plain, hit });
    }
}
