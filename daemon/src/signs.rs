//! Signs that show as something else than they are: what steers a terminal, and what turns the direction of a text.

/// Whether a sign steers whatever shows it. Ends of lines and tabs do not.
pub fn steers(sign: char) -> bool {
    (sign.is_control() && !matches!(sign, '\n' | '\r' | '\t'))
        || matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text with such signs written out: `\u{1b}`.
pub fn plain(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains(steers) {
        return text.into();
    }
    let written = |sign: char| match steers(sign) {
        true => sign.escape_unicode().to_string(),
        false => sign.to_string(),
    };
    text.chars().map(written).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_written_out_and_the_rest_stays() {
        assert_eq!(plain("a\tb\nü 試"), "a\tb\nü 試");
        assert_eq!(plain("a\u{1b}[2K\u{202e}b\0"), "a\\u{1b}[2K\\u{202e}b\\u{0}");
        assert_eq!(plain("\u{9b}2K\u{7f}"), "\\u{9b}2K\\u{7f}");
    }
}
