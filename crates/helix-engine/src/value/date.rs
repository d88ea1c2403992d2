//! Instants as text: as [`helix_plan::date`] has them.

use std::time::{SystemTime, UNIX_EPOCH};

use helix_plan::date;

use super::Date;

impl Date {
    /// The instant of a system clock; the start of 1970 for one that is set before it.
    #[must_use]
    pub fn from_system(now: SystemTime) -> Self {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { seconds: since.as_secs().cast_signed(), nanoseconds: since.subsec_nanos() }
    }

    /// The instant `seconds` after 1970-01-01T00:00:00Z, if it is between the years 0000 and 9999.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        date::SECONDS.contains(&seconds).then_some(Self { seconds, nanoseconds: 0 })
    }

    /// Appends the instant in UTC with as many digits as it needs: `2024-05-01T12:00:00.250+00:00`.
    pub fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(date::text(self.seconds, self.nanoseconds).unwrap_or_default().as_bytes());
    }
}

/// The instant of a date-time with an offset, or of midnight UTC of a day.
#[must_use]
pub fn parse(text: &str) -> Option<Date> {
    date::parse(text).map(|(seconds, nanoseconds)| Date { seconds, nanoseconds })
}
