//! Dates: what reads as one, and the variables of queries (`{{ today }}`, `{{ startOfWeek }}` …). Days begin
//! and end in this machine's time zone, weeks on Monday.

use codex_crdt_model::ids::UnixMs;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Unit, Zoned};

/// The names of all variables.
pub const VARIABLES: [&str; 8] =
    ["today", "now", "todayStart", "todayEnd", "startOfWeek", "endOfWeek", "startOfMonth", "endOfMonth"];

/// A date with time as YAML writes it (`2026-02-01 10:00:00`) in ISO form; anything else as it is.
pub fn iso(mut text: String) -> String {
    let bytes = text.as_bytes();
    if bytes.len() >= 16
        && looks_dated(bytes)
        && bytes[10] == b' '
        && bytes[13] == b':'
        && moment(&text).is_some()
    {
        text.replace_range(10..11, "T");
    }
    text
}

/// Milliseconds since 1970 of a text that reads as a date, a date with time, or an RFC 3339 time.
pub fn moment(text: &str) -> Option<UnixMs> {
    let text = text.trim();
    if !looks_dated(text.as_bytes()) || text.len() > 64 {
        return None;
    }
    let local = |time: DateTime| Some(time.to_zoned(TimeZone::system()).ok()?.timestamp().as_millisecond());
    if text.len() == 10 {
        return local(text.parse::<Date>().ok()?.to_datetime(Time::midnight()));
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_millisecond());
    }
    local(text.parse::<DateTime>().ok()?)
}

fn looks_dated(bytes: &[u8]) -> bool {
    bytes.len() >= 10
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes[5..7].iter().all(u8::is_ascii_digit)
        && bytes[7] == b'-'
        && bytes[8..10].iter().all(u8::is_ascii_digit)
}

/// The day of an instant, `YYYY-MM-DD`.
pub fn day(instant: UnixMs) -> String {
    zoned(instant).date().to_string()
}

fn zoned(instant: UnixMs) -> Zoned {
    Timestamp::from_millisecond(instant).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::system())
}

/// The value of a variable, or `None` if there is none of that name.
pub fn variable(name: &str, now: UnixMs) -> Option<String> {
    let now = zoned(now);
    let today = now.date();
    let monday = today.checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days()).ok()?;
    let start = |day: Date| day.to_datetime(Time::midnight()).to_string();
    let end = |day: Date| day.to_datetime(Time::constant(23, 59, 59, 999_000_000)).to_string();
    Some(match name {
        "today" => today.to_string(),
        "now" => {
            let now = now.round(Unit::Second).ok()?;
            format!("{}{}", now.datetime(), offset(&now))
        }
        "todayStart" => start(today),
        "todayEnd" => end(today),
        "startOfWeek" => start(monday),
        "endOfWeek" => end(monday.checked_add(6.days()).ok()?),
        "startOfMonth" => start(today.first_of_month()),
        "endOfMonth" => end(today.last_of_month()),
        _ => return None,
    })
}

fn offset(time: &Zoned) -> String {
    let seconds = time.offset().seconds();
    let minutes = seconds.abs() / 60;
    format!("{}{:02}:{:02}", if seconds < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
}

/// Puts values in place of `{{ name }}`; names that are not known stay, and are returned.
pub fn expand(text: &str, now: UnixMs) -> (String, Vec<String>) {
    let mut expanded = String::with_capacity(text.len());
    let mut unknown = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        expanded.push_str(before);
        let Some((name, behind)) = after.split_once("}}") else {
            rest = &rest[before.len()..];
            break;
        };
        match variable(name.trim(), now) {
            Some(value) => expanded.push_str(&value),
            None => {
                unknown.push(name.trim().to_owned());
                expanded.push_str(&rest[before.len()..rest.len() - behind.len()]);
            }
        }
        rest = behind;
    }
    expanded.push_str(rest);
    (expanded, unknown)
}
