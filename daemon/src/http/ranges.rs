//! Byte ranges (RFC 9110, section 14): one range at a time; whatever else is asked for gets the whole.

/// What of `len` bytes is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Everything.
    Whole,
    /// From the first to before the second.
    Part(u64, u64),
    /// Nothing of what was asked for exists.
    Beyond,
}

/// Reads a `Range` header.
pub fn wanted(header: Option<&str>, len: u64) -> Wanted {
    let Some(spec) = header.and_then(|value| value.trim().strip_prefix("bytes=")) else {
        return Wanted::Whole;
    };
    let Some((first, last)) = spec.split_once('-') else { return Wanted::Whole };
    match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last && first < len => {
            Wanted::Part(first, last.saturating_add(1).min(len))
        }
        (Ok(first), Ok(last)) if first <= last => Wanted::Beyond,
        (Ok(first), Err(_)) if last.trim().is_empty() => {
            if first < len {
                Wanted::Part(first, len)
            } else {
                Wanted::Beyond
            }
        }
        (Err(_), Ok(count)) if first.trim().is_empty() => {
            if count == 0 || len == 0 {
                Wanted::Beyond
            } else {
                Wanted::Part(len.saturating_sub(count), len)
            }
        }
        _ => Wanted::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_understood_and_nonsense_is_ignored() {
        let cases = [
            (None, Wanted::Whole),
            (Some("bytes=0-3"), Wanted::Part(0, 4)),
            (Some("bytes=8-"), Wanted::Part(8, 10)),
            (Some("bytes=-3"), Wanted::Part(7, 10)),
            (Some("bytes=-30"), Wanted::Part(0, 10)),
            (Some("bytes=5-500"), Wanted::Part(5, 10)),
            (Some("bytes=10-"), Wanted::Beyond),
            (Some("bytes=10-12"), Wanted::Beyond),
            (Some("bytes=-0"), Wanted::Beyond),
            (Some("bytes=5-2"), Wanted::Whole),
            (Some("bytes=0-1,4-5"), Wanted::Whole),
            (Some("lines=0-1"), Wanted::Whole),
            (Some("bytes=a-b"), Wanted::Whole),
            (Some("bytes=0-18446744073709551615"), Wanted::Part(0, 10)),
        ];
        for (header, expect) in cases {
            assert_eq!(wanted(header, 10), expect, "{header:?}");
        }
    }
}
