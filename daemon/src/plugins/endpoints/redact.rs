//! No secret comes back: a service may say what it was sent, as it is or encoded.

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};
use serde_json::{Map, Value};

/// What stands in the place of a secret.
const HIDDEN: &str = "•••";
/// Where any bytes may stand, something shorter stands by chance.
const LONG: usize = 6;

/// What must not be seen.
#[derive(Clone, Default)]
pub struct Secrets {
    plain: Vec<String>,
    /// What they are in base64, whatever stands before and behind them there.
    base64: Vec<String>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(HIDDEN)
    }
}

impl Secrets {
    /// All of these.
    pub fn of<'a>(secrets: impl Iterator<Item = &'a str>) -> Self {
        let plain: Vec<String> = secrets.filter(|one| !one.is_empty()).map(str::to_owned).collect();
        let mut base64: Vec<String> =
            plain.iter().filter(|one| one.len() >= LONG).flat_map(|one| in_base64(one.as_bytes())).collect();
        base64.dedup();
        Self { plain, base64 }
    }

    /// A text in which none of them stands.
    pub fn hide(&self, text: &str) -> String {
        let bytes = text.as_bytes();
        let (mut shown, mut begin, mut at) = (String::new(), 0, 0);
        while at < bytes.len() {
            let Some((from, to)) = self.found(bytes, begin, at, 1) else {
                at += 1;
                continue;
            };
            shown.push_str(&String::from_utf8_lossy(&bytes[begin..from]));
            shown.push_str(HIDDEN);
            (begin, at) = (to, to);
        }
        shown.push_str(&String::from_utf8_lossy(&bytes[begin..]));
        shown
    }

    /// JSON in which none of them stands, neither as a value nor as a key.
    pub fn hide_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.hide(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide_in(item)),
            Value::Object(map) => {
                let hidden = std::mem::take(map).into_iter().map(|(key, mut value)| {
                    self.hide_in(&mut value);
                    (self.hide(&key), value)
                });
                *map = hidden.collect::<Map<_, _>>();
            }
            Value::Number(number) => {
                let said = number.as_f64();
                if self.plain.iter().any(|one| one.parse().ok().is_some_and(|one: f64| Some(one) == said)) {
                    *value = Value::String(HIDDEN.to_owned());
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Whether one of them stands in these bytes, also with two bytes for each letter.
    pub fn stand_in(&self, bytes: &[u8]) -> bool {
        let stand = |bytes: &[u8]| (0..bytes.len()).any(|at| self.found(bytes, 0, at, LONG).is_some());
        stand(bytes)
            || (bytes.contains(&0)
                && stand(&bytes.iter().copied().filter(|byte| *byte != 0).collect::<Vec<_>>()))
    }

    /// From where to where one stands that begins here. In base64, what is around it is a part of it.
    fn found(&self, bytes: &[u8], begin: usize, at: usize, least: usize) -> Option<(usize, usize)> {
        let plain = self.plain.iter().filter(|one| one.len() >= least);
        if let Some(to) = plain.filter_map(|one| end_of(bytes, at, one.as_bytes())).max() {
            return Some((at, to));
        }
        let to = self.base64.iter().filter_map(|one| end_of(bytes, at, one.as_bytes())).max()?;
        let is_base64 =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=');
        let before = bytes[begin..at].iter().rev().take_while(|byte| is_base64(byte)).count();
        let behind = bytes[to..].iter().take_while(|byte| is_base64(byte)).count();
        Some((at - before, to + behind))
    }
}

/// Three letters hold four bytes, so what something is in base64 has three forms; of each, the letters that hold nothing else.
fn in_base64(secret: &[u8]) -> Vec<String> {
    let forms = [(0, 0), (1, 2), (2, 3)].into_iter().flat_map(|(before, cut)| {
        let bytes = [&[0; 2][..before], secret].concat();
        let whole = bytes.len() * 8 / 6;
        [BASE64_NOPAD.encode(&bytes), BASE64URL_NOPAD.encode(&bytes)].map(|text| text[cut..whole].to_owned())
    });
    forms.collect()
}

/// Where a word ends that begins here: its bytes as they are, or each as it may be written in an address, JSON or HTML. Capital
/// or small makes no difference: names of hosts and kinds lose it.
fn end_of(bytes: &[u8], from: usize, word: &[u8]) -> Option<usize> {
    if bytes[from..].get(..word.len()).is_some_and(|same| same.eq_ignore_ascii_case(word)) {
        return Some(from + word.len());
    }
    let (mut at, mut left) = (from, word);
    while let Some(first) = left.first() {
        let here = bytes.get(at)?;
        let escape = matches!(here, b'%' | b'+' | b'\\' | b'&').then(|| unescaped(&bytes[at..])).flatten();
        let fits = |said: &[u8]| left.get(..said.len()).is_some_and(|same| same.eq_ignore_ascii_case(said));
        match escape {
            Some((said, length)) if fits(&said) => {
                (at, left) = (at + length, &left[said.len()..]);
            }
            _ if here.eq_ignore_ascii_case(first) => (at, left) = (at + 1, &left[1..]),
            _ => return None,
        }
    }
    Some(at)
}

/// What an escape at the beginning means, and how long it is.
fn unescaped(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let hex = |from: usize, to: usize| {
        let digits = std::str::from_utf8(bytes.get(from..to)?).ok()?;
        u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))
    };
    let byte = |code: u32| u8::try_from(code).ok().map(|byte| vec![byte]);
    let letter = |code: u32| char::from_u32(code).map(|letter| letter.to_string().into_bytes());
    match bytes {
        [b'%', ..] => Some((byte(hex(1, 3)?)?, 3)),
        [b'+', ..] => Some((vec![b' '], 1)),
        [b'\\', b'u', ..] => match hex(2, 6)? {
            high @ 0xd800..=0xdbff if bytes.get(6..8) == Some(b"\\u") => {
                let low = hex(8, 12)?.checked_sub(0xdc00)?;
                Some((letter(0x10000 + ((high - 0xd800) << 10) + low)?, 12))
            }
            code => Some((letter(code)?, 6)),
        },
        [b'\\', b'x', ..] => Some((byte(hex(2, 4)?)?, 4)),
        [b'\\', other, ..] => {
            let said = match other {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                other => *other,
            };
            Some((vec![said], 2))
        }
        [b'&', ..] => {
            let end = bytes.iter().take(12).position(|byte| *byte == b';')?;
            let name = std::str::from_utf8(&bytes[1..end]).ok()?;
            let code = match name {
                "amp" => u32::from(b'&'),
                "lt" => u32::from(b'<'),
                "gt" => u32::from(b'>'),
                "quot" => u32::from(b'"'),
                "apos" => u32::from(b'\''),
                _ => match name.strip_prefix("#x").or_else(|| name.strip_prefix("#X")) {
                    Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                    None => name.strip_prefix('#')?.parse().ok()?,
                },
            };
            Some((letter(code)?, end + 1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use data_encoding::BASE64;
    use serde_json::json;

    use super::*;

    const SECRET: &str = "hunter/2 <ü>+%";

    fn secrets() -> Secrets {
        Secrets::of([SECRET, "", "x1"].into_iter())
    }

    #[test]
    fn a_secret_is_seen_however_it_is_written() {
        for said in [
            SECRET,
            "HUNTER/2 <ü>+%",
            "hunter%2F2%20%3C%C3%BC%3E%2B%25",
            "hunter%2f2+%3c%c3%bc%3e%2b%",
            "hunter\\/2 \\u003c\\u00fc\\u003e+%",
            "hunter&#x2F;2 &lt;&#252;&gt;+%",
            "h%75nter/2\\x20<ü>+\\u0025",
        ] {
            assert_eq!(secrets().hide(&format!("ä{said}ö")), "ä•••ö", "{said}");
            assert!(secrets().stand_in(said.as_bytes()), "{said}");
        }
        for before in ["", "a", "ab", "me:"] {
            let token = BASE64.encode(format!("{before}{SECRET}").as_bytes());
            assert_eq!(secrets().hide(&format!("Basic {token}.")), "Basic •••.", "{before}");
            let token = BASE64URL_NOPAD.encode(format!("{before}{SECRET}, and more").as_bytes());
            assert_eq!(secrets().hide(&format!("({token})")), "(•••)", "{before}");
        }
        let wide: Vec<u8> = "hunter/2 <".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(Secrets::of(["hunter/2 <"].into_iter()).stand_in(&wide));
    }

    #[test]
    fn what_is_none_stays_as_it_is() {
        for text in ["", "hunter", "hunter/2 <ü>", "%", "100 % \\ & &; \\u12 \\ud800 ü😀", "aHVudGVy"] {
            assert_eq!(secrets().hide(text), text);
            assert!(!secrets().stand_in(text.as_bytes()));
        }
        assert_eq!(Secrets::of([].into_iter()).hide("a%20b"), "a%20b");
        assert!(!secrets().stand_in(b"a picture may hold x1 by chance"));
    }

    #[test]
    fn values_and_keys_of_json_are_looked_at_when_they_are_read() {
        let secrets = Secrets::of(["a/b\"c", "004711"].into_iter());
        let mut said: Value = serde_json::from_str(
            r#"{"a\/b\u0022c": ["x a\/b\"c", {"n": 4711, "m": 4712}], "in": "{\"k\":\"a\\\/b\\\"c\"}"}"#,
        )
        .unwrap();
        secrets.hide_in(&mut said);
        assert_eq!(said, json!({"•••": ["x •••", {"n": "•••", "m": 4712}], "in": "{\"k\":\"•••\"}"}));
    }
}
