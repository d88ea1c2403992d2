//! Instants as text, as in literals, requests and responses. Source: RFC 3339.

use std::ops::RangeInclusive;

use jiff::SignedDuration;
use jiff::civil::{DateTime, Time};
use jiff::fmt::temporal::Pieces;

/// The instants that RFC 3339 can write in UTC, in seconds since 1970-01-01T00:00:00Z: those of the years 0000 to 9999.
pub const SECONDS: RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

/// The digits of a fraction that count: nanoseconds.
const DIGITS: usize = 9;

/// Seconds since 1970-01-01T00:00:00Z and nanoseconds, of a date-time with an offset, or of midnight UTC of a day. Digits below
/// nanoseconds are cut off.
#[must_use]
pub fn parse(text: &str) -> Option<(i64, u32)> {
    // Annotations such as `[Europe/Oslo]` are no part of RFC 3339, nor are offsets of a day and more. Leap seconds are, and would
    // be read as the second before.
    let text = cut(text);
    let pieces = Pieces::parse(text.as_bytes()).ok().filter(|_| !text.contains('[') && !is_in_leap_second(&text))?;
    let (time, offset) = match (pieces.time(), pieces.to_numeric_offset()) {
        (Some(time), Some(offset)) => (time, i64::from(offset.seconds())),
        (None, None) if text.len() == "YYYY-MM-DD".len() => (Time::midnight(), 0),
        _ => return None,
    };
    if offset.abs() >= 24 * 60 * 60 {
        return None;
    }
    let local = DateTime::from_parts(pieces.date(), time).duration_since(epoch());
    // Before 1970, seconds are rounded down and nanoseconds count up from there.
    let nanoseconds = local.as_nanos() - i128::from(offset) * 1_000_000_000;
    let seconds = i64::try_from(nanoseconds.div_euclid(1_000_000_000)).ok()?;
    let rest = u32::try_from(nanoseconds.rem_euclid(1_000_000_000)).ok()?;
    SECONDS.contains(&seconds).then_some((seconds, rest))
}

/// The text of an instant in UTC with as many digits as it needs: `2024-05-01T12:00:00.250+00:00`; `None` outside of [`SECONDS`].
#[must_use]
pub fn text(seconds: i64, nanoseconds: u32) -> Option<String> {
    let at = epoch().checked_add(SignedDuration::from_secs(seconds)).ok().filter(|_| SECONDS.contains(&seconds))?;
    let fraction = match nanoseconds {
        0 => String::new(),
        n if n % 1_000_000 == 0 => format!(".{:03}", n / 1_000_000),
        n if n % 1_000 == 0 => format!(".{:06}", n / 1_000),
        n => format!(".{n:09}"),
    };
    Some(format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{fraction}+00:00",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    ))
}

fn epoch() -> DateTime {
    DateTime::constant(1970, 1, 1, 0, 0, 0, 0)
}

/// The text without digits below nanoseconds.
fn cut(text: &str) -> String {
    let Some(point) = text.find('.') else { return text.to_owned() };
    let digits = text[point + 1..].bytes().take_while(u8::is_ascii_digit).count();
    let (kept, rest) = (point + 1 + digits.min(DIGITS), point + 1 + digits);
    format!("{}{}", &text[..kept], &text[rest..])
}

/// Whether the second of a date-time is 60.
fn is_in_leap_second(text: &str) -> bool {
    let Some((_, time)) = text.split_once(['T', 't', ' ']) else { return false };
    let clock = time.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b':');
    clock.filter(u8::is_ascii_digit).skip("HHMM".len()).eq(*b"60")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{SECONDS, parse, text};

    #[test]
    fn reads_what_rfc_3339_writes() {
        for (written, read) in [
            ("1970-01-01", (0, 0)),
            ("2024-05-01T12:00:00+02:00", (1_714_557_600, 0)),
            ("2024-05-01 12:00:00z", (1_714_564_800, 0)),
            ("1969-12-31T23:59:59.25Z", (-1, 250_000_000)),
            ("9999-12-31", (253_402_214_400, 0)),
            ("9999-12-31T23:59:59.999999999Z", (253_402_300_799, 999_999_999)),
            ("0000-01-01T00:00:00Z", (-62_167_219_200, 0)),
            ("2024-05-01T12:00:00.1234567891234Z", (1_714_564_800, 123_456_789)),
        ] {
            assert_eq!(parse(written), Some(read), "{written}");
        }
    }

    #[test]
    fn refuses_what_is_no_instant() {
        for written in [
            "",
            "today",
            "2024-05-01T12:00:00",
            "2024-02-30",
            "2024-05-01T12:00:00+25:00",
            "2024-05-01T12:30:60Z",
            "2016-12-31T23:59:60.5Z",
            "2016-12-31 235960+00:00",
            "9999-12-31T23:59:59-01:00",
            "0000-01-01T00:00:00+00:01",
            "-0001-12-31T00:00:00Z",
            "2024-05-01T12:00:00Z[Europe/Oslo]",
            "12:00:00Z",
        ] {
            assert_eq!(parse(written), None, "{written}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seconds in SECONDS, nanoseconds in prop_oneof![Just(0), Just(5_000_000), 0u32..1_000_000_000]) {
            let written = text(seconds, nanoseconds).expect("it is in range");
            prop_assert_eq!(parse(&written), Some((seconds, nanoseconds)));
        }
    }
}
