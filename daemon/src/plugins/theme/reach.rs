//! How far a theme's lengths reach: a shadow, a border or a line of nothing could lie over the page's own signs, or hide them, as well
//! as a position could.

use cssparser::{ParseError, Parser, Token};

/// Properties whose lengths push or cover; those that begin so.
const REACHING: [&str; 12] = [
    "box-shadow",
    "outline",
    "border",
    "padding",
    "font",
    "line-height",
    "letter-spacing",
    "word-spacing",
    "text-",
    "column-rule",
    "tab-size",
    "--",
];
/// Of a custom property with such a word in its name a length may be large; it must not get into one that reaches.
const LARGE: [&str; 7] = ["width", "measure", "height", "radius", "max", "min", "breakpoint"];
/// Functions that make no length, or one that is known.
const PLAIN: [&str; 11] =
    ["var", "light-dark", "rgb", "rgba", "hsl", "hsla", "hwb", "lab", "lch", "oklab", "oklch"];
/// What a ground may be.
const GRADIENTS: [&str; 2] = ["-gradient", "color-mix"];
const MOST_PX: f32 = 64.0;
const MOST_EM: f32 = 6.0;

/// What is too far, in words.
pub fn check(property: &str, value: &str) -> Result<(), String> {
    if property.starts_with("border-image") || property == "font-size-adjust" {
        return Err(format!("`{property}` is none of a theme's properties"));
    }
    let is_large = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.starts_with("--") && LARGE.iter().any(|word| name.contains(word))
    };
    let reaches = !property.starts_with("border-radius")
        && !property.ends_with("-radius")
        && !is_large(property)
        && REACHING.iter().any(|one| property.starts_with(one));
    let rule = Rule {
        property,
        reaches,
        is_text: matches!(property, "color" | "fill" | "stroke"),
        is_large: &is_large,
    };
    rule.tokens(&mut Parser::new(value), None)
}

struct Rule<'a> {
    property: &'a str,
    reaches: bool,
    is_text: bool,
    is_large: &'a dyn Fn(&str) -> bool,
}

impl Rule<'_> {
    fn tokens(&self, input: &mut Parser<'_>, function: Option<&str>) -> Result<(), String> {
        let is_colour = function.is_some_and(|name| {
            ["rgb", "hsl", "hwb", "lab", "lch", "oklab", "oklch", "color"]
                .iter()
                .any(|one| name.starts_with(one))
        });
        let mut numbers = 0;
        let mut behind_slash = false;
        while let Ok(token) = input.next().cloned() {
            match &token {
                Token::Dimension { value, unit, .. } if self.reaches && !is_colour => {
                    self.length(*value, unit)?
                }
                Token::Percentage { unit_value, .. } if self.reaches && !is_colour => {
                    self.percentage(*unit_value)?
                }
                Token::Number { value, .. } if self.reaches && !is_colour => self.number(*value, function)?,
                Token::Number { value, .. } | Token::Percentage { unit_value: value, .. }
                    if self.is_text && is_colour =>
                {
                    numbers += 1;
                    if (behind_slash || numbers > 3) && *value < 0.5 {
                        return Err(UNSEEN.to_owned());
                    }
                }
                Token::Delim('/') => behind_slash = true,
                Token::Delim('*') if self.reaches => return Err(self.far("a product")),
                // `rgb(from …)` and `none` are colours that something else makes.
                Token::Ident(name)
                    if self.is_text
                        && is_colour
                        && ["from", "none"].iter().any(|word| name.eq_ignore_ascii_case(word)) =>
                {
                    return Err(UNSEEN.to_owned());
                }
                Token::Ident(name) if self.is_text && name.eq_ignore_ascii_case("transparent") => {
                    return Err(UNSEEN.to_owned());
                }
                Token::Hash(digits) | Token::IDHash(digits) if self.is_text => {
                    let alpha = match digits.len() {
                        4 => digits.get(3..).map(|one| one.repeat(2)),
                        8 => digits.get(6..).map(str::to_owned),
                        _ => None,
                    };
                    if alpha.is_some_and(|alpha| u8::from_str_radix(&alpha, 16).unwrap_or(0) < 0x80) {
                        return Err(UNSEEN.to_owned());
                    }
                }
                Token::Ident(name) if self.reaches && function == Some("var") && (self.is_large)(name) => {
                    return Err(self.far(&format!("`{name}`")));
                }
                _ => {}
            }
            if let Token::Function(name) = &token
                && (self.reaches || self.is_text)
                && !PLAIN.iter().any(|plain| name.eq_ignore_ascii_case(plain))
                && !(self.property.starts_with("--")
                    && !is_colour
                    && GRADIENTS.iter().any(|end| name.ends_with(end)))
            {
                return Err(format!("`{name}(…)` could make any length of it"));
            }
            if let Token::Function(name) = &token
                && is_colour
            {
                return Err(format!("`{name}(…)` could make any colour of it"));
            }
            let name = match &token {
                Token::Function(name) => Some(name.to_ascii_lowercase()),
                Token::ParenthesisBlock | Token::SquareBracketBlock | Token::CurlyBracketBlock => {
                    function.map(str::to_owned)
                }
                _ => continue,
            };
            let mut inner = Ok(());
            let _ = input.parse_nested_block(|block| -> Result<(), ParseError<String>> {
                inner = self.tokens(block, name.as_deref());
                Ok(())
            });
            inner?;
        }
        Ok(())
    }

    fn length(&self, value: f32, unit: &str) -> Result<(), String> {
        let unit = unit.to_ascii_lowercase();
        let (least, most) = match unit.as_str() {
            "px" | "pt" => (8.0, MOST_PX),
            "em" | "rem" | "ex" | "ch" | "lh" | "rlh" | "cap" | "ic" => (0.5, MOST_EM),
            "s" | "ms" | "deg" | "rad" | "grad" | "turn" => return Ok(()),
            _ => return Err(self.far(&format!("`{value}{unit}`"))),
        };
        let is_size = matches!(self.property, "font-size" | "line-height");
        let is_spacing = matches!(self.property, "letter-spacing" | "word-spacing" | "text-indent");
        let far = value.abs() > most
            || (is_size && value < least)
            || (is_spacing && value < 0.0 && value < -least / 4.0)
            || (self.property == "font" && value < least);
        if far { Err(self.far(&format!("`{value}{unit}`"))) } else { Ok(()) }
    }

    fn percentage(&self, value: f32) -> Result<(), String> {
        let fits = match self.property {
            "font-size" | "font" | "line-height" => (0.6..=6.0).contains(&value),
            "font-stretch" | "font-width" => true,
            property if property.starts_with("--") => value.abs() <= 10.0,
            property if property.starts_with("padding") => value.abs() <= 0.2,
            "letter-spacing" | "word-spacing" | "text-indent" => (-0.1..=0.5).contains(&value),
            _ => value.abs() <= 1.0,
        };
        if fits { Ok(()) } else { Err(self.far(&format!("`{}%`", value * 100.0))) }
    }

    /// A number without a unit: a factor of the line, a weight, nothing at all.
    fn number(&self, value: f32, function: Option<&str>) -> Result<(), String> {
        let fits = match self.property {
            "font-size" => value != 0.0,
            "line-height" => (0.8..=MOST_EM).contains(&value),
            "tab-size" => (0.0..=16.0).contains(&value),
            "font-weight" | "font" => (0.0..=1000.0).contains(&value),
            property if property.starts_with("--") => value.abs() <= 4096.0,
            _ => value.abs() <= 100.0 || function.is_some(),
        };
        if fits { Ok(()) } else { Err(self.far(&format!("`{value}`"))) }
    }

    fn far(&self, what: &str) -> String {
        format!(
            "{what} is too large or too small for `{}`: it would cover or hide what is around it",
            self.property
        )
    }
}

const UNSEEN: &str = "text that nobody sees is none";
