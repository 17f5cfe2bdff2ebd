//! Times, as signatures and answers have them.

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use time::OffsetDateTime;
use time::PrimitiveDateTime;
use time::UtcOffset;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::macros::offset;

/// `2023-10-26T10:22:32Z`.
pub const ISO: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
/// `20150830T123600Z`.
pub const COMPACT: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");

/// Milliseconds since 1970, by this machine's clock.
pub fn milliseconds() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Seconds since 1970, of a date in UTC that is written this way and no other.
pub fn seconds(date: &str, shape: &[BorrowedFormatItem<'_>]) -> Option<i64> {
    PrimitiveDateTime::parse(date, shape).ok().map(|date| date.assume_utc().unix_timestamp())
}

/// `2019-10-24`, in UTC, of seconds since 1970.
pub fn day(seconds: i64) -> String {
    let date = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    date.format(format_description!("[year]-[month]-[day]")).unwrap()
}

/// `2019-10-24 14:20:51 +0800 CST`, of `2019-10-24T06:20:51Z` with or without a fraction. Nothing stays nothing.
pub fn beijing(utc: &str) -> String {
    const BEIJING: UtcOffset = offset!(+8);
    if utc.is_empty() {
        return String::new();
    }
    let date = OffsetDateTime::parse(utc, &Rfc3339).unwrap().to_offset(BEIJING);
    date.format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second] +0800 CST")).unwrap()
}
