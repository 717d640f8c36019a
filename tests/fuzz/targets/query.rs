//! Questions: a line typed into the search box, a structured query, variables in it.

use codexd::mirror::query::Query;
use codexd::mirror::{dates, words};

/// Any line is a valid question, and a query is one or is refused.
pub fn run(bytes: &[u8]) {
    let line = String::from_utf8_lossy(bytes);
    for is_key in [false, true] {
        let asked = words::read(&line, |_| is_key);
        let phrases = || asked.all.iter().chain(&asked.none);
        assert!(phrases().all(|phrase| !phrase.words.is_empty()));
        for word in phrases().flat_map(|phrase| &phrase.words) {
            assert!(word.chars().all(words::is_word));
            words::folded(word);
        }
        assert_eq!(words::fts(&asked.all, &asked.none).is_some(), !asked.all.is_empty());
    }
    let (expanded, unknown) = dates::expand(&line, 1_700_000_000_000);
    if !line.contains("{{") {
        assert_eq!((expanded.as_str(), unknown.len()), (&*line, 0));
    }
    dates::moment(&line);
    dates::iso(line.into_owned());
    if let Ok(query) = serde_json::from_slice::<Query>(bytes) {
        let again = serde_json::to_vec(&query).expect("a query is data");
        assert_eq!(serde_json::from_slice::<Query>(&again).ok(), Some(query));
    }
}
