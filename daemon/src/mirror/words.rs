//! What a line typed into the search box asks for. Any line is a valid question.

/// Words that must (or must not) be there, in this order, one behind the other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Phrase {
    /// The words as typed.
    pub words: Vec<String>,
    /// The last word may go on.
    pub prefix: bool,
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// `key:value`
    Equal,
    /// `key:<value`
    Less,
    /// `key:<=value`
    AtMost,
    /// `key:>value`
    Greater,
    /// `key:>=value`
    AtLeast,
}

/// `key:value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// In lower case for the known ones.
    pub key: String,
    /// How.
    pub compare: Compare,
    /// With what.
    pub value: String,
    /// `-key:value`.
    pub not: bool,
}

/// A whole line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// All of them must be there.
    pub all: Vec<Phrase>,
    /// None of them may be.
    pub none: Vec<Phrase>,
    /// All of them must hold.
    pub filters: Vec<Filter>,
    /// `key:value` whose key is none: taken as words.
    pub no_keys: Vec<(String, String)>,
    /// What of the line was not understood, whatever there is to be found.
    pub notices: Vec<String>,
}

/// Shortest last word that is taken as the beginning of one: the index knows beginnings of three.
pub const PREFIX_CHARS: usize = 3;
/// Phrases and filters of one line; what is beyond is left out.
const PARTS: usize = 32;

/// Reads a line. `is_key` says whether some entry has a property of this name: `10:30` is two words.
pub fn read(line: &str, mut is_key: impl FnMut(&str) -> bool) -> Asked {
    let mut asked = Asked::default();
    let mut rest = line.trim_start();
    let open_end = !line.ends_with(char::is_whitespace);
    while !rest.is_empty() && asked.all.len() + asked.none.len() + asked.filters.len() < PARTS {
        let not = rest.starts_with('-') && rest.len() > 1 && !rest[1..].starts_with(char::is_whitespace);
        if not {
            rest = &rest[1..];
        }
        let key = rest
            .find([':', '"'])
            .filter(|at| rest[*at..].starts_with(':') && !rest[..*at].contains(char::is_whitespace));
        let key = key.map(|at| &rest[..at]).filter(|key| is_key_here(rest, key, &mut is_key, &mut asked));
        if let Some(key) = key {
            let (compare, value) = comparison(&rest[key.len() + 1..]);
            asked.notices.extend(unclosed(value));
            let (value, _, behind) = piece(value);
            asked.filters.push(Filter { key: key.to_owned(), compare, value: value.to_owned(), not });
            rest = behind.trim_start();
            continue;
        }
        asked.notices.extend(unclosed(rest));
        let (text, quoted, behind) = piece(rest);
        let last = behind.trim_start().is_empty();
        let mut phrase = phrase(text);
        phrase.prefix = last
            && open_end
            && !quoted
            && !not
            && phrase.words.last().is_some_and(|word| word.chars().count() >= PREFIX_CHARS);
        if !phrase.words.is_empty() {
            if not { asked.none.push(phrase) } else { asked.all.push(phrase) }
        }
        rest = behind.trim_start();
    }
    if !rest.is_empty() {
        asked.notices.push(format!(
            "a line has at most {PARTS} words, phrases and conditions; this and what follows is left out: `{}`",
            beginning(rest)
        ));
    }
    asked
}

/// Whether what is before the colon is a key with a value. What only looks so is noted.
fn is_key_here(rest: &str, key: &str, is_key: &mut impl FnMut(&str) -> bool, asked: &mut Asked) -> bool {
    let value = &rest[key.len() + 1..];
    if value.starts_with("//") || key.is_empty() {
        return false;
    }
    let is_empty = value.is_empty() || value.starts_with(char::is_whitespace);
    let is_key = is_key(key);
    if is_empty && is_key {
        let said =
            format!("`{key}:` has no value right behind it and is taken as a word; write `{key}:value`");
        asked.notices.push(said);
    }
    let is_name = key.starts_with(char::is_alphabetic)
        && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if !is_empty && !is_key && is_name {
        let value = value.split(|c: char| c.is_whitespace()).next().unwrap_or_default();
        asked.no_keys.push((key.to_owned(), value.to_owned()));
    }
    !is_empty && is_key
}

/// What is said of a quotation mark that nothing closes.
fn unclosed(text: &str) -> Option<String> {
    let inside = text.strip_prefix('"').filter(|inside| !inside.contains('"'))?.trim();
    Some(if inside.is_empty() {
        "a quotation mark with nothing behind it is left out; a phrase is written `\"two words\"`".into()
    } else {
        let inside = beginning(inside);
        format!(
            "the quotation mark before `{inside}` is not closed, so all that follows is one phrase; close it behind the phrase"
        )
    })
}

fn beginning(text: &str) -> String {
    let mut shown: String = text.chars().take(40).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// The sign before a value, and the value.
pub fn comparison(text: &str) -> (Compare, &str) {
    for (sign, compare) in [
        (">=", Compare::AtLeast),
        ("<=", Compare::AtMost),
        (">", Compare::Greater),
        ("<", Compare::Less),
        ("=", Compare::Equal),
    ] {
        if let Some(value) = text.strip_prefix(sign) {
            return (compare, value);
        }
    }
    (Compare::Equal, text)
}

/// The next quoted or plain piece, whether it was quoted, and what is behind it.
fn piece(text: &str) -> (&str, bool, &str) {
    if let Some(inside) = text.strip_prefix('"') {
        return match inside.split_once('"') {
            Some((phrase, behind)) => (phrase, true, behind),
            None => (inside, true, ""),
        };
    }
    let end = text.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(text.len());
    // A quote inside a word ends it, so that progress is made.
    let (piece, behind) = text.split_at(end);
    (piece, false, behind)
}

/// Splits a text into words as the index does: letters and digits belong to words, all else is between them.
pub fn phrase(text: &str) -> Phrase {
    let words =
        text.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    Phrase { words, prefix: false }
}

/// Whether a character belongs to a word.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c)
}

/// A word as the index keeps it: lower case, without accents on Latin letters.
pub fn folded(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    word.chars()
        .flat_map(char::to_lowercase)
        .filter(|c| !('\u{300}'..='\u{36f}').contains(c))
        .map(plain)
        .collect()
}

fn plain(c: char) -> char {
    const LATIN: [(&str, char); 19] = [
        ("àáâãäåāăąǎ", 'a'),
        ("çćĉċč", 'c'),
        ("ďđ", 'd'),
        ("èéêëēĕėęě", 'e'),
        ("ĝğġģ", 'g'),
        ("ĥ", 'h'),
        ("ìíîïĩīĭį", 'i'),
        ("ĵ", 'j'),
        ("ķ", 'k'),
        ("ĺļľ", 'l'),
        ("ñńņň", 'n'),
        ("òóôõöōŏő", 'o'),
        ("ŕŗř", 'r'),
        ("śŝşš", 's'),
        ("ţť", 't'),
        ("ùúûüũūŭůűų", 'u'),
        ("ŵ", 'w'),
        ("ýÿŷ", 'y'),
        ("źżž", 'z'),
    ];
    if c < '\u{e0}' {
        return c;
    }
    LATIN.iter().find(|(accented, _)| accented.contains(c)).map_or(c, |(_, plain)| *plain)
}

impl Phrase {
    fn fts(&self) -> String {
        let words: Vec<String> = self.words.iter().map(|word| word.replace('"', "")).collect();
        format!("\"{}\"{}", words.join(" "), if self.prefix { " *" } else { "" })
    }
}

/// The words as FTS5 wants them; `None` if there are none that must be there.
pub fn fts(all: &[Phrase], none: &[Phrase]) -> Option<String> {
    if all.is_empty() {
        return None;
    }
    let join = |phrases: &[Phrase], by: &str| phrases.iter().map(Phrase::fts).collect::<Vec<_>>().join(by);
    let all = join(all, " AND ");
    Some(if none.is_empty() { all } else { format!("({all}) NOT ({})", join(none, " OR ")) })
}

/// Any of these; `None` if there are none.
pub fn fts_any(phrases: &[Phrase]) -> Option<String> {
    let any: Vec<String> = phrases.iter().map(Phrase::fts).collect();
    Some(any.join(" OR ")).filter(|any| !any.is_empty())
}
