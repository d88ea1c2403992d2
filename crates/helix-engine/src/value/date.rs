//! Instants as text. Source: RFC 3339.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::Offset;

use super::Date;

impl Date {
    /// The instant of a system clock.
    #[must_use]
    pub fn from_system(now: std::time::SystemTime) -> Self {
        Timestamp::try_from(now).map_or(Self { seconds: 0, nanoseconds: 0 }, Self::from_timestamp)
    }

    /// The instant `seconds` after 1970-01-01T00:00:00Z, if it is between the years −9999 and 9999.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        Timestamp::from_second(seconds).ok().map(Self::from_timestamp)
    }

    fn from_timestamp(timestamp: Timestamp) -> Self {
        let nanoseconds = timestamp.as_nanosecond();
        Self {
            seconds: nanoseconds.div_euclid(1_000_000_000) as i64,
            nanoseconds: nanoseconds.rem_euclid(1_000_000_000) as u32,
        }
    }

    /// Appends the instant in UTC with as many digits as it needs: `2024-05-01T12:00:00.250+00:00`.
    pub fn write(self, out: &mut Vec<u8>) {
        use std::io::Write as _;
        let nanoseconds = i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanoseconds);
        let Ok(timestamp) = Timestamp::from_nanosecond(nanoseconds) else { return };
        let at = Offset::UTC.to_datetime(timestamp);
        let (sign, year) = if at.year() < 0 { ("-", -i32::from(at.year())) } else { ("", i32::from(at.year())) };
        // Writing to memory does not fail.
        let _ = write!(
            out,
            "{sign}{year:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            at.month(),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        );
        let _ = match self.nanoseconds {
            0 => Ok(()),
            n if n % 1_000_000 == 0 => write!(out, ".{:03}", n / 1_000_000),
            n if n % 1_000 == 0 => write!(out, ".{:06}", n / 1_000),
            n => write!(out, ".{n:09}"),
        };
        out.extend_from_slice(b"+00:00");
    }
}

/// The instant of a date-time with an offset, or of midnight UTC of a day.
#[must_use]
pub fn parse(text: &str) -> Option<Date> {
    // Annotations such as `[Europe/Oslo]` are no part of RFC 3339.
    if text.contains('[') {
        return None;
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(Date::from_timestamp(timestamp));
    }
    if text.len() != 10 {
        return None;
    }
    let day: civil::Date = text.parse().ok()?;
    let midnight = Offset::UTC.to_timestamp(day.to_datetime(civil::Time::midnight())).ok()?;
    Some(Date::from_timestamp(midnight))
}
