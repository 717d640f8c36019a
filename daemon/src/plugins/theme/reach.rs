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
const COLOURS: [&str; 8] = ["rgb", "hsl", "hwb", "lab", "lch", "oklab", "oklch", "color"];
const MOST_PX: f32 = 64.0;
const MOST_EM: f32 = 6.0;

/// What is too far, in words.
pub fn check(property: &str, value: &str) -> Result<(), String> {
    if property.starts_with("border-image") || property == "font-size-adjust" {
        return Err(format!("`{property}` is none of a theme's properties"));
    }
    let reaches = !property.ends_with("-radius")
        && !is_large(property)
        && REACHING.iter().any(|one| property.starts_with(one));
    let is_text = matches!(property, "color" | "fill" | "stroke");
    let is_read = is_text || (property.starts_with("--") && property.to_ascii_lowercase().contains("text"));
    let rule = Rule { property, reaches, is_text, is_read };
    rule.tokens(&mut Parser::new(value), None)
}

fn is_large(variable: &str) -> bool {
    let name = variable.to_ascii_lowercase();
    name.starts_with("--") && LARGE.iter().any(|word| name.contains(word))
}

struct Rule<'a> {
    property: &'a str,
    /// Its lengths push or cover.
    reaches: bool,
    /// It is the colour of something that is to be read.
    is_text: bool,
    /// It may become that.
    is_read: bool,
}

impl Rule<'_> {
    fn tokens(&self, input: &mut Parser<'_>, function: Option<&str>) -> Result<(), String> {
        let is_colour = function.is_some_and(|name| COLOURS.iter().any(|one| name.starts_with(one)));
        // Of a colour, what stands behind three numbers or a slash.
        let (mut numbers, mut behind_slash) = (0, false);
        while let Ok(token) = input.next().cloned() {
            if self.is_read {
                if let Token::Number { .. } | Token::Percentage { .. } = &token {
                    numbers += 1;
                }
                let is_alpha = is_colour && (behind_slash || numbers > 3);
                behind_slash |= token == Token::Delim('/');
                seen(&token, is_colour, is_alpha)?;
            }
            if self.reaches && !is_colour {
                self.extent(&token, function)?;
            }
            if let Token::Function(name) = &token {
                self.call(name, is_colour)?;
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

    /// A length, a number or a variable in something that reaches.
    fn extent(&self, token: &Token<'_>, function: Option<&str>) -> Result<(), String> {
        match token {
            Token::Dimension { value, unit, .. } => self.length(*value, unit),
            Token::Percentage { unit_value, .. } => self.percentage(*unit_value),
            Token::Number { value, .. } => self.number(*value, function),
            Token::Delim('*') => Err(self.far("a product")),
            Token::Ident(name) if function == Some("var") && is_large(name) => {
                Err(self.far(&format!("`{name}`")))
            }
            _ => Ok(()),
        }
    }

    /// A function, which may make something else of what stands in it.
    fn call(&self, name: &str, in_colour: bool) -> Result<(), String> {
        if in_colour {
            return Err(format!("`{name}(…)` could make any colour of it"));
        }
        let is_ground = || self.property.starts_with("--") && GRADIENTS.iter().any(|end| name.ends_with(end));
        let is_plain = PLAIN.iter().any(|plain| name.eq_ignore_ascii_case(plain)) || is_ground();
        if (self.reaches || self.is_text) && !is_plain {
            return Err(format!("`{name}(…)` could make any length of it"));
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

/// Whether a part of a colour leaves it to be seen.
fn seen(token: &Token<'_>, in_colour: bool, is_alpha: bool) -> Result<(), String> {
    let is = |name: &str, words: &[&str]| words.iter().any(|word| name.eq_ignore_ascii_case(word));
    let hidden = match token {
        Token::Number { value, .. } | Token::Percentage { unit_value: value, .. } => is_alpha && *value < 0.5,
        // `rgb(from …)` and `none` are colours that something else makes.
        Token::Ident(name) => is(name, &["transparent"]) || (in_colour && is(name, &["from", "none"])),
        Token::Hash(digits) | Token::IDHash(digits) => {
            let alpha = match digits.len() {
                4 => digits.get(3..).map(|one| one.repeat(2)),
                8 => digits.get(6..).map(str::to_owned),
                _ => None,
            };
            alpha.is_some_and(|alpha| u8::from_str_radix(&alpha, 16).unwrap_or(0) < 0x80)
        }
        _ => false,
    };
    if hidden { Err(UNSEEN.to_owned()) } else { Ok(()) }
}

const UNSEEN: &str = "text that nobody sees is none";
